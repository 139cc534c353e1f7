"""Network namespaces as hosts: each has its own addresses and hangs on one bridge, which has a namespace of its own."""
import contextlib
import ctypes
import os
import pathlib
import subprocess
from dataclasses import dataclass

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def run(*argv, **options):
    """Runs a command and returns its stdout; a failure carries what it said."""
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _setns(descriptor):
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@dataclass(frozen=True)
class Host:
    """One namespace: `name` is what the others call it, `namespace` what `ip netns` calls it."""
    name: str
    namespace: str
    address: str
    address6: str

    def command(self, *argv):
        """The argv that runs `argv` on this host, with this host's /etc/hosts."""
        return ["ip", "netns", "exec", self.namespace, *map(str, argv)]

    def run(self, *argv, **options):
        return run(*self.command(*argv), **options)

    @contextlib.contextmanager
    def inside(self):
        """Sockets that this thread makes in here, and threads and processes that it starts, belong to the host."""
        with open("/proc/thread-self/ns/net") as home, open(f"/run/netns/{self.namespace}") as there:
            _setns(there.fileno())
            try:
                yield self
            finally:
                _setns(home.fileno())


class Network:
    """The hosts of one test bed. `hosts` maps a name to the last number of its address in 10.`subnet`.0.0/24; the names in `dual`
    are known by their IPv6 address too, which callers then prefer; every host knows its own name for both of its addresses."""

    def __init__(self, prefix, subnet, hosts, dual=()):
        self.dual = dual
        self.hub = f"{prefix}-hub"
        self.hosts = {name: Host(name, f"{prefix}-{name}", f"10.{subnet}.0.{number}", f"fd{subnet}::{number}")
                      for name, number in hosts.items()}

    def __getitem__(self, name):
        return self.hosts[name]

    def up(self):
        """Makes what is missing."""
        present = self.namespaces()
        if self.hub not in present:
            run("ip", "netns", "add", self.hub)
            run("ip", "-n", self.hub, "link", "add", "bridge", "type", "bridge")
            run("ip", "-n", self.hub, "link", "set", "bridge", "up")
        for host in self.hosts.values():
            if host.namespace not in present:
                self._add(host)

    def down(self):
        """Removes every namespace of this network; their links and rules go with them."""
        for name in self.namespaces():
            run("ip", "netns", "delete", name)
        for host in self.hosts.values():
            folder = pathlib.Path("/etc/netns") / host.namespace
            if folder.is_dir():
                (folder / "hosts").unlink(missing_ok=True)
                folder.rmdir()
        with contextlib.suppress(OSError):
            os.rmdir("/etc/netns")

    def namespaces(self):
        """Which namespaces of this network exist."""
        ours = {self.hub, *(host.namespace for host in self.hosts.values())}
        return [name for line in run("ip", "netns", "list").splitlines() if (name := line.split()[0]) in ours]

    def _add(self, host):
        folder = pathlib.Path("/etc/netns") / host.namespace
        folder.mkdir(parents=True, exist_ok=True)
        lines = ["127.0.0.1 localhost", "::1 localhost"]
        for peer in self.hosts.values():
            lines.append(f"{peer.address} {peer.name}")
            if peer.name in self.dual or peer is host:
                lines.append(f"{peer.address6} {peer.name}")
        (folder / "hosts").write_text("\n".join(lines) + "\n")
        run("ip", "netns", "add", host.namespace)
        # No link-local address: its duplicate detection would change the routes a second later.
        script = f"""
            link add eth0 type veth peer name {host.name} netns {self.hub}
            link set lo up
            link set eth0 addrgenmode none
            link set eth0 up
            addr add {host.address}/24 dev eth0
            addr add {host.address6}/64 dev eth0 nodad
            route add default dev eth0
        """
        run("ip", "-n", host.namespace, "-batch", "-", input=script)
        run("ip", "-n", self.hub, "link", "set", host.name, "master", "bridge", "up")
