"""What every service of the demo does first: show its own name in the process table, listen on both address families."""
import ctypes
import signal
import socket
import socketserver
import sys

PR_SET_NAME = 15


def take_name(name):
    """Names the process as `ps` and the socket tables show it, and makes SIGTERM an ordinary exit."""
    ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


class DualStackServer(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, port, handler):
        super().__init__(("::", port), handler)

    def handle_error(self, request, client_address):
        """A client that goes away is nothing to report."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)
