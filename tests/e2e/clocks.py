"""A mesh whose wall clocks the test sets: one for each program, moved while it runs. Monotonic clocks stay, as they do on a host."""
import contextlib
import http.client
import json
import struct

from lab import rules_of
from loam import programs
from processes import wait_until

ADMIN = 7402
HOUR, DAY = 3600, 86400


class Clocks:
    """How many seconds each program's wall clock is ahead: in a file that it has mapped (wall_offset.cpp)."""

    def __init__(self, directory, names):
        self.files = {name: directory / f"clock-{name}" for name in names}
        for name in names:
            self.set(name, 0)

    def environment(self, name):
        return {"LD_PRELOAD": str(programs() / "wall_offset.so"), "WALL_OFFSET_FILE": str(self.files[name])}

    def set(self, name, seconds):
        self.files[name].touch()
        with open(self.files[name], "r+b", buffering=0) as file:
            file.write(struct.pack("q", seconds))

    def get(self, name):
        return struct.unpack("q", self.files[name].read_bytes())[0]

    def advance(self, seconds, *names):
        """Those clocks, or all of them."""
        for name in names or self.files:
            self.set(name, self.get(name) + seconds)


@contextlib.contextmanager
def clocked_mesh(lab):
    """Both hosts captured, their proxies with identities and admin ports, the controller on a third: (loam, their clocks)."""
    hosts = (lab.client, lab.server)
    before = [rules_of(host) for host in hosts]
    clocks = Clocks(lab.directory, ["loam-controller", "proxy-client", "proxy-server"])
    lab.loam.more_environment = clocks.environment
    lab.loam.start_controller(lab.second, agents=True)
    try:
        terms = {"admin": f"127.0.0.1:{ADMIN}", "exclude_ports": [ADMIN]}  # else what asks it there would be led to the proxy itself
        lab.loam.start(lab.client, outbound=True, **terms)
        lab.loam.start(lab.server, outbound=False, inbound=True, **terms)
        wait_until(lambda: {one["name"] for one in lab.loam.get("/v1/fleet")["proxies"]} >= {"client", "server"}, 40, "both proxies to join")
        yield lab.loam, clocks
    finally:
        lab.loam.remove_capture()
        lab.loam.stop_all()
        lab.loam.more_environment = lambda name: {}
    assert [rules_of(host) for host in hosts] == before


def ask_admin(host, path):
    """A GET on the admin port of that host's proxy: the text."""
    connection = http.client.HTTPConnection("127.0.0.1", ADMIN, timeout=10)
    with host.inside(), contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().read().decode()


def metric_of(host, name, **labels):
    """Of that host's proxy, the sum of those that have all the labels; None while it has none of that name."""
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    values = [float(line.rsplit(" ", 1)[1]) for line in ask_admin(host, "/metrics").splitlines()
              if line.split("{")[0].split(" ")[0] == name and all(one in line for one in wanted)]
    return sum(values) if values else None


def peers_of(host):
    """The live connections over mutual TLS of that host's proxy: {the client's ADDR:PORT: the serial that the other proxy showed}."""
    shown = json.loads(ask_admin(host, "/connections?most=100000"))["connections"]
    return {one["client"]: one["peer_serial"] for one in shown if "peer_serial" in one}
