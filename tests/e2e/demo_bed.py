"""The demo as a test bed: its programs run as a user runs them, and what they could leave on the host."""
import contextlib
import os
import pathlib
import subprocess

from brownfield import Brownfield
from conftest import unavailable
from loam import Loam, programs
from processes import ProcessTable

DEMO = pathlib.Path(__file__).resolve().parents[1] / "demo"


def demo(program, verb, directory):
    done = subprocess.run(["/usr/bin/python3", DEMO / program, verb, "--dir", directory, "--rare", "5"], capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def names(pid, directory):
    """Whether a process was started with the directory on its command line."""
    try:
        return str(directory).encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def traces(directory):
    """Everything that the demo could leave on the host."""
    def output(*argv):
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    processes = [pid for pid in os.listdir("/proc") if pid.isdigit() and names(pid, directory)]
    return [output("ip", "netns", "list"), output("nft", "-s", "list", "ruleset"), output("ip", "rule"), output("ip", "route", "show", "table", "all"),
            output("ip", "-o", "link"), os.path.exists(directory), os.path.exists("/etc/netns"), processes]


@contextlib.contextmanager
def place(program):
    """A directory for `program` of the demo, which is taken down at the end of the block; nothing may be left then."""
    if os.geteuid() != 0:
        unavailable("network namespaces need root")
    if os.path.exists("/run/netns/loamdemo-hub"):
        unavailable("a demo is running on this machine")
    directory = pathlib.Path(f"/var/tmp/loam-demo-{os.getpid()}")
    before = traces(directory)
    try:
        yield directory
    finally:
        demo(program, "down", directory)
    assert traces(directory) == before


class Demo:
    """The demo that is up in a directory; `said` is what it said when it came up."""

    def __init__(self, directory, said):
        self.said = said
        self.field = Brownfield(directory)
        self.loam = Loam(ProcessTable(directory / "loam"), directory / "loam")

    def broken(self):
        """Calls of its own clients that broke."""
        return {edge: count["broken"] for edge, count in self.field.counts().items() if count["broken"]}

    def try_cli(self, *words):
        """Runs `loam`; its exit status, and what it said."""
        done = subprocess.run([programs() / "loam", *words], env=self.loam.cli_environment(), capture_output=True, text=True, timeout=90)
        return done.returncode, done.stdout + done.stderr
