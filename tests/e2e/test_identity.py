"""Who may be part of the mesh: agents of other hosts join, prove themselves, change roots and are turned away, against a real controller."""
import contextlib
import http.client
import json
import pathlib
import shutil
import signal
import socket
import ssl
import tempfile
import threading
import time

import pytest
from agents import Agent, Controller, From, Refused, exchange
from processes import wait_until


@pytest.fixture
def controller():
    home = tempfile.mkdtemp(prefix="loam-identity-", dir="/var/tmp")
    made = Controller(home)
    try:
        yield made.start()
    finally:
        made.end(signal.SIGKILL)
        shutil.rmtree(home)


@pytest.fixture
def agent(controller):
    """Makes agents that have joined."""
    return lambda name: Agent(controller, name, controller.home).join(controller.token(name))


def refused(call, *arguments, **terms):
    with pytest.raises((Refused, OSError, http.client.HTTPException)) as caught:
        call(*arguments, **terms)
    return caught.value


def test_an_agent_joins_and_watches(controller, agent):
    node = agent("node-a")
    assert "URI:spiffe://loam/proxy/node-a" in node.subject()
    snapshot = node.watch()
    assert snapshot["proxy"] == "node-a" and snapshot["trust"] == controller.call("GET", "/v1/fleet/node-a/snapshot")["trust"]
    assert controller.call("GET", "/v1/fleet/node-a")["name"] == "node-a"
    serial = node.subject()
    node.renew()
    assert node.subject() != serial
    listed = controller.call("GET", "/v1/identity/certificates")["certificates"]
    assert [one["superseded"] for one in listed] == [False, True]


def test_without_a_certificate_one_can_do_nothing_but_join(controller, agent):
    node = agent("node-a")
    context = ssl.create_default_context(cafile=node.roots)
    context.check_hostname = False
    for path in ("/v1/watch", "/v1/reports", "/v1/renew"):
        with contextlib.closing(From(controller.port, context)) as connection:
            assert refused(exchange, connection, "POST", path, {}).status == 401
    for path in ("/v1/flags", "/v1/kill", "/v1/identity", "/metrics"):
        with contextlib.closing(node.connect()) as connection:
            assert refused(exchange, connection, "GET", path).status == 404
    context.maximum_version = context.minimum_version = ssl.TLSVersion.TLSv1_2
    assert isinstance(refused(From(controller.port, context).connect), OSError)


def test_d9_nothing_of_a_request_but_its_key_counts(controller):
    token = controller.token("node-a")
    node = Agent(controller, "node-a", controller.home)
    extra = node.request("/CN=node-b", "-addext", "subjectAltName=URI:spiffe://loam/proxy/node-b,DNS:*.example")
    node.join(token, csr=extra)
    assert "node-b" not in node.subject()
    token = controller.token("node-c")
    other = Agent(controller, "node-c", controller.home)
    authority = other.request("/CN=node-c", "-addext", "basicConstraints=critical,CA:TRUE")
    assert refused(other.join, token, csr=authority).status == 403
    assert other.join(token), "a request that was refused costs no token"


def test_d10_every_refusal_is_the_same(controller, agent):
    used = controller.token("node-a")
    Agent(controller, "node-a", controller.home).join(used)
    short = controller.token("node-b", life="1s")
    good = controller.token("node-c")
    node = Agent(controller, "node-x", controller.home)
    time.sleep(1.1)
    answers = [refused(node.join, used, "127.0.1.1", name="node-a"), refused(node.join, short, "127.0.1.2", name="node-b"),
               refused(node.join, good, "127.0.1.3", name="node-d"), refused(node.join, {**good, "secret": "loam-join-x"}, "127.0.1.4")]
    assert {(one.status, one.body) for one in answers} == {(403, answers[0].body)}
    for verdict in ("used", "expired", "other_name", "unknown"):
        assert controller.metric(f'loam_controller_identity_joins_total{{verdict="{verdict}"}}') == 1
    assert (controller.home / "log").read_text().count(good["secret"]) == 0
    for _ in range(5):
        refused(node.join, {**good, "secret": "loam-join-x"}, "127.0.1.9")
    assert refused(node.join, good, "127.0.1.9", name="node-c").body == answers[0].body
    assert Agent(controller, "node-c", controller.home).join(good, "127.0.1.10")


