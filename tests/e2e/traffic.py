"""Traffic that notices: old connections that must live on, and a steady stream of new ones with the moment of each failure."""
import contextlib
import socket
import threading
import time

PATIENCE = 10


class OldConnection:
    """One echo connection that exchanges a counter until it is closed; `failure` says what broke it."""

    def __init__(self, connect):
        self.socket = connect()
        self.exchanged = 0
        self.failure = None
        self.closing = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            with self.socket.makefile("rb") as stream:
                while not self.closing:
                    line = f"{self.exchanged}\n".encode()
                    self.socket.sendall(line)
                    if (answer := stream.readline()) != line:
                        raise ConnectionError(f"sent {line!r}, got {answer!r}")
                    self.exchanged += 1
                    time.sleep(0.01)
        except OSError as error:
            self.failure = error

    def close(self):
        self.closing = True
        self.thread.join(PATIENCE)
        self.socket.close()


@contextlib.contextmanager
def old_connections(connect, count=10):
    """That many, each with at least one exchange behind it; all of them must still work at the end of the block."""
    made = [OldConnection(connect) for _ in range(count)]
    try:
        yield made
        marks = [connection.exchanged for connection in made]
        time.sleep(0.5)
        assert [connection.failure for connection in made] == [None] * count
        assert all(connection.exchanged > mark for connection, mark in zip(made, marks))
    finally:
        for connection in made:
            connection.close()


class NewConnections:
    """Opens connections at a steady rate, one echo each; keeps (when it started, how it failed) of those that failed."""

    def __init__(self, host, address, rate=100, threads=8, timeout=1):
        self.host, self.address, self.timeout = host, address, timeout
        self.pause = threads / rate
        self.opened, self.failures = 0, []
        self.closing = False
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self):
        with self.host.inside():
            for thread in self.threads:
                thread.start()
        return self

    def __exit__(self, *_):
        self.closing = True
        for thread in self.threads:
            thread.join(PATIENCE)

    def failed_since(self, moment):
        """Failures of connections that were started after `moment` of time.monotonic()."""
        return [(round(started - moment, 3), why) for started, why in self.failures if started >= moment]

    def _run(self):
        while not self.closing:
            started = time.monotonic()
            try:
                with socket.create_connection(self.address, timeout=self.timeout) as connection:
                    connection.sendall(b"x")
                    if connection.recv(1) != b"x":
                        raise ConnectionError("ended without an answer")
                self.opened += 1
            except OSError as error:
                self.failures.append((started, repr(error)))
            time.sleep(max(0.0, started + self.pause - time.monotonic()))
