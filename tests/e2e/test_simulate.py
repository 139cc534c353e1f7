"""What acts on exchanges, simulated beside a relayed connection: what it foretells of some traffic is what it does to the same traffic once the service is
served, by the count of who asked; and nobody notices before."""
import collections
import contextlib
import json
import subprocess
import time

import pytest
from conftest import loam_in
from counting import Drive, callers
from loam import programs
from processes import wait_until
from test_exchange_filters import ORDERS, Asker, flag, refusals
from test_flags import name_of_orders
from test_serve import answer_to

POLICY = {"rules": [{"name": "no-admin", "action": "deny", "match": {"paths": ["/admin", "/admin/**"]}},
                    {"name": "no-writes", "action": "deny", "match": {"methods": ["POST"], "paths": ["/orders/*"]}}]}
TRAFFIC = [({"path": "/admin/users"}, 7, "no-admin"), ({"path": "//%61dmin;v=1/x"}, 2, "no-admin"), ({"path": "/orders/2"}, 11, None),
           ({"path": "/orders/2", "method": "POST", "body": b"x"}, 5, "no-writes"), ({"path": "/orders%2f1"}, 3, "(path)")]
DENIED = {rule: sum(count for _, count, of in TRAFFIC if of == rule) for rule in ("no-admin", "no-writes", "(path)")}
LIMITS = {"limits": [{"name": "per-tenant", "rate": "6/m", "burst": 20, "key": "header", "header": "x-tenant"}]}


@pytest.fixture(scope="module")
def relayed(lab):
    """Proxies on both hosts, which relay, and the name of the service."""
    with loam_in(lab, "both") as loam:
        Drive(lab.client, {ORDERS: callers(lab)[ORDERS]}, calls=10).finish()
        yield loam, name_of_orders(loam)


@contextlib.contextmanager
def served(loam, service):
    loam.cli("flag", "set", service, "serve", "on", "--reason", "a test", "--wait")
    try:
        yield
    finally:
        loam.cli("flag", "kill", service, "--feature", "serve", "--reason", "the test is over")


def asked(lab, *traffic):
    """What comes of it on one connection of its own."""
    with contextlib.closing(Asker(lab)) as asker:
        return sum((asker.many(count, **terms) for terms, count, _ in traffic), collections.Counter())


def raw(lab, *lines, end="\r\n", body=""):
    """A request of these lines; a Host of another name would be taken for the service's."""
    return "".join(line + end for line in (*lines, f"Host: {lab.server.address}:{ORDERS}", "Connection: close", "")).encode() + body.encode()


def told(loam, *words):
    """(status, what `loam` answers)."""
    done = subprocess.run([programs() / "loam", *words, "-o", "json"], env=loam.cli_environment(), capture_output=True, text=True)
    assert done.returncode in (0, 5), done.stderr
    return done.returncode, json.loads(done.stdout)


def test_policy_and_rate_limit_foretell_beside_the_relay_what_they_do_once_it_is_served(lab, relayed):
    """Also on a connection that was open before the flags were set; rule by rule and request by request."""
    loam, service = relayed
    with contextlib.closing(Asker(lab)) as early:
        assert early.ask(path="/orders/1") == (200, "server")
        with flag(loam, service, "policy", "simulate", POLICY), flag(loam, service, "rate_limit", "simulate", LIMITS):
            came = sum((early.many(count, **terms, headers={"x-tenant": str(at)}) for at, (terms, count, _) in enumerate(TRAFFIC)), collections.Counter())
            assert {cause for _, cause in came} == {"server"} and early.connections == 1
            assert early.many(50, headers={"x-tenant": "a"}) == {(200, "server"): 50}
            wait_until(lambda: all(refusals(lab, loam, rule) == {False: count} for rule, count in DENIED.items()), 20, "what would be denied")
            wait_until(lambda: refusals(lab, loam, "per-tenant") == {False: 30}, 20, "what would be refused")
            status, said = told(loam, "readiness", service, "policy")
            assert status == 5 and [caller["rules"] for caller in said["callers"] if caller["blocks"]] == [DENIED]
            edges = [edge for edge in told(loam, "edge", "describe", lab.client.address, service, "--window", "15m")[1]["edges"] if edge["port"] == ORDERS]
            shown = {one["rule"]: one["connections"] for one in edges[0]["refusals"]}
            assert shown == DENIED | {"per-tenant": 30}
    with served(loam, service), flag(loam, service, "policy", "enforce", POLICY), flag(loam, service, "rate_limit", "enforce", LIMITS):
        came = asked(lab, *(({**terms, "headers": {"x-tenant": f"b{at}"}}, count, rule) for at, (terms, count, rule) in enumerate(TRAFFIC)))
        assert came == {(403, "policy:no-admin"): DENIED["no-admin"], (403, "policy:no-writes"): DENIED["no-writes"], (400, "policy:path"): DENIED["(path)"],
                        (200, "server"): 11}
        assert asked(lab, ({"headers": {"x-tenant": "b"}}, 50, None)) == {(200, "server"): 20, (429, "rate_limit:per-tenant"): 30}


def test_serve_foretells_who_would_be_refused(lab, relayed):
    """A lenient request is answered by the lenient server as before, and its caller is named; then it is refused for just that."""
    loam, service = relayed
    loam.cli("flag", "set", service, "serve", "simulate", "--reason", "a test", "--wait")
    assert told(loam, "readiness", service, "serve", "--to", "on")[0] == 0
    lenient = raw(lab, "GET /orders/1 HTTP/1.1", end="\n")
    body = b"x" * 300_000  # which goes by without a look
    for _ in range(3):
        assert answer_to(lab, lenient).startswith(b"HTTP/1.1 200 ")
    assert asked(lab, ({"path": "/orders/1"}, 20, None), ({"path": "/orders/1", "method": "POST", "body": body}, 2, None)).keys() == {(200, "server")}
    wait_until(lambda: refusals(lab, loam, "bare_lf") == {False: 3}, 20, "what would be refused")
    status, said = told(loam, "readiness", service, "serve", "--to", "on")
    assert status == 5 and [caller["rules"] for caller in said["callers"] if caller["blocks"]] == [{"bare_lf": 3}]
    with served(loam, service):
        heard = answer_to(lab, lenient)
        assert heard.startswith(b"HTTP/1.1 400 ") and b'details="bare_lf"' in heard
        assert asked(lab, ({"path": "/orders/1"}, 20, None)) == {(200, "server"): 20}


def test_timeouts_foretell_what_would_be_given_up(lab, relayed):
    """A client that stops half way through its body, relayed and served: counted, and then given up."""
    loam, service = relayed
    bounds = {"idle": "300ms"}

    def halting():
        with lab.connect(ORDERS) as connection:
            connection.sendall(raw(lab, "POST /orders/1 HTTP/1.1", "Content-Length: 4", body="ha"))
            time.sleep(0.7)
            connection.sendall(b"lf")
            return connection.recv(65536)

    with flag(loam, service, "timeouts", "simulate", bounds):
        assert halting().startswith(b"HTTP/1.1 200 ")
        assert asked(lab, ({"path": "/orders/1"}, 20, None)) == {(200, "server"): 20}
        wait_until(lambda: refusals(lab, loam, "default") == {False: 1}, 20, "what would be given up")
        with served(loam, service):
            assert halting().startswith(b"HTTP/1.1 200 ")
            wait_until(lambda: refusals(lab, loam, "default") == {False: 2}, 20, "what would be given up where it is served")
            loam.cli("flag", "set", service, "timeouts", "on", "--reason", "a test", "--wait")
            assert b"\r\nloam-cause: timeouts\r\n" in halting()
