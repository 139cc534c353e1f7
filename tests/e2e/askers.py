"""Clients of the demo's services that ask their server who it takes them for: by new connections all the time, and on some that they keep."""
import json
import threading
import time

import edges
from databases import PASSWORD


class PostgresAsker(edges.PostgresEdge):
    """Both ends agree whether the application's own TLS is there."""

    def ask(self):
        self.cursor.execute("select host(inet_client_addr()), ssl from pg_stat_ssl where pid = pg_backend_pid()")
        address, secured = self.cursor.fetchone()
        return address if secured == (self.options.get("sslmode") == "require") else f"{address}, ssl {secured}"


class MariaDbAsker(edges.MariaDbEdge):
    def ask(self):
        self.cursor.execute("select substring_index(host, ':', 1) from information_schema.processlist where id = connection_id()")
        return self.cursor.fetchone()[0]


class RedisAsker(edges.RedisEdge):
    def ask(self):
        self.connection.send_packed_command(self.connection.pack_command("CLIENT", "INFO"))
        known = dict(word.split("=", 1) for word in self.connection.read_response().decode().split())
        return known["addr"].rsplit(":", 1)[0].strip("[]")


class HttpAsker(edges.HttpEdge):
    def ask(self):
        self.connection.request("GET", "/orders/1")
        return json.loads(self.connection.getresponse().read())["peer"]


class WebSocketAsker(edges.WebSocketEdge):
    def ask(self):
        return self.say(b"who am I?").decode()


class StreamAsker(edges.StreamEdge):
    def connect(self):
        super().connect()
        self.lines = self.connection.makefile("rb")

    def ask(self):
        """What the server's next line says; it speaks without being asked."""
        self.connection.sendall(b"note\n")
        return self.lines.readline().decode().rpartition(" ")[2].strip()

    def close(self):
        if self.connection:
            self.lines.close()
        super().close()


class Asker:
    """Asks from a host, `rate` new connections a second, and on those that `hold` opened in turn. `failures` has each that broke or was
    answered with another address than `address`: (when it began, what)."""

    def __init__(self, host, make, address, rate=5):
        self.host, self.make, self.address, self.pause = host, make, address, 1 / rate
        self.asked, self.failures, self.held, self.closing = 0, [], [], False
        self.asking = threading.Lock()  # on what is held
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self._ask_anew, self._ask_again)]

    def hold(self, quiet=False):
        """Opens one more connection that is kept; one that is quiet is asked now, and by `ask` again. Returns it."""
        edge = self.make()
        with self.host.inside():
            edge.connect()
        self.ask(edge)
        if not quiet:
            with self.asking:
                self.held.append(edge)
        return edge

    def ask(self, edge):
        began = time.monotonic()
        try:
            if (heard := edge.ask().removeprefix("::ffff:")) != self.address:
                raise ConnectionError(f"the server sees {heard!r}")
            self.asked += 1
        except Exception as error:  # of any driver: the test must see it, the thread must not hide it
            self.failures.append((began, f"{edge.target}: {error!r}"))

    def let_go(self):
        """Ends what is held."""
        with self.asking:
            for edge in self.held:
                edge.close()
            self.held = []

    def _ask_anew(self):
        while not self.closing:
            began, edge = time.monotonic(), self.make()
            try:
                edge.connect()
                self.ask(edge)
                edge.close()
            except Exception as error:  # as above
                self.failures.append((began, f"{edge.target}, a new connection: {error!r}"))
            time.sleep(max(0.0, began + self.pause - time.monotonic()))

    def _ask_again(self):
        while not self.closing:
            with self.asking:
                for edge in self.held:
                    self.ask(edge)
            time.sleep(0.1)

    def __enter__(self):
        with self.host.inside():
            for thread in self.threads:
                thread.start()
        return self

    def __exit__(self, *_):
        self.closing = True
        for thread in self.threads:
            thread.join(15)
        self.let_go()


def askers(network):
    """By port of a service, its askers with what of their talk is on the wire in clear."""
    def asker(host, kind, server, port, address=None, **options):
        where = network[server].address6 if server in network.dual else network[server].address
        return Asker(network[host], lambda: kind(f"{where}:{port}", **options), address or network[host].address)
    account = {"user": "frontend", "password": PASSWORD}
    reports = {"user": "reports", "password": PASSWORD, "sslmode": "require"}
    ssl_request = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
    return {5432: [(asker("frontend", PostgresAsker, "postgres", 5432, **account), b"inet_client_addr"),
                   (asker("reports", PostgresAsker, "postgres", 5432, **reports), ssl_request)],
            3306: [(asker("frontend", MariaDbAsker, "mariadb", 3306, **account), b"connection_id")],
            6379: [(asker("frontend", RedisAsker, "redis", 6379, network["frontend"].address6), b"laddr=")],
            8080: [(asker("frontend", HttpAsker, "orders", 8080), b'"peer": ')],
            9001: [(asker("frontend", WebSocketAsker, "chat", 9001), b"Sec-WebSocket-Accept")],
            9100: [(asker("frontend", StreamAsker, "ticker", 9100), b"tick ")]}