def test_d10_one_of_two_hundred_wins(controller):
    token = controller.token("node-a")
    node = Agent(controller, "node-a", controller.home)
    body = {"proxy": "node-a", "token": token["secret"], "csr": node.request()}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    barrier, outcomes = threading.Barrier(200), []

    def race(number):
        with contextlib.closing(From(controller.port, context, f"127.2.0.{number + 1}")) as connection:
            connection.connect()
            barrier.wait()
            try:
                outcomes.append(exchange(connection, "POST", "/v1/join", body)["chain"])
            except Refused as error:
                outcomes.append(error.status)

    racers = [threading.Thread(target=race, args=[number]) for number in range(200)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert len(outcomes) == 200 and outcomes.count(403) == 199
    assert len(controller.call("GET", "/v1/identity/certificates")["certificates"]) == 1


def test_e13_nobody_speaks_in_anothers_name(controller, agent):
    node = agent("node-a")
    assert refused(node.call, "/v1/watch", node.question(name="node-b")).status == 403
    report = {"proxy": "node-b", "role": "node", "epoch": 1, "sequence": 1, "from": 1000, "to": 2000, "edges": [], "names": []}
    answer = refused(node.call, "/v1/reports", report)
    assert answer.status in (400, 403)
    assert controller.metric('loam_controller_agents_refused_total{why="name"}') >= 1
    assert [one["name"] for one in controller.call("GET", "/v1/fleet")["proxies"]] == []


def test_d11_no_key_is_readable(controller, agent):
    agent("node-a")
    assert (controller.home / "authority").stat().st_mode & 0o777 == 0o700
    for path in controller.home.rglob("*"):
        if path.is_file() and "node-a" not in path.parts:
            assert b"PRIVATE KEY" not in path.read_bytes(), path
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (controller.home / "authority").iterdir())
    status = pathlib.Path(f"/proc/{controller.process.pid}/environ").stat()
    assert status.st_uid == 0, "a process that gives no dump belongs to root in /proc"


def test_d12_revoking_cuts_within_five_seconds(controller, agent):
    node, other = agent("node-a"), agent("node-b")
    node.watch(), other.watch()
    waiting, idle, token = node.connect(), node.connect(), controller.token("node-a")
    exchange(idle, "POST", "/v1/watch", node.question())
    ended = []

    def wait():
        try:
            ended.append(exchange(waiting, "POST", "/v1/watch", node.question(60_000)))
        except (OSError, http.client.HTTPException, ssl.SSLError) as error:
            ended.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.3)
    began = time.monotonic()
    done = controller.cli("identity", "revoke", "node-a", "--reason", "stolen")
    assert done.returncode == 0, done.stderr
    thread.join(5)
    assert time.monotonic() - began < 5 and isinstance(ended[0], Exception), ended
    idle.sock.settimeout(5)
    refused(exchange, idle, "POST", "/v1/watch", node.question())
    refused(node.call, "/v1/watch", node.question())
    denied = other.watch()["trust"]["denied"]
    assert [one["value"] for one in denied] == ["spiffe://loam/proxy/node-a"]
    assert refused(Agent(controller, "node-a", controller.home).join, token).status == 403
    controller.restart()
    refused(node.call, "/v1/watch", node.question())
    assert controller.cli("identity", "allow", "name/spiffe://loam/proxy/node-a").returncode == 0
    assert node.watch()


class Asking(threading.Thread):
    """An agent that asks all the time; while the controller is there no question may fail."""

    def __init__(self, agent):
        super().__init__()
        self.agent, self.asked, self.failures, self.ending, self.away = agent, 0, [], False, threading.Event()

    def run(self):
        while not self.ending:
            try:
                self.agent.watch(200)
                self.asked += 1
            except Exception as error:  # noqa: BLE001: the test shows it
                if not self.away.is_set():
                    self.failures.append(repr(error))
                time.sleep(0.1)


