"""A forwarder that cuts what it passes on into segments of one byte."""
import contextlib
import socket
import threading

from lab import quietly


class Chopper:
    """Listens on `host` at `address`:`port` and forwards to `target`; `upstream` and `downstream` say which ways are cut."""

    def __init__(self, host, address, target, upstream=False, downstream=False, port=0):
        self.host, self.target, self.cut = host, target, (upstream, downstream)
        with host.inside():
            self.listener = socket.create_server((address, port))
            self.port = self.listener.getsockname()[1]
            threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target, timeout=10)
                server.settimeout(None)
                for source, sink, cut in ((client, server, self.cut[0]), (server, client, self.cut[1])):
                    sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=quietly, args=(lambda s, sink=sink, cut=cut: forward(s, sink, cut), source), daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def forward(source, sink, cut):
    while data := source.recv(65536):
        for piece in ([data[at:at + 1] for at in range(len(data))] if cut else [data]):
            sink.sendall(piece)
    sink.shutdown(socket.SHUT_WR)
