"""A small HTTP service: `http_service.py NAME PORT HTTP/1.0|HTTP/1.1`. A path with `broken` in it is answered with 500."""
import http.server
import json
import sys

from named import DualStackServer, take_name


class Handler(http.server.BaseHTTPRequestHandler):
    disable_nagle_algorithm = True
    server_version = "demo"

    def do_GET(self):
        status = 500 if "broken" in self.path else 200
        body = json.dumps({"path": self.path, "peer": self.client_address[0], "status": status}).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if self.protocol_version == "HTTP/1.1":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *_):
        """Quiet: the demo writes no access log."""


if __name__ == "__main__":
    name, port, Handler.protocol_version = sys.argv[1:]
    take_name(name)
    DualStackServer(int(port), Handler).serve_forever()
