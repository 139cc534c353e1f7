"""The test bed: three hosts on one network, real servers on one of them, and Loam on those that a mode names."""
import contextlib
import itertools
import os
import pathlib
import select
import shutil
import socket
import tempfile
import threading
import time

from brownfield import SERVICES
from databases import PASSWORD, MariaDb, Postgres, Redis
from loam import Loam
from network import Network
from processes import ProcessTable, Service, wait_until
from webserver import Nginx

__all__ = ["CAPTURED", "PASSWORD", "Lab", "Origin", "echo", "reset", "rules_of"]
HOSTS = {"client": 10, "second": 11, "server": 20}
CAPTURED = {"direct": {}, "outbound": {"client": {"outbound": True}}, "inbound": {"server": {"outbound": False, "inbound": True}},
            "both": {"client": {"outbound": True}, "server": {"outbound": False, "inbound": True}}}
CAPTURED["mtls"] = CAPTURED["both"]  # whose proxies speak strict mutual TLS for every service of `PORTS`
PORTS = [80, 443, 3306, 5432, 6379, 8000, 8080, 9001, 9100, 40000, 50051]


def rules_of(host):
    """Everything that capture could leave behind on a host: rules, policy routes, routes; counters and handles left out."""
    return {" ".join(command): host.run(*command) for command in (
        ["nft", "-s", "list", "ruleset"], ["ip", "rule"], ["ip", "-6", "rule"], ["ip", "route", "show", "table", "all"],
        ["ip", "-6", "route", "show", "table", "all"])}


