"""A client program of the demo: `caller.py NAME CONFIG.json COUNTS.json`. Calls its edges steadily and writes down what it sent.

CONFIG: {"rate": calls a second, "edges": [{"kind", "target", "lifetime", "every", "errors", ...options}]}: a connection is renewed
after `lifetime` seconds (0: never), one call in `errors` asks for an error (0: none), `every` seconds between calls overrules the rate.
"""
import json
import os
import pathlib
import sys
import threading
import time

import edges
from named import take_name

KINDS = {"http": edges.HttpEdge, "legacy": edges.LegacyHttpEdge, "grpc": edges.GrpcEdge, "websocket": edges.WebSocketEdge,
         "stream": edges.StreamEdge, "postgres": edges.PostgresEdge, "mariadb": edges.MariaDbEdge, "redis": edges.RedisEdge}


class Caller:
    """One edge and its count, on a thread of its own."""

    def __init__(self, kind, target, lifetime=0, errors=20, every=1.0, **options):
        self.edge = KINDS[kind](target, **options)
        self.lifetime, self.errors, self.every = lifetime, errors, every
        self.calls = 0
        self.count = {"protocol": self.edge.protocol, "connections": 0, "requests": 0, "errors": 0, "broken": 0}

    def run(self):
        born = 0.0
        while True:
            try:
                if self.edge.connection and self.lifetime and time.monotonic() - born > self.lifetime:
                    self.edge.close()
                if not self.edge.connection:
                    self.edge.connect()
                    born = time.monotonic()
                    self.count["connections"] += 1
                    self.count["requests"] += self.edge.requests_per_connection
                self.calls += 1
                failed = self.edge.call(bool(self.errors) and self.calls % self.errors == 0)
                self.count["requests"] += self.edge.requests_per_call
                self.count["errors"] += failed
            except Exception as error:  # whatever a driver raises: this is what nobody must notice, so it is counted and said
                self.count["broken"] += 1
                print(f"{time.strftime('%T')} {self.edge.target}: {error!r}", flush=True)
                self.edge.close()
            time.sleep(self.every)


def main():
    name, config, counts = sys.argv[1], json.loads(pathlib.Path(sys.argv[2]).read_text()), pathlib.Path(sys.argv[3])
    take_name(name)
    callers = [Caller(**{"every": 1 / config["rate"], **edge}) for edge in config["edges"]]
    for caller in callers:
        threading.Thread(target=caller.run, daemon=True).start()
    try:
        while True:
            time.sleep(1)
            write(counts, name, callers)
    finally:
        write(counts, name, callers)


def write(path, name, callers):
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({f"{name} -> {caller.edge.target}": caller.count for caller in callers}, indent=1) + "\n")
    draft.replace(path)


if __name__ == "__main__":
    main()