def test_d6_roots_change_under_agents_that_ask_all_the_time(controller, agent):
    agents = [Asking(agent(f"node-{letter}")) for letter in "abc"]
    first = controller.identity()["rotation"]["issuing"]
    for one in agents:
        one.start()
    states = []
    try:
        for step in ("begin", "advance", "advance", "advance"):
            done = controller.cli("identity", "rotate", step, "--wait", "--timeout", "60", "-o", "json")
            assert done.returncode == 0, done.stderr
            states.append(json.loads(done.stdout)["rotation"]["state"])
            asked = [one.asked for one in agents]
            wait_until(lambda: all(one.asked > before + 2 for one, before in zip(agents, asked)), 20, "more questions")
            # Killed in each state, the next controller goes on from there.
            for one in agents:
                one.away.set()
            controller.restart()
            assert controller.identity()["rotation"]["state"] == states[-1]
            wait_until(lambda: not controller.identity()["rotation"]["waiting"], 30, "the agents")
            time.sleep(0.5)
            for one in agents:
                one.away.clear()
        assert states == ["both_trusted", "new_issues", "retiring", "steady"]
    finally:
        for one in agents:
            one.ending = True
        for one in agents:
            one.join()
    assert not any(one.failures for one in agents), [one.failures for one in agents]
    after = controller.identity()
    assert after["rotation"]["issuing"] != first and len(after["roots"]) == 1
    assert len(list((controller.home / "authority").glob("*.key"))) == 3, "root, intermediate and what seals them"


def test_no_step_follows_before_all_have_acknowledged(controller, agent):
    node = agent("node-a")
    node.watch(), node.watch()
    controller.rotate("begin")
    answer = refused(controller.rotate, "advance")
    assert answer.status == 409 and "node-a" in answer.body
    assert controller.identity()["rotation"]["waiting"] == ["node-a"]
    controller.restart()
    assert refused(controller.rotate, "advance").status == 409, "who has not asked again is still waited for"
    node.watch(), node.watch()
    assert controller.rotate("advance")["rotation"]["state"] == "new_issues"
    assert controller.rotate("abort")["rotation"]["state"] == "new_issues"


def test_tokens_and_expiry_at_the_command_line(controller, agent):
    minted = controller.cli("identity", "token", "node-a", "--life", "5m")
    assert minted.returncode == 0 and minted.stdout.startswith("loam-join-") and minted.stdout.count("\n") == 1
    assert controller.identity()["rotation"]["issuing"] in minted.stderr
    node = Agent(controller, "node-a", controller.home).join({"secret": minted.stdout.strip(), "root": controller.identity()["roots"][0]["sha256"]})
    assert node.watch()
    assert controller.cli("identity", "list").returncode == 0
    spare = controller.token("node-b")["id"]
    assert spare in controller.cli("identity", "tokens", "-o", "name").stdout
    assert controller.cli("identity", "tokens", "--drop", spare).returncode == 0
    assert controller.cli("identity", "tokens", "--drop", spare).returncode == 3
    assert "nobody is denied" in controller.cli("identity", "allow").stderr
    assert "steady" in controller.cli("identity", "show").stdout
    assert controller.cli("identity", "rotate", "advance").returncode == 4
    assert controller.cli("identity", "list", "--expiring", "48h").returncode == 0
    due = controller.cli("identity", "list", "--expiring", "8d", "-o", "json")
    assert due.returncode == 5 and {one["kind"] for one in json.loads(due.stdout)["certificates"]} == {"controller", "proxy"}
    assert controller.metric('loam_controller_identity_expiry_seconds{of="root"') > 9 * 365 * 86400
    assert controller.metric("loam_controller_identity_certificates") == 1


def test_slow_clients_do_not_delay_agents(controller, agent):
    node = agent("node-a")
    slow = [socket.create_connection(("127.0.0.1", controller.port)) for _ in range(500)]
    try:
        began = time.monotonic()
        assert node.watch()
        assert time.monotonic() - began < 2
    finally:
        for one in slow:
            one.close()
