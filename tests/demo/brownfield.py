"""The demo's brownfield: `brownfield.py up|down|status [--dir DIR] [--rate CALLS_PER_SECOND]`. Knows nothing of Loam."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import sys
import time

from databases import PASSWORD, MariaDb, Postgres, Redis
from network import Network
from processes import ProcessTable, Service
from webserver import Nginx

DIRECTORY = "/var/lib/loam-demo"
SERVICES = pathlib.Path(__file__).resolve().parent / "services"
HOSTS = {"frontend": 10, "reports": 11, "batch": 12, "web": 20, "legacy": 21, "orders": 22, "greeter": 23, "chat": 24, "ticker": 25,
         "audit": 26, "postgres": 30, "mariadb": 31, "redis": 32}
AUDIT_PORT = 6514  # the demo's capture excludes it: this edge is known from the socket inventory alone


def edges(rate, rare):
    """What each client calls. A lifetime below a minute lets every connection be a captured one soon after capture is on."""
    sql = {"password": PASSWORD, "lifetime": 10}
    return {
        "frontend": [
            {"kind": "http", "target": "web:80", "lifetime": 10, "paths": ["/", "/orders/17", "/orders/23"]},
            {"kind": "legacy", "target": "legacy:8000"},
            {"kind": "http", "target": "orders:8080", "lifetime": 10, "paths": ["/orders/1", "/orders/2", "/customers/9/address"]},
            {"kind": "grpc", "target": "greeter:50051", "lifetime": 10},
            {"kind": "websocket", "target": "chat:9001", "lifetime": 10},
            {"kind": "stream", "target": "ticker:9100", "lifetime": 10},
            {"kind": "postgres", "target": "postgres:5432", "user": "frontend", **sql},
            {"kind": "mariadb", "target": "mariadb:3306", "user": "frontend", **sql},
            {"kind": "redis", "target": "redis:6379", "lifetime": 10},
            {"kind": "stream", "target": f"audit:{AUDIT_PORT}"},
        ],
        "reports": [{"kind": "postgres", "target": "postgres:5432", "user": "reports", "sslmode": "require", **sql}],
        "batch": [
            {"kind": "http", "target": "orders:8080", "lifetime": 1, "every": rare, "errors": 0, "paths": ["/orders/export"]},
            {"kind": "mariadb", "target": "mariadb:3306", "user": "batch", "password": PASSWORD, "lifetime": 1, "every": rare, "errors": 0},
        ],
    }


class Brownfield:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.network = Network("loamdemo", 77, HOSTS, dual=("greeter", "redis"))

    def up(self, rate, rare):
        """Starts what does not run yet, servers before clients."""
        started = time.monotonic()
        if os.geteuid() != 0:
            sys.exit("brownfield: needs root for network namespaces (./dev demo asks sudo for it)")
        self.directory.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.network.up()
        table = ProcessTable(self.directory)
        servers = self._servers()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda server: server.prepare(), servers))
        services = [*(server.service for server in servers), *self._own_services()]
        for service in services:
            table.start(service)
        for service in services:
            table.wait_ready(service)
        servers[0].fill()
        for client in self._clients(rate, rare):
            table.start(client)
        print(f"brownfield: {len(HOSTS)} hosts, {len(table.entries)} programs in {self.directory}, "
              f"up in {time.monotonic() - started:.1f} s")

    def stop_callers(self):
        """Ends the traffic; the services go on."""
        if self.directory.exists():
            ProcessTable(self.directory).stop(list(edges(1, 1)))

    def down(self):
        """Ends what was recorded, removes the namespaces and the directory; says what it would not touch."""
        if not self.directory.exists() and not self.network.namespaces():
            print("brownfield: is not there")
            return
        if self.directory.exists():
            ProcessTable(self.directory).stop()
        for name in self.network.namespaces():
            strangers = os.popen(f"ip netns pids {name}").read().split()
            if strangers:
                print(f"brownfield: not started by the demo, left alone in {name}: pid {' '.join(strangers)}", file=sys.stderr)
        self.network.down()
        if self.directory.exists():
            shutil.rmtree(self.directory)
        print("brownfield: gone")

    def status(self):
        """One line for each program; what its clients sent so far. Returns whether everything runs."""
        table = ProcessTable(self.directory)
        for name in table.entries:
            print(f"{name:12} {table.pid(name) or 'ended'}")
        for edge, count in self.counts().items():
            print(f"{edge:32} " + " ".join(f"{key}={value}" for key, value in count.items()))
        return bool(table.entries) and all(table.pid(name) for name in table.entries)

    def counts(self):
        """What the clients say they sent: {"caller -> callee:port": {protocol, connections, requests, errors, broken}}."""
        found = {}
        for path in sorted(self.directory.glob("counts-*.json")):
            found.update(json.loads(path.read_text()))
        return found

    def _servers(self):
        hosts, where = self.network, self.directory
        return [Postgres(where, hosts["postgres"], [("frontend", hosts["frontend"].address)], [("reports", hosts["reports"].address)]),
                MariaDb(where, hosts["mariadb"], [("frontend", hosts["frontend"].address), ("batch", hosts["batch"].address)]),
                Redis(where, hosts["redis"]),
                Nginx(where, hosts["web"], "orders:8080")]

    def _own_services(self):
        def service(name, program, *arguments, port):
            return Service(name, self.network[name], ["/usr/bin/python3", SERVICES / program, *arguments], port)
        return [service("legacy", "http_service.py", "legacy", 8000, "HTTP/1.0", port=8000),
                service("orders", "http_service.py", "orders", 8080, "HTTP/1.1", port=8080),
                service("greeter", "greeter.py", 50051, port=50051),
                service("chat", "chat.py", 9001, port=9001),
                service("ticker", "stream_service.py", "ticker", 9100, port=9100),
                service("audit", "stream_service.py", "audit", AUDIT_PORT, port=AUDIT_PORT)]

    def _clients(self, rate, rare):
        for name, calls in edges(rate, rare).items():
            config = self.directory / f"{name}.json"
            config.write_text(json.dumps({"rate": rate, "edges": calls}, indent=1))
            yield Service(name, self.network[name], ["/usr/bin/python3", SERVICES / "caller.py", name, config,
                                                     self.directory / f"counts-{name}.json"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["up", "down", "status"])
    parser.add_argument("--dir", default=DIRECTORY)
    parser.add_argument("--rate", type=float, default=4, help="calls a second of each edge")
    parser.add_argument("--rare", type=float, default=20, help="seconds between two runs of the rare job")
    options = parser.parse_args()
    field = Brownfield(options.dir)
    if options.verb == "up":
        field.up(options.rate, options.rare)
    elif options.verb == "down":
        field.down()
    else:
        sys.exit(0 if field.status() else 1)


if __name__ == "__main__":
    main()
