"""The callers' half of the demo: one class for each protocol, all with `connect`, `call(fails)` and `close`.

`call` makes exactly `self.requests_per_call` exchanges and returns how many of them were answered with an error; `fails` asks for one that is.
"""
import http.client
import socket
import ssl
import struct

import h2.config
import h2.connection
import h2.events
import psycopg2
import pymysql
import redis


class Edge:
    """`target` is host:port as the callee is known to the caller."""
    protocol = ""
    requests_per_connection = 0  # exchanges that connecting itself makes
    requests_per_call = 1

    def __init__(self, target, **options):
        self.target, self.options = target, options
        self.host, port = target.rsplit(":", 1)
        self.port = int(port)
        self.connection = None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class HttpEdge(Edge):
    """HTTP/1.1 with keep-alive; `paths` are called in turn."""
    protocol = "http1"

    def connect(self):
        self.connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        self.connection.connect()
        self.turn = 0

    def call(self, fails):
        paths = self.options.get("paths", ["/"])
        self.turn += 1
        self.connection.request("GET", "/broken" if fails else paths[self.turn % len(paths)])
        answer = self.connection.getresponse()
        answer.read()
        return int(answer.status >= 500)


class LegacyHttpEdge(Edge):
    """HTTP/1.0: a connection for each request, its end is the end of the answer."""
    protocol = "http1"

    def connect(self):
        self.connection = socket.create_connection((self.host, self.port), timeout=10)

    def call(self, fails):
        self.connection.sendall(f"GET {'/broken' if fails else '/report.txt'} HTTP/1.0\r\nhost:{self.host}\r\n\r\n".encode())
        answer = b""
        while piece := self.connection.recv(65536):
            answer += piece
        self.close()
        return int(answer.startswith(b"HTTP/1.0 5"))


class GrpcEdge(Edge):
    """gRPC framing over h2c with prior knowledge, one connection for many calls."""
    protocol = "grpc"

    def connect(self):
        self.connection = socket.create_connection((self.host, self.port), timeout=10)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self.h2.initiate_connection()
        self.connection.sendall(self.h2.data_to_send())

    def call(self, fails):
        stream = self.h2.get_next_available_stream_id()
        path = f"/demo.Greeter/{'Broken' if fails else 'Hello'}"
        self.h2.send_headers(stream, [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", self.target),
                                      ("content-type", "application/grpc"), ("te", "trailers")])
        message = b"\x0a\x04loam"
        self.h2.send_data(stream, struct.pack(">BI", 0, len(message)) + message, end_stream=True)
        self.connection.sendall(self.h2.data_to_send())
        failed = 0
        while True:
            data = self.connection.recv(65536)
            if not data:
                raise ConnectionError("the greeter went away")
            for event in self.h2.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if isinstance(event, h2.events.TrailersReceived):
                    failed = int(dict(event.headers).get(b"grpc-status") != b"0")
                if isinstance(event, h2.events.StreamEnded):
                    return failed
            self.connection.sendall(self.h2.data_to_send())


class StreamEdge(Edge):
    """An opaque TCP stream that the server speaks on first."""
    protocol = "tcp"
    requests_per_call = 0

    def connect(self):
        self.connection = socket.create_connection((self.host, self.port), timeout=10)

    def call(self, fails):
        self.connection.sendall(b"note\n")
        if not self.connection.recv(65536):
            raise ConnectionError("the stream ended")
        return 0


class PostgresEdge(Edge):
    """`sslmode` says whether the client asks for TLS; without it not even the SSLRequest is sent."""
    protocol = "postgres"

    def connect(self):
        self.connection = psycopg2.connect(host=self.host, port=self.port, dbname="shop", connect_timeout=10, gssencmode="disable",
                                           sslmode=self.options.get("sslmode", "disable"), user=self.options["user"],
                                           password=self.options["password"])
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()

    def call(self, fails):
        try:
            self.cursor.execute(f"select {'no_such_column' if fails else 'item, amount'} from orders where id = %s", (7,))
            return 0 if self.cursor.fetchall() else 1
        except psycopg2.errors.UndefinedColumn:
            return 1


class MariaDbEdge(Edge):
    protocol = "mysql"

    def connect(self):
        self.connection = pymysql.connect(host=self.host, port=self.port, database="shop", user=self.options["user"], connect_timeout=10,
                                          password=self.options["password"], autocommit=True)
        self.cursor = self.connection.cursor()

    def call(self, fails):
        try:
            self.cursor.execute(f"select {'no_such_column' if fails else 'item'} from stock where id = %s", (2,))
            return 0 if self.cursor.fetchall() else 1
        except pymysql.err.OperationalError as error:
            if error.args[0] != 1054:
                raise
            return 1


class RedisEdge(Edge):
    """Three commands in one pipeline; the failing one asks a string for its list length."""
    protocol = "redis"
    requests_per_call = 3

    def connect(self):
        self.connection = redis.Connection(self.host, self.port, socket_timeout=10)
        self.connection.connect()

    def call(self, fails):
        self.connection.send_packed_command(self.connection.pack_commands([
            ("SET", "visits", 1), ("INCR", "visits"), ("LLEN" if fails else "GET", "visits")]))
        return sum(self._failed() for _ in range(self.requests_per_call))

    def _failed(self):
        try:
            self.connection.read_response()
            return 0
        except redis.ResponseError:
            return 1

    def close(self):
        if self.connection:
            self.connection.disconnect()
        self.connection = None


class WebSocketEdge(Edge):
    """A text message and its echo, masked as the client's side must; the upgrade is the one HTTP exchange."""
    protocol = "websocket"
    requests_per_connection = 1
    requests_per_call = 0

    def connect(self):
        self.connection = socket.create_connection((self.host, self.port), timeout=10)
        self.connection.sendall(f"GET /room HTTP/1.1\r\nHost: {self.target}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        self.stream = self.connection.makefile("rb")
        if b" 101 " not in self.stream.readline():
            raise ConnectionError("no upgrade")
        while self.stream.readline().strip():
            pass

    def call(self, fails):
        if self.say(b"hello, loam") != b"hello, loam":
            raise ConnectionError("no echo")
        return 0

    def say(self, text):
        """Sends a short message and returns the answer."""
        mask = b"\x01\x02\x03\x04"
        self.connection.sendall(bytes([0x81, 0x80 | len(text)]) + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(text)))
        head = self.stream.read(2)
        if len(head) < 2:
            raise ConnectionError("no answer")
        return self.stream.read(head[1])

    def close(self):
        if self.connection:
            self.stream.close()
        super().close()


def tls_context():
    """A client's TLS that takes the demo's self-made certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
