"""What acts on exchanges of a served service: a fault, timeouts and a policy are switched on and off under traffic, and do to it what their flags say
and no more, by the count of who asked and of the server's own answers."""
import collections
import contextlib
import datetime
import http.client
import json
import subprocess
import time

import pytest
from clocks import ADMIN, metric_of
from conftest import loam_in
from counting import Drive, callers
from lab import Origin
from loam import programs
from processes import wait_until
from test_flags import name_of_orders
from test_policy import fresh_bucket

ORDERS = 8080


@pytest.fixture(scope="module")
def served(lab):
    """Proxies on both hosts, and the name of the service, which is served whole."""
    with loam_in(lab, "both", exclude_ports=[ADMIN], admin=f"127.0.0.1:{ADMIN}") as loam:
        Drive(lab.client, {ORDERS: callers(lab)[ORDERS]}, calls=10).finish()
        service = name_of_orders(loam)
        loam.cli("flag", "set", service, "serve", "on", "--reason", "a test", "--wait")
        yield loam, service


class Asker:
    """Asks one request after the other on connections that are kept, and counts what comes of it."""

    def __init__(self, lab):
        self.lab, self.connection, self.connections, self.last = lab, None, 0, None

    def ask(self, method="GET", path="/orders/1", headers=None, body=None):
        """(status, who answered), or ("cut", "")."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.lab.server.address, ORDERS, timeout=10)
            self.connections += 1
        try:
            with self.lab.client.inside():
                self.connection.request(method, path, body=body, headers=headers or {})
                answer = self.connection.getresponse()
                text = answer.read()
        except (ConnectionError, http.client.HTTPException):
            self.close()
            return "cut", ""
        self.last = answer
        if answer.will_close:
            self.close()
        cause = answer.getheader("loam-cause")
        assert (cause is None) == (b'"peer": ' in text)  # which the server's own answers have, and no other
        return answer.status, cause or "server"

    def many(self, count, **terms):
        return collections.Counter(self.ask(**terms) for _ in range(count))

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


@pytest.fixture
def asker(lab):
    with contextlib.closing(Asker(lab)) as asker:
        yield asker


@contextlib.contextmanager
def flag(loam, service, feature, stage, settings, *more):
    """The flag set so for the block, and killed behind it."""
    loam.cli("flag", "set", service, feature, stage, "--settings", json.dumps(settings), *more, "--reason", "a test", "--wait")
    try:
        yield
    finally:
        loam.cli("flag", "kill", service, "--feature", feature, "--reason", "the test is over")


def refusals(lab, loam, rule):
    """What the proxies say they refused by it, or would have: {enforced: exchanges}."""
    shown = loam.get("/v1/explain", client=lab.client.address, destination=f"{lab.server.address}:{ORDERS}")["refusals"]
    counted = collections.Counter()
    for one in shown:
        if one["rule"] == rule:
            counted[one["enforced"]] += one["connections"]
    return counted


def settled(asker):
    """Once the server alone answers again."""
    wait_until(lambda: asker.many(5) == {(200, "server"): 5}, 15, "the server's own answers")


def test_a_fault_is_done_to_its_share_once_and_ends_with_its_flag(lab, served, asker):
    """By the caller's count: about a fifth, though two proxies stand on the way; the others are the server's, on the same connection."""
    loam, service = served
    before = metric_of(lab.server, "loam_faults_total"), metric_of(lab.client, "loam_faults_total")
    with flag(loam, service, "fault", "on", {"abort": {"status": 503}}, "--percent", "20", "--expires", "+10m"):
        came = asker.many(1000)
    assert set(came) == {(503, "fault:abort"), (200, "server")}
    assert 140 <= came[503, "fault:abort"] <= 260
    after = metric_of(lab.server, "loam_faults_total"), metric_of(lab.client, "loam_faults_total")
    assert after == (before[0] + came[503, "fault:abort"], before[1])  # beside the service, and there alone
    settled(asker)
    assert asker.connections == 1


def test_a_use_case_runs_before_its_last_service_exists(lab, served, asker):
    loam, service = served
    made_up = {"answer": {"status": 201, "headers": {"x-price": "7"}, "body": "soon\n"}, "match": {"paths": ["/new/**"], "headers": {"x-test": "*"}}}
    with flag(loam, service, "fault", "on", made_up, "--expires", "+10m"):
        assert asker.ask(path="/new/thing", headers={"x-test": "1"}) == (201, "fault:answer")
        assert asker.ask(method="POST", path="/new/thing", headers={"x-test": "1"}, body=b"x" * 1000) == (201, "fault:answer")
        assert asker.ask(path="/new/thing") == (200, "server")
        assert asker.ask(path="/orders/1", headers={"x-test": "1"}) == (200, "server")
    settled(asker)
    assert asker.connections == 1


def test_a_server_that_takes_too_long_is_given_up(lab, served, asker):
    """The delay that a fault makes beside the service is the slow server of the caller's side, which gives it up."""
    loam, service = served
    slow = {"delay": "700ms", "match": {"paths": ["/orders/slow"]}}
    with flag(loam, service, "fault", "on", slow, "--expires", "+10m"), flag(loam, service, "timeouts", "on", {"response": "250ms"}):
        came = asker.many(8, path="/orders/slow")
        assert came == {(504, "timeouts"): 8}
        assert asker.many(50) == {(200, "server"): 50}
    assert asker.many(2, path="/orders/slow") == {(200, "server"): 2}
    settled(asker)


