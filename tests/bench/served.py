"""Proxies that terminate HTTP/1.1, each at its best: connections to the server are kept, nothing is logged."""
import hashlib
import json
import os

from contenders import UPSTREAM, HAProxy, Loam, Nginx
from hops import Envoy


class LoamServing(Loam):
    """With `serve` on for the upstream, as its controller would have left it; observing."""
    features = ()  # besides

    def identity(self):
        state = self.folder / "state"
        state.mkdir(mode=0o700)
        on = {"feature": "observe", "stage": "on", "share": 100_000, "salt": ""}
        features = [{**on, "feature": feature, "stage": stage, "settings": settings} for feature, stage, settings in (("serve", "on", {}), *self.features)]
        service = {"name": "upstream", "endpoints": [f"{self.upstream}:{port}" for port in UPSTREAM.values()], "features": sorted([*features, on], key=lambda one: one["feature"])}
        snapshot = json.dumps({"epoch": 1, "generation": 1, "proxy": self.label, "defaults": [on], "services": [service]})
        (state / "snapshot.0").write_text(f"{hashlib.sha256(snapshot.encode()).hexdigest()} {len(snapshot)}\n{snapshot}\n")
        return f"controller: {self.folder}/nobody.sock\n"


class LoamFiltering(LoamServing):
    """All that acts beside the service: none of them keeps a request from it."""
    features = (("policy", "enforce", {"rules": [{"name": "no-admin", "action": "deny", "match": {"paths": ["/admin/**"]}}]}),
                ("rate_limit", "enforce", {"limits": [{"name": "all", "rate": "1000000/s", "key": "address"}], "headers": False}),
                ("fault", "on", {"delay": "1s", "match": {"headers": {"x-slow": "*"}}}),
                ("timeouts", "on", {"request": "30s", "response": "10s", "idle": "10s"}))


class HAProxyServing(HAProxy):
    def argv(self):
        listen = "".join(f"listen {service}\n  bind {self.host}:{port}\n  http-reuse always\n  server upstream {self.target(service)}\n"
                         for service, port in self.ports.items())
        return ["haproxy", "-db", "-f",
                self.config("global\n  nbthread 1\n  maxconn 5500\ndefaults\n  mode http\n  maxconn 5500\n  timeout connect 5s\n  timeout client 600s\n"
                            f"  timeout server 600s\n{listen}")]


class NginxServing(Nginx):
    def argv(self):
        upstreams = "".join(f"  upstream {service} {{ server {self.target(service)}; keepalive 64; keepalive_requests 1000000000; }}\n" for service in self.ports)
        servers = "".join(f"  server {{ listen {self.host}:{port} reuseport; location / {{ proxy_pass http://{service}; }} }}\n" for service, port in self.ports.items())
        temporary = "".join(f"  {kind}_temp_path {self.folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = self.config(f"daemon off;\nmaster_process off;\nworker_processes 1;\npid {self.folder}/pid;\nerror_log stderr crit;\nworker_rlimit_nofile 20000;\n"
                             "events { worker_connections 11000; }\n"
                             f"http {{\n  access_log off;\n  keepalive_requests 1000000000;\n  keepalive_timeout 600s;\n  tcp_nodelay on;\n{temporary}"
                             f"  proxy_http_version 1.1;\n  proxy_set_header Connection \"\";\n  proxy_set_header Host $http_host;\n{upstreams}{servers}}}\n")
        return ["nginx", "-e", "stderr", "-p", self.folder, "-c", config]


class EnvoyServing(Envoy):
    def network_filter(self, service):
        kind = "type.googleapis.com/envoy.extensions.filters"
        route = {"virtual_hosts": [{"name": service, "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": service, "timeout": "600s"}}]}]}
        return {"name": "http", "typed_config": {
            "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": service, "codec_type": "HTTP1", "route_config": route,
            "http_filters": [{"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}}]}}


def contending():
    """[(class, name)] of those that are there."""
    envoy = [(EnvoyServing, "Envoy")] if os.environ.get("PEER_ENVOY") else []
    return [(LoamServing, "Loam"), (LoamFiltering, "Loam, all filters"), (HAProxyServing, "HAProxy"), (NginxServing, "nginx"), *envoy]
