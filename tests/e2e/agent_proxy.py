"""loam-proxy as an agent of another host: one port that it relays, an identity to get, and a controller that it asks over mutual TLS."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading

import agents
from lab import echo, quietly
from loam import programs
from processes import wait_until


class Proxy:
    """loam-proxy with one port that leads to a server of the test's, and an identity to get."""

    def __init__(self, controller, name, to):
        self.home = pathlib.Path(controller.home) / name
        self.home.mkdir()
        self.name, self.port, self.admin, self.process = name, agents.free_port(), agents.free_port(), None
        self.token_file = self.home / "token"
        config = {"name": name, "workers": 1, "controller": f"127.0.0.1:{controller.port}", "state_dir": str(self.home),
                  "admin": f"127.0.0.1:{self.admin}", "listen": [{"address": f"127.0.0.1:{self.port}", "to": f"127.0.0.1:{to}"}],
                  "identity": {"root": controller.identity()["rotation"]["issuing"], "token_file": str(self.token_file)}}
        (self.home / "proxy.yaml").write_text(json.dumps(config))

    def give(self, token):
        self.token_file.write_text(token["secret"] + "\n")

    def start(self):
        with open(self.home / "log", "a") as log:
            self.process = subprocess.Popen([programs() / "loam-proxy", "--config", self.home / "proxy.yaml"], stdout=log, stderr=log,
                                            env={**os.environ, "LOAM_HOME": str(self.home)})
        wait_until(self.relays, 10, "the proxy's port")
        return self

    def end(self, number=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(20)

    def relays(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(b"hello")
            return connection.recv(5) == b"hello"
        return False

    def log(self):
        return (self.home / "log").read_text()

    def metric(self, name):
        with socket.create_connection(("127.0.0.1", self.admin), timeout=5) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        return [float(line.split()[1]) for line in text.splitlines() if line.startswith(name + " ")]


@contextlib.contextmanager
def echo_server():
    """The port of something to relay to, for a `with` block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def accept_all():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=quietly, args=(echo, listener.accept()[0]), daemon=True).start()
        threading.Thread(target=accept_all, daemon=True).start()
        yield listener.getsockname()[1]


def agent_of(controller, proxy):
    return next((one for one in controller.call("GET", "/v1/fleet")["proxies"] if one["name"] == proxy.name), None)


def in_effect(controller, proxy):
    agent = agent_of(controller, proxy)
    return agent is not None and not agent["drift"]