def test_a_policy_on_exchanges_does_what_it_foretold(lab, served, asker):
    """The same traffic simulated and enforced: what would be denied is what is, rule by rule; ways around a path are none."""
    loam, service = served
    rules = {"rules": [{"name": "no-admin", "action": "deny", "match": {"paths": ["/admin", "/admin/**"]}},
                       {"name": "no-writes", "action": "deny", "match": {"methods": ["POST"], "paths": ["/orders/*"]}}]}
    traffic = [({"path": "/admin/users"}, 7, "no-admin"), ({"path": "/x/../admin"}, 3, "no-admin"), ({"path": "//%61dmin;v=1/x"}, 2, "no-admin"),
               ({"path": "/orders/2", "method": "POST", "body": b"x"}, 5, "no-writes"), ({"path": "/orders/2"}, 11, None), ({"path": "/orders/2/x", "method": "POST"}, 1, None)]
    denied = collections.Counter()
    for _, count, rule in traffic:
        if rule:
            denied[rule] += count

    def drive():
        return sum((asker.many(count, **terms) for terms, count, _ in traffic), collections.Counter())

    def verdicts(enforced):
        done = subprocess.run([programs() / "loam", "policy", "simulate", service, "-o", "json"], env=loam.cli_environment(), capture_output=True, text=True)
        assert done.returncode in (0, 5), done.stderr  # 5: it denies somebody
        said = json.loads(done.stdout)
        counted = collections.Counter()
        for edge in said["edges"]:
            if edge["enforced"] == enforced:
                counted[edge["rule"]] += edge["connections"]
        return counted if said["source"] == "live" else {}

    with flag(loam, service, "policy", "simulate", rules):
        assert set(drive()) == {(200, "server")}
        wait_until(lambda: verdicts(enforced=False) == denied, 20, "what would be denied")
        loam.cli("flag", "set", service, "policy", "enforce", "--reason", "a test", "--wait")
        came = drive()
        assert came == {(403, f"policy:{rule}"): count for rule, count in denied.items()} | {(200, "server"): 12}
        wait_until(lambda: verdicts(enforced=True) == denied, 20, "what was denied")
        assert metric_of(lab.server, "loam_policy_denied_exchanges_total") == denied.total()
        assert asker.ask(path="/orders%2f1") == (400, "policy:path")
    settled(asker)
    assert asker.connections == 1


