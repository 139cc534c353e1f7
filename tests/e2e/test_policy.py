"""A policy on connections: what is foretold, by the proxies and by the record, is what enforcing it does, connection by connection."""
import collections
import contextlib
import json
import socket
import subprocess
import time

import pytest
from conftest import loam_in
from lab import echo
from loam import programs
from processes import wait_until

SERVICE, PORTS = "billing", {"books": 40020, "admin": 40021}
# Who calls: on which host, from which address, called what; nobody knows a name of "10.99.0.34", and "cron" lives where the service does.
CALLERS = {"web": ("client", "10.99.0.31"), "batch": ("client", "10.99.0.32"), "reports": ("second", "10.99.0.33"),
           "10.99.0.34": ("second", "10.99.0.34"), "cron": ("server", "10.99.0.35")}
NEWCOMERS = {"10.99.0.36": ("second", "10.99.0.36"), "10.99.0.37": ("client", "10.99.0.37")}
# (caller, port): connections. Different everywhere, so that no two mistakes can look like one another.
TRAFFIC = {("web", "books"): 9, ("web", "admin"): 2, ("batch", "books"): 7, ("reports", "books"): 5, ("reports", "admin"): 8,
           ("10.99.0.34", "books"): 3, ("10.99.0.34", "admin"): 1, ("cron", "books"): 4, ("cron", "admin"): 6}
RULES = {"default": "deny", "rules": [
    {"name": "no-batch", "action": "deny", "match": {"sources": ["batch"]}},
    {"name": "admin-by-net", "action": "allow", "match": {"sources": ["10.99.0.34"], "ports": [PORTS["admin"]]}},
    {"name": "no-admin", "action": "deny", "match": {"sources": ["reports", "web"], "ports": [PORTS["admin"]]}},
    {"name": "ours", "action": "allow", "match": {"sources": ["reports", "web"]}}]}
DENIED = {("batch", "books", "no-batch"): 7, ("web", "admin", "no-admin"): 2, ("reports", "admin", "no-admin"): 8,
          ("10.99.0.34", "books", "default"): 3, ("cron", "books", "default"): 4, ("cron", "admin", "default"): 6}


class Shop:
    """A service with two ports on the captured server, and callers that each have an address of their own."""

    def __init__(self, lab, loam):
        self.lab, self.loam = lab, loam
        self.told = collections.Counter()  # verdicts that were looked at already

    def call(self, traffic):
        """Makes these connections, one after the other, and counts those that were refused: by a reset and not a byte."""
        refused = collections.Counter()
        for (caller, port), count in traffic.items():
            refused[caller, port] = sum(self._is_refused(caller, port) for _ in range(count))
        return +refused

    def open(self, caller, port):
        host, address = (CALLERS | NEWCOMERS)[caller]
        with self.lab.network[host].inside():
            connection = socket.socket()
        connection.settimeout(10)
        connection.bind((address, 0))
        connection.connect((self.lab.server.address, PORTS[port]))
        return connection

    def _is_refused(self, caller, port):
        try:
            with self.open(caller, port) as connection:
                return not echoes(connection)
        except ConnectionResetError:
            return True

    def ask(self, *words, status=(0, 5), **options):
        """A command of `loam`; what it says as JSON, where it says anything."""
        done = subprocess.run([programs() / "loam", *words], env=self.loam.cli_environment(), capture_output=True, text=True, **options)
        assert done.returncode in status, done.stderr
        return json.loads(done.stdout) if "json" in words and done.stdout else done.stdout

    def verdicts(self):
        """What the proxies counted so far: {(caller, port, rule, enforced): connections}."""
        ports = {number: name for name, number in PORTS.items()}
        said = self.ask("policy", "simulate", SERVICE, "-o", "json")
        assert said["source"] == "live" or not self.told
        edges = said["edges"] if said["source"] == "live" else []
        return collections.Counter({(edge["caller"], ports[edge["port"]], edge["rule"], edge["enforced"]): edge["connections"] for edge in edges})

    def news(self, count):
        """What they counted since the last time, once it is that many connections."""
        wait_until(lambda: (self.verdicts() - self.told).total() >= count, 20, f"{count} verdicts in the record")
        all_of_it = self.verdicts()
        fresh, self.told = all_of_it - self.told, all_of_it
        return dict(fresh)

    def set_policy(self, stage, *more, settings=None):
        given = ["--settings", json.dumps(settings)] if settings else []
        self.ask("flag", "set", SERVICE, "policy", stage, *more, *given, "--reason", "a test", "--wait", status=(0,))

    def named(self):
        """Whom the controller would switch."""
        said = self.ask("flag", "preview", SERVICE, "rate_limit", "enforce", "--settings", '{"connections": {"total": 9}}', "-o", "json", status=(0, 3))
        return set(said["flags"][0]["reach"]["switches"]["in"]["names"]) if said else set()

    def callers_known(self):
        """Under which names the server's proxy knows the callers."""
        snapshot = self.loam.get("/v1/fleet/server/snapshot")
        return {caller["name"] for service in snapshot["services"] if service["name"] == SERVICE for caller in service.get("callers", [])}


