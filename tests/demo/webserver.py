"""nginx from Debian's package: static files, a proxied path, TLS with HTTP/2; private configuration, pid and temporary files."""
import pathlib

from databases import self_signed
from processes import Service

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {root}/pid;
error_log stderr warn;
user www-data;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    server_tokens off;
    keepalive_requests 1000000;
    client_body_temp_path {root}/body;
    proxy_temp_path {root}/proxied;
    fastcgi_temp_path {root}/fastcgi;
    uwsgi_temp_path {root}/uwsgi;
    scgi_temp_path {root}/scgi;
    types {{ text/html html; application/octet-stream bin; }}
{upstream}
    server {{
        listen 80 backlog=4096;
        listen [::]:80 backlog=4096;
        listen 443 ssl http2;
        listen [::]:443 ssl http2;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        root {root}/site;
        location / {{ }}
        location = /whoami {{ return 200 "$remote_addr\\n"; }}
        location = /broken {{ return 500 "broken on purpose\\n"; }}
{proxied}
    }}
}}
"""
UPSTREAM = """
    upstream orders {{ server {address}; keepalive 4; keepalive_time 10s; keepalive_timeout 3s; }}
"""
PROXIED = """
        location /orders/ {
            proxy_pass http://orders;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
        }
"""


class Nginx:
    """`orders` is the address:port that /orders/ is passed on to; none by default."""

    def __init__(self, directory, host, orders=""):
        self.root = pathlib.Path(directory) / "nginx"
        self.host, self.orders = host, orders
        self.service = Service("nginx", host, ["nginx", "-p", self.root, "-e", "stderr", "-c", self.root / "nginx.conf"], 80)

    def prepare(self):
        site = self.root / "site"
        site.mkdir(parents=True, exist_ok=True)
        (site / "index.html").write_text("<!doctype html><title>Loam's demo</title><p>It grows.</p>\n")
        (site / "64k.bin").write_bytes(bytes(range(256)) * 256)
        key, certificate = self_signed(self.root, self.host.name)
        (self.root / "nginx.conf").write_text(CONFIGURATION.format(
            root=self.root, key=key, certificate=certificate, upstream=UPSTREAM.format(address=self.orders) if self.orders else "",
            proxied=PROXIED if self.orders else ""))