def test_a_rate_limit_refuses_what_it_foretold(lab, served, asker):
    """A burst of the same size simulated and enforced: so many pass, and who is refused hears when to come again."""
    loam, service = served
    limits = {"limits": [{"name": "per-tenant", "rate": "6/m", "burst": 20, "key": "header", "header": "x-tenant", "match": {"paths": ["/orders/*"]}}]}

    def burst(tenant):
        return asker.many(50, headers={"x-tenant": tenant})

    with flag(loam, service, "rate_limit", "simulate", limits):
        assert burst("a") == {(200, "server"): 50}
        wait_until(lambda: refusals(lab, loam, "per-tenant") == {False: 30}, 20, "what would be refused")
        loam.cli("flag", "set", service, "rate_limit", "enforce", "--reason", "a test", "--wait")
        assert burst("b") == {(200, "server"): 20, (429, "rate_limit:per-tenant"): 30}
        assert burst("c") == {(200, "server"): 20, (429, "rate_limit:per-tenant"): 30}
        assert asker.many(30, path="/health") == {(200, "server"): 30}
        refused = asker.last
        assert refused.getheader("x-ratelimit-limit") is None  # no limit fits this path
        assert asker.ask(headers={"x-tenant": "b"}) == (429, "rate_limit:per-tenant")
        assert 1 <= int(asker.last.getheader("retry-after")) <= 10 and asker.last.getheader("x-ratelimit-remaining") == "0"
        assert asker.ask(headers={"x-tenant": "d"}) == (200, "server")
        assert asker.last.getheader("x-ratelimit-remaining") == "19"
        wait_until(lambda: refusals(lab, loam, "per-tenant") == {False: 30, True: 61}, 20, "what was refused")
    settled(asker)
    assert asker.connections == 1


def test_impact_foretells_what_the_feature_then_does(lab, served, asker):
    """Asked of the record before the flag is set, and held against the count of who asks the same again: a policy on methods exactly, a timeout and a
    rate within their bounds."""
    loam, service = served
    slow = {"delay": "400ms", "match": {"paths": ["/orders/slow"]}}
    traffic = [({"path": "/orders/1"}, 29), ({"path": "/orders/2", "method": "POST", "body": b"x"}, 13), ({"path": "/orders/slow"}, 8)]

    def drive():
        return sum((asker.many(count, **terms) for terms, count in traffic), collections.Counter())

    def foretold(feature, settings, rule):
        """(least, most) over all callers, once the record has all of the traffic."""
        def said():
            done = subprocess.run([programs() / "loam", "impact", service, feature, "--settings", json.dumps(settings), "--window", str(begin), "-o", "json"],
                                  env=loam.cli_environment(), capture_output=True, text=True)
            return json.loads(done.stdout) if done.returncode == 5 else None
        answer = wait_until(lambda: (one := said()) and one["totals"][0]["all"] == 50 and one, 20, "the traffic in the record")
        assert answer["record"]["observed"] > 0 and answer["totals"][0]["counted"] == "exchanges"
        rows = [row for row in answer["rows"] if row["rule"] == rule]
        return sum(row["least"] for row in rows), sum(row["most"] for row in rows)

    with flag(loam, service, "fault", "on", slow, "--expires", "+10m"):
        begin = fresh_bucket()
        assert drive() == {(200, "server"): 50}
        denying = {"rules": [{"name": "no-writes", "action": "deny", "match": {"methods": ["POST"]}}]}
        limits, bound = {"limits": [{"name": "all", "rate": "6/m", "burst": 20}]}, {"request": "200ms"}
        assert foretold("policy", denying, "no-writes") == (13, 13)
        longest = foretold("timeouts", bound, "request 200ms")
        refused = foretold("rate_limit", limits, "all")
        assert longest[0] == 8 and refused[0] >= 25  # no bound that says nothing
        loam.cli("flag", "set", service, "policy", "simulate", "--settings", json.dumps(denying), "--reason", "a test", "--wait")
        loam.cli("flag", "set", service, "policy", "enforce", "--reason", "a test", "--wait")
        assert drive() == {(403, "policy:no-writes"): 13, (200, "server"): 37}
        loam.cli("flag", "kill", service, "--feature", "policy", "--reason", "the test is over")
        with flag(loam, service, "timeouts", "on", bound):
            assert longest[0] <= drive()[504, "timeouts"] <= longest[1]
        loam.cli("flag", "set", service, "rate_limit", "simulate", "--settings", json.dumps(limits), "--reason", "a test", "--wait")
        loam.cli("flag", "set", service, "rate_limit", "enforce", "--reason", "a test", "--wait")
        assert refused[0] <= drive()[429, "rate_limit:all"] <= refused[1]
        loam.cli("flag", "kill", service, "--feature", "rate_limit", "--reason", "the test is over")
    settled(asker)