def echoes(connection):
    """False where it was reset; an orderly end is neither."""
    try:
        connection.sendall(b"x")
        answer = connection.recv(1)
    except (BrokenPipeError, ConnectionResetError):
        return False
    assert answer == b"x", "neither carried nor reset"
    return True


def fresh_bucket():
    """Waits for the next bucket of the record, so that a window can begin there; its beginning."""
    begun = time.time() // 10
    return int(10 * wait_until(lambda: (now := time.time() // 10) > begun and now, 11, "the next bucket"))


@pytest.fixture(scope="module")
def shop(lab):
    """Called by everybody in its training, before there is a policy: (shop, from, to)."""
    everybody = CALLERS | NEWCOMERS
    for host, address in everybody.values():
        lab.network[host].run("ip", "address", "add", f"{address}/24", "dev", "eth0")
    with contextlib.ExitStack() as servers:
        for port in PORTS.values():
            servers.enter_context(lab.new_origin(port)).serve(echo)
        with loam_in(lab, "both") as loam:
            loam.replace_capture(lab.server, outbound=True, inbound=True)
            made = Shop(lab, loam)
            for name, (_, address) in CALLERS.items():
                if name != address:
                    made.ask("node", "name", address, name, "--reason", "a test")
            for port in PORTS.values():
                made.ask("node", "name", f"{lab.server.address}:{port}", SERVICE, "--reason", "a test")
            begin = fresh_bucket()
            assert made.call(TRAFFIC) == {}
            end = int(time.time()) + 1
            wait_until(lambda: recorded(made) == TRAFFIC, 30, "the training in the record")
            wait_until(lambda: made.named() >= set(CALLERS), 30, "the callers at the controller")
            yield made, begin, end
    for host, address in everybody.values():
        lab.network[host].run("ip", "address", "delete", f"{address}/24", "dev", "eth0")


def recorded(shop):
    """The edges to the service: {(caller, port): connections}."""
    ports = {number: name for name, number in PORTS.items()}
    edges = [edge for edge in shop.loam.get("/v1/graph")["edges"] if edge["target"] == SERVICE]
    return {(edge["source"], ports[edge["port"]]): edge["connections"] for edge in edges}


def edges_of(said):
    """{(caller, port, rule): connections} of an answer about a policy."""
    ports = {number: name for name, number in PORTS.items()}
    return {(edge["caller"], ports[edge["port"]], edge["rule"]): edge["connections"] for edge in said["edges"]}


def test_a_generated_policy_denies_nobody_of_its_window_and_foretells_exactly_who_is_new_later(shop):
    shop, begin, end = shop
    training = ["--from", str(begin), "--to", str(end), "-o", "json"]
    draft = shop.ask("policy", "generate", SERVICE, *training)["settings"]
    on_training = shop.ask("policy", "simulate", SERVICE, "--settings", json.dumps(draft), *training, status=(0,))
    assert (on_training["denied"], on_training["connections"]) == (0, sum(TRAFFIC.values()))
    shop.set_policy("simulate", settings=draft)
    wait_until(lambda: shop.callers_known() >= set(CALLERS), 30, "the callers at the server's proxy")
    new = {("10.99.0.36", "books"): 5, ("10.99.0.37", "admin"): 3, ("batch", "admin"): 2}  # the last one is known, but not there
    expected = {(*edge, "default"): count for edge, count in new.items()}
    later = fresh_bucket()
    assert shop.call(TRAFFIC | new) == {}
    assert shop.news(10) == {(*edge, False): count for edge, count in expected.items()}
    on_later = shop.ask("policy", "simulate", SERVICE, "--settings", json.dumps(draft), "--from", str(later), "--to", "now", "-o", "json", status=(5,))
    assert edges_of(on_later) == expected
    assert (on_later["denied"], on_later["connections"]) == (10, 10 + sum(TRAFFIC.values()))
    shop.set_policy("enforce")
    assert shop.call(TRAFFIC | new) == new
    assert shop.news(10) == {(*edge, True): count for edge, count in expected.items()}


def test_what_simulate_foretells_is_what_enforce_does_for_each_edge_and_rule(shop):
    """By percent too: those whom the preview names are denied, and of the others it is foretold still."""
    shop, *_ = shop
    shop.set_policy("simulate", settings=RULES)
    wait_until(lambda: shop.callers_known() >= set(CALLERS), 30, "the callers at the server's proxy")
    assert shop.call(TRAFFIC) == {}
    count = sum(DENIED.values())
    assert shop.news(count) == {(*edge, False): n for edge, n in DENIED.items()}
    preview = shop.ask("flag", "preview", SERVICE, "policy", "enforce", "--percent", "50", "-o", "json")
    chosen = set(preview["flags"][0]["reach"]["switches"]["in"]["names"])
    assert 0 < len(chosen & set(CALLERS)) < len(CALLERS)
    for share, enforced in (("50", chosen), ("100", set(CALLERS))):
        shop.set_policy("enforce", "--percent", share)
        refused = {(caller, port): n for (caller, port, _), n in DENIED.items() if caller in enforced}
        assert shop.call(TRAFFIC) == refused, share
        assert shop.news(count) == {(*edge, edge[0] in enforced): n for edge, n in DENIED.items()}, share
    explained = shop.ask("explain", "batch", f"{SERVICE}:{PORTS['books']}", "-o", "json")
    (now,), past = explained["connections"], explained["refusals"][0]
    assert (now["outcome"], now["cause"], now["proxy"]) == ("denied", {"feature": "policy", "rule": "no-batch"}, "server")
    assert now["features"][0]["one_stage_earlier"] == {"stage": "simulate", "outcome": "would_be_denied"}
    assert 0 < past["generation"] <= now["snapshot"]["in_effect"] == now["snapshot"]["generation"]
    assert (past["rule"], past["enforced"], past["proxy"]) == ("no-batch", True, "server")
    assert "connections refused\" client=10.99.0.32" in shop.loam.table.log("proxy-server")


def test_close_within_resets_whom_a_changed_policy_no_longer_admits_and_nobody_else(shop):
    shop, *_ = shop
    shop.set_policy("off")
    with shop.open("web", "books") as stays, shop.open("batch", "books") as leaves:
        assert echoes(stays) and echoes(leaves)
        shop.set_policy("simulate", settings=RULES | {"close_within": "1s"})
        shop.set_policy("enforce")
        assert echoes(leaves), "not yet"
        wait_until(lambda: not echoes(leaves), 5, "the reset")
        assert echoes(stays)

    def closed():
        refusals = shop.ask("explain", "batch", SERVICE, "-o", "json")["refusals"]
        return [(one["rule"], one["connections"]) for one in refusals if one["feature"] == "policy_close"]
    wait_until(closed, 15, "the verdict")
    assert closed() == [("no-batch", 1)]
