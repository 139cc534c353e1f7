"""The demo shows every edge of the brownfield and leaves nothing behind."""
import json
import os
import pathlib
import subprocess

import pytest
from conftest import unavailable
from loam import Loam, missing_programs
from processes import ProcessTable, wait_until

DEMO = pathlib.Path(__file__).resolve().parents[1] / "demo"
# caller, port, protocol as the graph calls it, whether captured
EDGES = [("frontend", 80, "http1"), ("frontend", 8000, "http1"), ("frontend", 8080, "http1"), ("frontend", 50051, "grpc"), ("frontend", 9001, "websocket"),
         ("frontend", 9100, "tcp"), ("frontend", 5432, "postgres"), ("frontend", 3306, "mysql"), ("frontend", 6379, "redis"),
         ("reports", 5432, "postgres"), ("batch", 8080, "http1"), ("batch", 3306, "mysql"), ("nginx", 8080, "http1")]


CAPTURED = ["frontend", "reports", "batch", "web", "orders"]


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


def edges_of(loam):
    """The last minutes' edges by (source, port, protocol)."""
    return {(edge["source"], edge["port"], edge["protocol"]): edge for edge in loam.get("/v1/graph", **{"from": "-5m", "to": "now"})["edges"]}


def uncaptured(edges):
    """Those of EDGES that the graph does not know, or only from the socket inventory."""
    return [key for key in EDGES if key not in edges or not edges[key]["captured"]]


@pytest.fixture
def directory():
    if os.geteuid() != 0:
        unavailable("network namespaces need root")
    if os.path.exists("/run/netns/loamdemo-hub"):
        unavailable("a demo is running on this machine")
    return pathlib.Path(f"/var/tmp/loam-demo-{os.getpid()}")


def test_the_brownfield_comes_and_goes(directory):
    """Without Loam: up, up again, status, down, down again; every edge is called."""
    before = traces(directory)
    try:
        demo("brownfield.py", "up", directory)
        demo("brownfield.py", "up", directory)
        subprocess.run(["sleep", "3"], check=True)
        shown = demo("brownfield.py", "status", directory)
        counts = {}
        for path in directory.glob("counts-*.json"):
            counts.update(json.loads(path.read_text()))
        assert len(counts) == 13 and all(edge in shown for edge in counts)
        assert {edge: count["broken"] for edge, count in counts.items() if count["broken"]} == {}
        assert all(count["connections"] > 0 for count in counts.values())
    finally:
        demo("brownfield.py", "down", directory)
    demo("brownfield.py", "down", directory)
    assert traces(directory) == before


def test_the_demo_shows_every_edge_and_leaves_nothing(directory):
    """Capture is switched on under traffic; protocols, rates, errors and quantiles are in the graph, the uncaptured edge among them."""
    if missing := missing_programs():
        unavailable(f"not built: {', '.join(missing)}")
    before = traces(directory)
    try:
        shown = demo("demo.py", "up", directory)
        assert "noticed nothing" in shown
        assert "orders/observe  on -> sampled 10 % of connections" in shown and "orders/observe  sampled 10 % -> on" in shown
        loam = Loam(ProcessTable(directory / "loam"), directory / "loam")
        assert {proxy["spiffe"] for proxy in loam.get("/v1/fleet")["proxies"]} == {f"spiffe://loam/proxy/{host}" for host in CAPTURED}
        wait_until(lambda: not uncaptured(edges_of(loam)), 40, "captured connections on every edge; they are renewed every 20 s at most")
        edges = edges_of(loam)
        for source, port, protocol in EDGES:
            edge = edges[source, port, protocol]
            assert edge["connections"] > 0, edge
            assert protocol in ("tcp", "websocket") or edge["p99_ms"] >= edge["p50_ms"] > 0 or edge["tls"] != "none"
        assert edges["reports", 5432, "postgres"]["tls"].startswith("TLS") and edges["frontend", 5432, "postgres"]["tls"] == "none"
        assert not edges["frontend", 6514, "tcp"]["captured"]
        assert not [edge for edge in edges.values() if edge["port"] == 7401 and edge["captured"]], "a proxy's own way up is not its traffic"
    finally:
        demo("demo.py", "down", directory)
    assert traces(directory) == before
