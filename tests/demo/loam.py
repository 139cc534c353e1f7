"""Loam's programs on the hosts of a test bed: one controller for all, a guard and a proxy for each captured host."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import urllib.parse

from network import run
from processes import Service, wait_until

PROGRAMS = ["loam", "loam-proxy", "loam-guard", "loam-controller"]


def programs():
    """The directory of Loam's programs: LOAM_BIN, or the dev preset's."""
    default = pathlib.Path(__file__).resolve().parents[2] / "build" / "dev" / "bin"
    return pathlib.Path(os.environ.get("LOAM_BIN") or default)


def missing_programs():
    return [name for name in PROGRAMS if not os.access(programs() / name, os.X_OK)]


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


AGENTS_PORT = 7401


class Loam:
    """Processes go into `table`; each host's LOAM_HOME is a folder of `directory`, the controller's is `directory`/controller.
    Proxies reach the controller by its Unix socket, or where it was started with `agents`, by mutual TLS over the network."""

    def __init__(self, table, directory):
        self.table = table
        self.directory = pathlib.Path(directory)
        self.home = self.directory / "controller"
        self.hosts = {}
        self.agents = False
        self.retired = 0
        self.more_environment = lambda name: {}  # of loam-controller and the proxies, by their names in the table

    @property
    def controller_socket(self):
        return self.home / "run" / "controller.sock"

    def start_controller(self, host, agents=False):
        (self.home / "run").mkdir(parents=True, exist_ok=True)
        self.controller_host = host
        self.agents = agents
        config = {"agents": f"{host.address}:{AGENTS_PORT}"} if agents else {}
        (self.home / "controller.yaml").write_text(json.dumps(config))
        self.table.start(Service("loam-controller", host, [programs() / "loam-controller", "--config", self.home / "controller.yaml"],
                                 environment={"LOAM_HOME": str(self.home), **self.more_environment("loam-controller")}))
        wait_until(self._controller_answers, 20, "loam-controller")

    def stop_controller(self, number=signal.SIGTERM):
        self.table.signal("loam-controller", number)
        self.table.stop(["loam-controller"])

    def start(self, host, **terms):
        """Guard and proxy on one host, capture on."""
        self._configure(host, **terms)
        self.hosts[host.name] = host
        self.start_guard(host)
        self.start_proxy(host)

    def _configure(self, host, outbound=True, inbound=False, exclude_ports=(), admin=None):
        home = self.directory / host.name
        (home / "run").mkdir(parents=True, exist_ok=True)
        guard = {"capture": {"outbound": outbound, "inbound": "all" if inbound else "none", "exclude_ports": list(exclude_ports)}}
        proxy = {"name": host.name, "workers": 2, "guard": str(home / "run" / "guard.sock"), "state_dir": str(home), **self._way_up(host),
                 **({"admin": admin} if admin else {})}
        (home / "guard.yaml").write_text(json.dumps(guard, indent=1))
        (home / "proxy.yaml").write_text(json.dumps(proxy, indent=1))

    def _way_up(self, host):
        """How this host's proxy reaches the controller; a proxy that is to join gets a token of its own."""
        if not self.agents:
            return {"controller": str(self.controller_socket)}
        token = self.directory / host.name / "join-token"
        token.write_text(self.cli("identity", "token", host.name))
        token.chmod(0o600)
        return {"controller": f"{self.controller_host.address}:{AGENTS_PORT}",
                "identity": {"root": self.get("/v1/identity")["rotation"]["issuing"], "token_file": str(token)}}

    def start_guard(self, host):
        home = self.directory / host.name
        self.table.start(Service(f"guard-{host.name}", host, [programs() / "loam-guard", "--config", home / "guard.yaml"], environment=self._home(host)))
        wait_until(lambda: self._guard_answers(home / "run" / "guard.sock"), 10, "loam-guard's socket")

    def proxy_service(self, host):
        home = self.directory / host.name
        return Service(f"proxy-{host.name}", host, [programs() / "loam-proxy", "--config", home / "proxy.yaml"],
                       stop=signal.SIGINT, environment={**self._home(host), **self.more_environment(f"proxy-{host.name}")})

    def _home(self, host):
        return {"LOAM_HOME": str(self.directory / host.name)}

    def start_proxy(self, host):
        """Starts the proxy and waits until it captures."""
        pid = self.table.start(self.proxy_service(host))
        wait_until(lambda: self.captures(host) and f" pid={pid} " in self.table.log(f"guard-{host.name}"), 15, f"capture on {host.name}")

    def start_drained_proxy(self, host):
        """Starts a proxy that its last snapshot says is drained, and waits until it has said so."""
        said = self.times_drained(host)
        self.table.start(self.proxy_service(host))
        wait_until(lambda: self.times_drained(host) > said, 15, f"the drained proxy on {host.name}")

    def times_drained(self, host):
        """How often the proxies of this host said that they are drained from now on."""
        return self.table.log(f"proxy-{host.name}").count("drained: new connections go direct")

    def restart_proxy(self, host, drained=False):
        """Graceful: the old one is told to end and a new one started beside it; the old one goes on until its connections end."""
        name = f"proxy-{host.name}"
        self.retired += 1
        self.table.rename(name, f"{name}-{self.retired}")
        self.table.signal(f"{name}-{self.retired}", signal.SIGTERM)
        if drained:
            self.start_drained_proxy(host)
        else:
            self.start_proxy(host)

    def terminate_proxy(self, host):
        """SIGTERM, without waiting for its end."""
        self.table.signal(f"proxy-{host.name}", signal.SIGTERM)

    def replace_capture(self, host, outbound=True, inbound=False, exclude_ports=()):
        """Other terms for a host whose capture is on."""
        terms = ["--outbound"] * outbound + ["--inbound", "all"] * inbound + [f"--exclude-port={port}" for port in exclude_ports]
        run(*host.command(programs() / "loam", "capture", "apply", *terms), env={**os.environ, **self._home(host)})

    def remove_capture(self):
        """Takes the rules off every captured host, those that close strict services too; its end alone would leave them."""
        for host in self.hosts.values():
            run(*host.command(programs() / "loam", "capture", "remove", "--now"), env={**os.environ, **self._home(host)})

    def captures(self, host):
        """Whether the redirects of this host are alive."""
        name = f"proxy-{host.name}"
        if self.table.pid(name) is None:
            raise RuntimeError(f"loam-proxy on {host.name} ended: {self.table.log(name)[-600:]}")
        with contextlib.suppress(RuntimeError):
            return "expires" in host.run("nft", "list", "set", "inet", "loam", "alive")
        return False

    def redirected(self, host):
        """How many connections this host's capture has led to the proxy since its rules were made."""
        counters = re.findall(r"counter packets (\d+) .* redirect", host.run("nft", "list", "table", "inet", "loam"))
        return sum(map(int, counters))

    def stop(self, host):
        """Proxy first: it revokes capture and lets its connections end. A guard that was killed is started once more, to clean up."""
        self.table.stop([name for name in self.table.entries if name.startswith(f"proxy-{host.name}")])
        if not self.table.pid(f"guard-{host.name}"):
            self.start_guard(host)
        self.table.stop([f"guard-{host.name}"])
        self.hosts.pop(host.name, None)

    def stop_all(self):
        self.table.stop([name for name in self.table.entries if name.startswith("proxy-")])  # side by side
        for host in list(self.hosts.values()):
            self.stop(host)
        self.stop_controller()
        shutil.rmtree(self.directory, ignore_errors=True)

    def get(self, path, **query):
        """A GET on the controller's API: the decoded JSON."""
        connection = UnixConnection(self.controller_socket)
        with contextlib.closing(connection):
            connection.request("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"GET {path}: {answer.status} {body[:500]!r}")
            return json.loads(body)

    def cli(self, *words):
        """Runs the `loam` program against the controller."""
        return run(programs() / "loam", *words, env=self.cli_environment())

    def cli_environment(self):
        return {**os.environ, "LOAM_HOME": str(self.home), "NO_COLOR": "1"}

    def _guard_answers(self, path):
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as probe:
            return probe.connect_ex(str(path)) == 0

    def _controller_answers(self):
        if self.table.pid("loam-controller") is None:
            raise RuntimeError(f"loam-controller ended: {self.table.log('loam-controller')[-2000:]}")
        connection = UnixConnection(self.controller_socket)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        return False
