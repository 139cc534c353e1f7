"""Mutual TLS over days, by wall clocks that are moved: a caller that comes once a day, clocks that are set, a controller that is gone past expiry."""
import contextlib
import json
import socket
import time
from datetime import datetime, timezone

import pytest
from clocks import DAY, HOUR, clocked_mesh, metric_of
from lab import echo
from processes import wait_until
from test_changes import NOT_READY, cli
from test_mtls import LADDER, PEERS, SPOKEN, Wire, refused_in_clear, service_at, set_mtls
from traffic import NewConnections, old_connections

READY, REFUSED = 0, NOT_READY
JUMP = DAY + 600  # seconds
BOTH = ["proxy-client", "proxy-server"]


def say_once(host, address):
    """One connection, one echo: the bytes that came back."""
    with host.inside(), socket.create_connection(address, timeout=5) as connection:
        connection.sendall(b"x")
        return connection.recv(1)


def readiness(loam, service):
    """(status, the answer, the callers that block)."""
    status, said, _ = cli(loam, "readiness", service, "mtls", "--to", "strict", "-o", "json")
    answer = json.loads(said)
    return status, answer, [one for one in answer["callers"] if one["blocks"]]


@pytest.fixture(scope="module")
def days(lab):
    """An echo server whose service is at prefer with a window of a day, and has a steady caller with a proxy whose plaintext is older than that."""
    with lab.new_origin() as origin, clocked_mesh(lab) as (loam, clocks):
        origin.serve(echo)
        address = (lab.server.address, origin.port)
        with NewConnections(lab.client, address, rate=20) as load:
            service = service_at(loam, origin.port)
            for stage in LADDER[:-1]:
                set_mtls(loam, service, stage, "--settings", '{"plaintext_window": "1d"}')
            wait_until(lambda: any("last_plaintext" in one for one in readiness(loam, service)[1]["callers"]), 20, "its plaintext in the record")
            time.sleep(5)  # and what was still on the way to it
            clocks.advance(DAY + HOUR)
            wait_until(lambda: readiness(loam, service)[0] == READY, 20, "a day without plaintext")
        assert load.failures == []
        yield loam, clocks, origin.port, service