def test_flags_go_on_and_off_under_traffic_and_nothing_fails_that_was_not_asked_for(lab, served):
    """Kept and new connections, while the flags of three features change again and again; every request is answered by the server."""
    loam, service = served
    driven = Drive(lab.client, {ORDERS: callers(lab)[ORDERS]}, calls=900, pause=0.01, renew=25)
    for _ in range(3):
        with flag(loam, service, "fault", "on", {"delay": "5ms"}, "--percent", "30", "--expires", "+10m"), \
                flag(loam, service, "timeouts", "on", {"request": "30s"}), \
                flag(loam, service, "policy", "enforce", {"rules": [{"name": "no-admin", "action": "deny", "match": {"paths": ["/admin"]}}]}):
            pass
    driven.finish()


def test_retries_mend_what_may_be_done_twice_and_send_nothing_else_twice(lab, served, asker):
    """The fault beside the service is the server that fails; what it did is counted there, what was sent again beside the caller."""
    loam, service = served

    def counted():
        return metric_of(lab.server, "loam_faults_total", what="aborted"), metric_of(lab.client, "loam_retries_total", what="sent")

    shaky = {"abort": {"status": 503}, "match": {"paths": ["/orders/shaky"]}}
    eager = {"on": ["gateway_error"], "attempts": 5, "backoff": {"base": "1ms", "most": "2ms"}, "budget": {"ratio": 1, "min_per_second": 100}}
    with flag(loam, service, "fault", "on", shaky, "--percent", "40", "--expires", "+10m"), flag(loam, service, "retries", "on", eager):
        before = counted()
        came = asker.many(200, path="/orders/shaky")
        assert came[200, "server"] >= 190  # each fails with 0.4 ** 6
        aborted, sent = (now - then for now, then in zip(counted(), before))
        assert sent >= 80 and aborted == sent + came[503, "fault:abort"]
        before = counted()
        posts = asker.many(100, path="/orders/shaky", method="POST", body=b"x")
        aborted, sent = (now - then for now, then in zip(counted(), before))
        assert sent == 0 and aborted == posts[503, "fault:abort"] and posts[200, "server"] == 100 - aborted
    settled(asker)


def test_a_developers_copy_gets_its_developers_requests_and_no_other(lab, served, asker):
    """By the copy's own count. Once it is gone its developer is answered by the service, within a second."""
    loam, service = served
    heard = []

    def copy(connection):
        with connection, connection.makefile("rb") as stream:
            while request := stream.readline():
                heard.append(request)
                while stream.readline() not in (b"\r\n", b""):
                    pass
                connection.sendall(b'HTTP/1.1 200 OK\r\nX-Copy: bo\r\nContent-Length: 15\r\n\r\n{"peer": "copy"')

    expires = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with Origin(lab.second, lab.second.address) as origin:
        origin.serve(copy)
        overrides = {"overrides": [{"owner": "bo", "header": "loam-developer", "value": "bo", "address": f"{lab.second.address}:{origin.port}", "expires": expires}]}
        with flag(loam, service, "routing", "on", overrides):
            for number in range(700):
                name = ["bo", "ann", None, "bo2", "b", "Bo", ""][number % 7]
                assert asker.ask(headers=None if name is None else {"loam-developer": name}) == (200, "server")
                assert (asker.last.getheader("x-copy") == "bo") == (name == "bo"), number
            assert len(heard) == 100 and asker.connections == 1
            origin.close()
            began = time.monotonic()
            assert asker.ask(headers={"loam-developer": "bo"}) == (200, "server")
            assert time.monotonic() - began < 1 and asker.last.getheader("x-copy") is None
    settled(asker)