class Lab:
    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="loam-e2e-", dir="/var/tmp"))
        self.directory.chmod(0o755)
        self.network = Network(f"loam{os.getpid()}", 99, HOSTS)
        self.table = ProcessTable(self.directory)
        self.keeps_ports = False  # servers see their clients' ports too
        self.fresh_ports = itertools.count(20000)  # of clients; below those that the kernel gives, so none was in use before
        self.loam = Loam(self.table, self.directory / "loam")
        self.client, self.second, self.server = (self.network[name] for name in HOSTS)

    def up(self):
        self.network.up()
        clients = [self.client.address, self.client.address6]
        frontend = [("frontend", address) for address in (*clients, self.server.address)]
        postgres = Postgres(self.directory, self.server, frontend, [("reports", address) for address in clients])
        mariadb = MariaDb(self.directory, self.server, frontend)
        servers = [postgres, mariadb, Redis(self.directory, self.server), Nginx(self.directory, self.server)]
        for server in servers:
            server.prepare()
        own = [("orders", "http_service.py", ["orders", 8080, "HTTP/1.1"], 8080), ("legacy", "http_service.py", ["legacy", 8000, "HTTP/1.0"], 8000),
               ("greeter", "greeter.py", [50051], 50051), ("chat", "chat.py", [9001], 9001),
               ("ticker", "stream_service.py", ["ticker", 9100], 9100)]
        services = [server.service for server in servers]
        services += [Service(name, self.server, ["/usr/bin/python3", SERVICES / program, *words], port) for name, program, words, port in own]
        for service in services:
            self.table.start(service)
        for service in services:
            self.table.wait_ready(service)
        postgres.fill()
        self.listeners = {family: Origin(self.server, self.address(self.server, family), 40000) for family in ("IPv4", "IPv6")}

    def down(self):
        self.table.stop()
        self.network.down()
        shutil.rmtree(self.directory)

    @contextlib.contextmanager
    def captured(self, mode, **terms):
        """Loam for a `with` block, with these terms of capture; it must leave the hosts' rules as it found them."""
        hosts = (self.client, self.server)
        before = [rules_of(host) for host in hosts]
        if CAPTURED[mode]:
            self.loam.start_controller(self.second, agents=mode == "mtls")
        try:
            for name, sides in CAPTURED[mode].items():
                self.loam.start(self.network[name], **sides, **terms)
            if mode == "mtls":
                self.secure()
            yield self.loam
        finally:
            if mode == "mtls":
                self.loam.remove_capture()
            self.loam.stop_all()
        after = [rules_of(host) for host in hosts]
        if after != before:
            for host in hosts:  # the next test starts clean
                host.run("nft", "-f", "-", input="add table inet loam\ndelete table inet loam\n")
        assert after == before

    def secure(self):
        """Shows the proxies every port, then takes all services to strict."""
        ends = {f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
                for port in PORTS for address in (self.server.address, self.server.address6)}
        for family in ("IPv4", "IPv6"):
            for port in PORTS:
                with contextlib.suppress(OSError), self.connect(port, family):
                    pass
        answering = {end for end in ends if self._answers(end)}

        def known(proxy):
            with contextlib.suppress(RuntimeError):  # it has not asked yet
                snapshot = self.loam.get(f"/v1/fleet/{proxy}/snapshot")
                return {end for service in snapshot["services"] for end in service["endpoints"]} >= answering
            return False
        for proxy in CAPTURED["mtls"]:
            wait_until(lambda proxy=proxy: known(proxy), 60, f"the services in the snapshot of {proxy}")
        names = [service["name"] for service in self.loam.get("/v1/fleet/client/snapshot")["services"] if answering & set(service["endpoints"])]
        for stage in ("observe", "permissive", "prefer", "strict"):
            for name in names:
                self.loam.cli("flag", "set", name, "mtls", stage, "--reason", "a test", "--accept-risk", "--wait")
        captured = self.loam.redirected(self.client)
        in_clear = self.loam.redirected(self.server)  # by inbound capture: what comes to the port for proxies is not
        assert all(self._answers(end) for end in answering)
        assert self.loam.redirected(self.client) >= captured + len(answering) and self.loam.redirected(self.server) == in_clear
        time.sleep(1)  # they reach the listeners behind a handshake: none is to be left for a test to accept

    def _answers(self, end):
        host, port = end.rsplit(":", 1)
        with contextlib.suppress(OSError), self.client.inside(), socket.create_connection((host.strip("[]"), int(port)), timeout=5):
            return True
        return False

    def address(self, host, family):
        return host.address6 if family == "IPv6" else host.address

    def connect(self, port, family="IPv4", timeout=10, source=0):
        """A connection from the client's host to a port of the server's; `source` is the client's port, any when 0."""
        with self.client.inside():
            connection = socket.socket(socket.AF_INET6 if family == "IPv6" else socket.AF_INET)
        try:
            connection.settimeout(timeout)
            if source:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                connection.bind(("", source))
            connection.connect((self.address(self.server, family), port))
        except OSError:
            connection.close()
            raise
        return connection

    def origin(self, family="IPv4"):
        """The listener that is there all the time, so that capture knows it; nothing waits in its queue."""
        self.listeners[family].flush()
        return self.listeners[family]

    def new_origin(self, port=0, family="IPv4"):
        """A listener of one's own, to be closed by a `with` block."""
        return Origin(self.server, self.address(self.server, family), port)

    def silent_port(self):
        """A port of the server's that nothing listens on."""
        with self.new_origin() as origin:
            return origin.port


class Origin:
    """A listener on a host whose connections the test itself plays the server of; one by one (`accept`) or on threads (`serve`)."""

    def __init__(self, host, address, port=0):
        with host.inside():
            self.listener = socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET, backlog=4096)
        self.listener.settimeout(10)
        self.port = self.listener.getsockname()[1]

    def accept(self):
        """The next connection and the address that the server sees it come from."""
        connection, peer = self.listener.accept()
        connection.settimeout(10)
        return connection, peer

    def flush(self):
        """Drops the connections that an earlier test left in the queue."""
        while select.select([self.listener], [], [], 0)[0]:
            self.listener.accept()[0].close()

    def serve(self, handler):
        """Answers every connection by `handler(connection)` on a thread of its own, until the origin is closed."""
        def accept_all():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = self.listener.accept()
                    threading.Thread(target=quietly, args=(handler, connection), daemon=True).start()
        self.listener.settimeout(None)
        threading.Thread(target=accept_all, daemon=True).start()
        return self

    def close(self):
        """Nobody listens there any more."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def quietly(handler, connection):
    """Runs a handler; a connection that breaks ends it, nothing more."""
    with contextlib.suppress(OSError), connection:
        handler(connection)


def echo(connection):
    """The handler that sends back what it gets."""
    while piece := connection.recv(65536):
        connection.sendall(piece)


def reset(connection):
    """Closes with a RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    connection.close()


