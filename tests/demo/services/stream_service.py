"""A long-lived TCP stream: `stream_service.py NAME PORT`. It speaks first, ten lines a second with its client's address, and swallows what it is sent."""
import itertools
import socketserver
import sys
import threading
import time

from named import DualStackServer, take_name


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        threading.Thread(target=self.swallow, daemon=True).start()
        for count in itertools.count():
            self.request.sendall(f"tick {count} for {self.client_address[0]}\n".encode())
            time.sleep(0.1)

    def swallow(self):
        try:
            while self.request.recv(65536):
                pass
        except OSError:
            pass


if __name__ == "__main__":
    take_name(sys.argv[1])
    DualStackServer(int(sys.argv[2]), Handler).serve_forever()