def test_a_caller_of_once_a_day_is_named_and_then_broken_and_nobody_else(lab, days):
    loam, clocks, port, service = days
    address = (lab.server.address, port)
    with NewConnections(lab.client, address, rate=50) as load, old_connections(lambda: lab.connect(port)):
        called = time.time() + clocks.get("proxy-server")
        assert say_once(lab.second, address) == b"x"
        wait_until(lambda: readiness(loam, service)[0] == NOT_READY, 20, "the call in the record")
        clocks.advance(20 * HOUR)
        time.sleep(3)

        status, answer, blocking = readiness(loam, service)
        assert status == NOT_READY and answer["percent"] < 100
        [daily] = blocking
        assert daily["connections"] == 1 and daily["mutual_percent"] == 0
        last = datetime.strptime(daily["last_plaintext"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()
        assert abs(last - called) <= 15, "buckets are of 10 s"
        text = cli(loam, "readiness", service, "mtls", "--to", "strict")[1]
        named = [line for line in text.splitlines() if " YES " in line]
        assert len(named) == 1 and named[0].startswith(daily["caller"]) and daily["last_plaintext"][:10] in named[0], text

        status, _, error = cli(loam, "flag", "set", service, "mtls", "strict", "--reason", "a test")
        assert status == REFUSED and f"no plaintext from any caller: {daily['caller']} (plaintext within 1d)" in error, error
        assert say_once(lab.second, address) == b"x", "nothing was switched on"
        set_mtls(loam, service, "strict")  # accepts the risk
        reasons = [one["act"]["reason"] for one in loam.get("/v1/audit", kind="flag", most=10000)["events"] if one["key"] == f"{service}/mtls"]
        [risky] = [reason for reason in reasons if "no plaintext from any caller" in reason]
        assert risky.startswith("a test [risk accepted: ") and daily["caller"] in risky

        refused_in_clear(lab, port)
        opened = load.opened
        wait_until(lambda: load.opened > opened + 100, 20, "the other caller's connections")
    assert load.failures == [], "whom readiness did not name"


def skew_of(loam, host):
    return loam.get(f"/v1/fleet/{host.name}").get("clock_ahead_seconds")


def test_d8_a_clock_that_jumps_by_a_day_breaks_no_timer_and_is_shown(lab, days):
    loam, clocks, port, service = days
    before = loam.get("/v1/proxies")["proxies"]

    def speak():
        """A change reaches a proxy at once, and its next question tells the time."""
        for stage in ("sampled", "on"):
            loam.cli("flag", "set", service, "observe", stage, "--reason", "a test", "--wait")

    def skew(host):
        return metric_of(host, "loam_proxy_clock_ahead_seconds")

    def times_said():
        log = loam.table.log("proxy-client")
        return [log.count("clock is not the controller's"), log.count("agrees with the controller's again")]

    with NewConnections(lab.client, (lab.server.address, port), rate=50) as load, old_connections(lambda: lab.connect(port)):
        def jump_about(name):
            for jump in (JUMP, -2 * JUMP, JUMP):
                clocks.advance(jump, name)
                opened = load.opened
                wait_until(lambda: load.opened > opened + 50, 20, "new connections")
                assert not any(one["silent"] for one in loam.get("/v1/fleet")["proxies"]), (name, jump)
        jump_about("loam-controller")  # before a proxy was ahead: one that is two days ahead is not listened to
        speak()
        wait_until(lambda: abs(skew(lab.client)) <= 2, 40, "clocks that agree")
        before_said = times_said()
        for jump, way in ((JUMP, "ahead of"), (-JUMP, "behind")):
            clocks.advance(jump, "proxy-client")
            speak()
            wait_until(lambda: abs((skew_of(loam, lab.client) or 0) - jump) <= 2, 40, "the skew at the controller")
            wait_until(lambda: abs(skew(lab.client) - jump) <= 2, 40, "the skew at the proxy")
            assert f"24h {way} the controller's: set one of them right" in loam.cli("proxy", "describe", "client")
            status, said, _ = cli(loam, "doctor", "-o", "json")
            [check] = [one for one in json.loads(said)["checks"] if one["id"] == "LD-0209"]
            assert status != 0 and check["verdict"] == "warn" and "client is 24h" in check["measured"] and "server" not in check["measured"]
            assert not loam.get("/v1/fleet/client")["silent"]
            clocks.advance(-jump, "proxy-client")
            speak()
            wait_until(lambda: abs(skew_of(loam, lab.client)) <= 2, 40, "the clock right again")
            wait_until(lambda: abs(skew(lab.client)) <= 2, 40, "the same at the proxy")
        wait_until(lambda: times_said() == [count + 2 for count in before_said], 5, "each of them once in the log")
        jump_about("proxy-server")
    assert load.failures == []
    wait_until(lambda: all(after["reports"] > one["reports"] + 2 for after, one in zip(loam.get("/v1/proxies")["proxies"], before)), 20, "reports")
    said = [line for name in BOTH for line in loam.table.log(name).splitlines() if "component=report" in line]
    assert [one["lost"] for one in loam.get("/v1/proxies")["proxies"]] == [one["lost"] for one in before], said


def test_it_is_ready_once_window_and_slowest_period_are_over(lab, days):
    """Refused calls are no plaintext. The second call of before was the caller's last."""
    loam, clocks, port, service = days
    with NewConnections(lab.client, (lab.server.address, port), rate=20) as load:
        assert readiness(loam, service)[0] == NOT_READY
        clocks.advance(23 * HOUR)
        refused_in_clear(lab, port)
        time.sleep(3)
        assert readiness(loam, service)[0] == NOT_READY, "not yet"
        clocks.advance(26 * HOUR)  # beyond 55 % of the certificates' lives, too
        def ready():
            status, answer, _ = readiness(loam, service)
            return status == READY and answer["percent"] == 100
        wait_until(ready, 20, "readiness of 100 %")
    assert load.failures == []


@pytest.fixture
def choices(lab, days):
    """Two strict services beside each other, by what they do at expiry: (loam, clocks, port by choice)."""
    loam, clocks, port, service = days
    with lab.new_origin() as origin:
        origin.serve(echo)
        loam.cli("node", "name", f"{lab.server.address}:{origin.port}", "lenient", "--reason", "else it is one service with the other")
        with NewConnections(lab.client, (lab.server.address, origin.port), rate=20):
            wait_until(lambda: service_at(loam, origin.port) == "lenient", 40, "its name in the snapshots")
            other = "lenient"
        for stage in LADDER:
            set_mtls(loam, other, stage, "--settings", '{"at_expiry": "plaintext"}')
        yield loam, clocks, {"closed": port, "plaintext": origin.port}


def alarms(loam, words):
    return all(words in loam.table.log(name) for name in BOTH)


def test_d7_without_a_controller_nothing_fails_and_at_expiry_the_operator_has_chosen(lab, choices):
    loam, clocks, ports = choices

    def left(what="life_left_ratio"):
        return [metric_of(host, f"loam_identity_{what}") for host in (lab.client, lab.server)]
    wait_until(lambda: min(left()) > 0.9, 40, "certificates that were renewed while the clocks were moved")
    loam.stop_controller()
    with contextlib.ExitStack() as stack:
        loads = {choice: stack.enter_context(NewConnections(lab.client, (lab.server.address, port), rate=50)) for choice, port in ports.items()}
        stack.enter_context(old_connections(lambda: lab.connect(ports["closed"]), count=3))

        def goes_on(choice="closed"):
            opened = loads[choice].opened
            wait_until(lambda: loads[choice].opened > opened + 50, 10, f"new connections to the {choice} service")
        clocks.advance(3 * DAY, *BOTH)
        for choice in ports:
            goes_on(choice)
        with Wire(lab.server) as wire, lab.connect(ports["plaintext"]) as spoken:
            spoken.sendall(SPOKEN)
            assert spoken.recv(len(SPOKEN)) == SPOKEN
            wait_until(lambda: wire.syns.get(PEERS, 0) > 20, 10, "mutual TLS")
        assert not any(SPOKEN in payload for payloads in wire.bytes.values() for payload in payloads)
        clocks.advance(int(max(left("expiry_seconds")) - 0.4 * 7 * DAY), *BOTH)
        wait_until(lambda: alarms(loam, "half of the certificate's life is left, and it could not be renewed"), 40, "the first alarm")
        clocks.advance(int(max(left("expiry_seconds")) - 0.2 * DAY), *BOTH)
        assert max(left()) < 0.1
        for choice in ports:
            goes_on(choice)
        assert [load.failures for load in loads.values()] == [[], []], "nothing fails as long as the certificates last"

        clocks.advance(2 * DAY, *BOTH)
        passed = time.monotonic()
        assert left() == [0, 0]
        wait_until(lambda: loads["closed"].failures, 10, "strict stays strict")
        goes_on("plaintext")
        with Wire(lab.server) as wire:
            time.sleep(1)
            closed = loads["closed"].opened
            with lab.connect(ports["plaintext"]) as spoken:
                spoken.sendall(SPOKEN)
                assert spoken.recv(len(SPOKEN)) == SPOKEN
            assert say_once(lab.second, (lab.server.address, ports["plaintext"])) == b"x", "the callee's side"
            time.sleep(1)
        assert any(SPOKEN in payload for payload in wire.bytes[ports["plaintext"]])
        assert ports["closed"] not in wire.bytes and loads["closed"].opened == closed, "no byte in plaintext"
        refused_in_clear(lab, ports["closed"])
        assert [failure for failure in loads["plaintext"].failed_since(passed) if failure[0] > 2] == []
        wait_until(lambda: alarms(loam, "the certificate has expired"), 40, "the last alarm")
