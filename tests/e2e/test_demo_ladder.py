"""The demo under Loam: it shows every edge; each service goes up the ladder of mutual TLS and back, and nobody notices; nothing stays."""
import contextlib
import pathlib
import shlex
import time

import pytest
from askers import askers
from conftest import unavailable
from demo_bed import Demo, demo, place
from loam import missing_programs
from processes import listens, wait_until
from wire import Wire, is_tls

OPERATIONS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "operations.md"
PEERS, LEGACY = 7412, 8000
# caller, port, protocol as the graph calls it
EDGES = [("frontend", 80, "http1"), ("frontend", 8000, "http1"), ("frontend", 8080, "http1"), ("frontend", 50051, "grpc"), ("frontend", 9001, "websocket"),
         ("frontend", 9100, "tcp"), ("frontend", 5432, "postgres"), ("frontend", 3306, "mysql"), ("frontend", 6379, "redis"),
         ("reports", 5432, "postgres"), ("batch", 8080, "http1"), ("batch", 3306, "mysql"), ("nginx", 8080, "http1")]
CALLERS = {5432: {"frontend", "reports"}, 3306: {"frontend", "batch"}, 6379: {"frontend"}, 8080: {"frontend", "batch", "nginx"}, 9001: {"frontend"},
           9100: {"frontend"}}
HOSTS = {5432: "postgres", 3306: "mariadb", 6379: "redis", 8080: "orders", 9001: "chat", 9100: "ticker"}
CAPTURED = {"frontend", "reports", "batch", "web", *HOSTS.values()}


def edges_of(loam):
    """The last minutes' edges by (source, port, protocol)."""
    return {(edge["source"], edge["port"], edge["protocol"]): edge for edge in loam.get("/v1/graph", **{"from": "-5m", "to": "now"})["edges"]}


def uncaptured(edges):
    """Those of EDGES that the graph does not know, or only from the socket inventory."""
    return [key for key in EDGES if key not in edges or not edges[key]["captured"]]


@pytest.fixture(scope="module")
def shown():
    """The demo, up; taken down after all tests, when nothing may be left of it."""
    if missing := missing_programs():
        unavailable(f"not built: {', '.join(missing)}")
    with place("demo.py") as directory:
        yield Demo(directory, demo("demo.py", "up", directory))


def test_the_demo_shows_every_edge(shown):
    """Capture was switched on under traffic; protocols, rates, errors and quantiles are in the graph, the uncaptured edge among them."""
    assert "noticed nothing" in shown.said
    assert "orders/observe  on -> sampled 10 % of connections" in shown.said and "orders/observe  sampled 10 % -> on" in shown.said
    loam = shown.loam
    assert {proxy["spiffe"] for proxy in loam.get("/v1/fleet")["proxies"]} == {f"spiffe://loam/proxy/{host}" for host in CAPTURED}
    wait_until(lambda: not uncaptured(edges_of(loam)), 40, "captured connections on every edge; they are renewed every 10 s at most")
    edges = edges_of(loam)
    for source, port, protocol in EDGES:
        edge = edges[source, port, protocol]
        assert edge["connections"] > 0, edge
        assert protocol in ("tcp", "websocket") or edge["p99_ms"] >= edge["p50_ms"] > 0 or edge["tls"] != "none"
    assert edges["reports", 5432, "postgres"]["tls"].startswith("TLS") and edges["frontend", 5432, "postgres"]["tls"] == "none"
    assert not edges["frontend", 6514, "tcp"]["captured"]
    assert not [edge for edge in edges.values() if edge["port"] == 7401 and edge["captured"]], "a proxy's own way up is not its traffic"


def name_of(loam, port):
    return next(edge["target"] for edge in loam.get("/v1/graph")["edges"] if edge["port"] == port)


def commands():
    """What docs/operations.md says to type: the words of each by what it is about, a stage, `readiness` or `kill`."""
    section = OPERATIONS.read_text().split("\n### In the demo\n")[1].split("\n## ")[0]
    typed = [shlex.split(line, comments=True)[1:] for line in section.split("```")[1].splitlines() if line.startswith("loam ")]
    return {words[4] if words[1] == "set" else words[1] if words[0] == "flag" else words[0]: words for words in typed}


class Climber:
    """One service on its way, what is asked of it, and the wire of its host. `secured` is since when nothing of it is opened in clear, `strict`
    since when nothing is said in clear."""

    def __init__(self, shown, port, asked, wire):
        self.shown, self.port, self.asked, self.wire = shown, port, asked, wire
        self.name, self.secured, self.strict = name_of(shown.loam, port), None, None

    def type(self, what):
        """Runs what the page says, for this service; its exit status, and what it said."""
        return self.shown.try_cli(*(self.name if word == "SERVICE" else word for word in commands()[what]))

    def climb(self, stage):
        """One rung; what is held then is older than it."""
        self.hold()
        status, said = self.type(stage)
        assert status == 0, said
        if stage == "prefer":
            self.secured = time.monotonic()
        if stage == "strict":
            self.strict = time.monotonic()

    def hold(self):
        for asker, _ in self.asked:
            asker.hold()

    def let_go(self):
        for asker, _ in self.asked:
            asker.let_go()

    def assert_in_clear(self):
        """What every asker talks about can be read on connections that are opened now."""
        since = time.monotonic()
        wait_until(lambda: all(self.wire.saw(text, among=self.wire.opened(self.port, since)) for _, text in self.asked), 10,
                   f"{self.name} in plaintext")

    def assert_secured(self):
        """New connections come and are answered; all that passes on them between the hosts is TLS, to the port for proxies."""
        since, before = time.monotonic(), [asker.asked for asker, _ in self.asked]
        wait_until(lambda: all(asker.asked > count + 5 for (asker, _), count in zip(self.asked, before))
                   and len(self.wire.opened(PEERS, since)) >= 3, 10, f"answers of {self.name}")
        self.assert_kept_secret()

    def assert_kept_secret(self):
        fresh = [flow for flow in list(self.wire.flows.values()) if flow.opened and flow.opened >= self.secured]
        assert not [flow for flow in fresh if flow.port == self.port], f"{self.name}: opened in plaintext"
        for _, text in self.asked:
            assert not self.wire.saw(text, among=fresh), f"{self.name}: {text} in clear"
        streams = [flow.stream(inward) for flow in fresh if flow.port == PEERS for inward in (True, False)]
        assert any(streams) and all(map(is_tls, streams)), self.name
        if self.strict:
            said = [flow.payloads(self.strict) for flow in list(self.wire.flows.values()) if flow.port == self.port]
            assert not any(said), f"{self.name}, on older connections: {said}"


def test_every_service_goes_up_the_ladder_and_back_by_kill(shown):
    """One service at a time, by the commands of the page, under the demo's traffic, new connections all the while, and connections that are held
    over every step; each server says at every request whom it takes its client for."""
    broken, network = shown.broken(), shown.field.network
    with contextlib.ExitStack() as stack:
        climbers = [Climber(shown, port, asked, stack.enter_context(Wire(network[HOSTS[port]]))) for port, asked in askers(network).items()]
        all_askers = [stack.enter_context(asker) for climber in climbers for asker, _ in climber.asked]
        # Older than any rung, and silent until the last: a stream speaks all the time.
        quiet = [(asker, asker.hold(quiet=True)) for climber in climbers if climber.port != 9100 for asker, _ in climber.asked]
        for _, edge in quiet:
            stack.callback(edge.close)
        for climber in climbers:
            climber.assert_in_clear()
            for stage in ("observe", "permissive"):
                climber.climb(stage)
                climber.assert_in_clear()
            climber.climb("prefer")
            climber.assert_secured()
            climber.let_go()
        assert_not_ready_yet(climbers[-1])
        for climber in climbers:
            wait_until(lambda climber=climber: climber.type("readiness")[0] == 0, 60, f"no plaintext to {climber.name}")
            ready = shown.loam.get(f"/v1/services/{climber.name}/readiness")
            assert ready["percent"] == 100 and CALLERS[climber.port] <= {one["caller"] for one in ready["callers"]}, ready
            climber.climb("strict")
            climber.hold()
            climber.assert_secured()
        for climber in climbers:
            climber.assert_kept_secret()
            status, said = climber.type("kill")
            assert status == 0, said
            climber.assert_in_clear()
        for asker, edge in quiet:
            asker.ask(edge)
    assert [asker.failures for asker in all_askers if asker.failures] == []
    assert shown.broken() == broken == {}
    wait_until(lambda: not any(listens(network[host], PEERS) for host in HOSTS.values()), 10, "the port for proxies to close")


def assert_not_ready_yet(climber):
    """Its callers came in plaintext a moment ago: they are named, and strict is refused."""
    status, said = climber.type("readiness")
    assert status == 5 and all(any(line.startswith(caller) and "YES" in line for line in said.splitlines()) for caller in CALLERS[climber.port]), said
    status, said = climber.type("strict")
    assert status == 5 and "no plaintext from any caller" in said, said


def test_a_service_without_a_proxy_at_its_side_is_refused_prefer(shown):
    name = name_of(shown.loam, LEGACY)
    for stage in ("observe", "permissive"):
        shown.loam.cli("flag", "set", name, "mtls", stage, "--reason", "a test", "--wait")
    status, said = shown.try_cli("flag", "set", name, "mtls", "prefer", "--reason", "a test", "--wait")
    assert status == 5 and "it has no proxy" in said, said
    shown.loam.cli("flag", "kill", name, "--reason", "a test")
    assert shown.broken() == {}
