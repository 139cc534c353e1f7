"""Who may be part of the mesh: agents of other hosts join, prove themselves, change roots and are turned away, against a real controller."""
import _ssl
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import pytest
from loam import UnixConnection, programs
from processes import wait_until

KEY = ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
CAPABILITIES = ["observe.on", "observe.sampled"]


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:300]}")
        self.status, self.body = status, body


def exchange(connection, method, path, body=None):
    connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status >= 400:
        raise Refused(answer.status, text)
    return json.loads(text) if text else None


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Controller:
    """loam-controller with an agents' port, in a home of its own; people ask over its socket."""

    def __init__(self, home):
        self.home, self.port, self.process = pathlib.Path(home), free_port(), None

    def start(self):
        log = open(self.home / "log", "a")
        self.process = subprocess.Popen([programs() / "loam-controller", "--agents", f"127.0.0.1:{self.port}"],
                                        env={**os.environ, "LOAM_HOME": str(self.home)}, stdout=log, stderr=log)
        log.close()
        wait_until(self.answers, 20, "the controller")
        return self

    def answers(self):
        assert self.process.poll() is None, (self.home / "log").read_text()[-2000:]
        with contextlib.suppress(OSError, http.client.HTTPException):
            return bool(self.call("GET", "/healthz"))
        return False

    def end(self, number=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(20)

    def restart(self, number=signal.SIGKILL):
        self.end(number)
        return self.start()

    def call(self, method, path, body=None):
        with contextlib.closing(UnixConnection(self.home / "run" / "controller.sock")) as connection:
            return exchange(connection, method, path, body)

    def token(self, name, **terms):
        return self.call("POST", "/v1/identity/tokens", {"name": name, **terms})

    def identity(self):
        return self.call("GET", "/v1/identity")

    def rotate(self, step):
        return self.call("POST", "/v1/identity/rotation", {"step": step, "reason": "a test"})

    def cli(self, *words):
        return subprocess.run([programs() / "loam", *words], env={**os.environ, "LOAM_HOME": str(self.home)}, capture_output=True, text=True,
                              timeout=60)

    def metric(self, name):
        with contextlib.closing(UnixConnection(self.home / "run" / "controller.sock")) as connection:
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


class From(http.client.HTTPSConnection):
    """TLS 1.3 from one of this host's loopback addresses."""

    def __init__(self, port, context, source="127.0.0.1", timeout=70):
        super().__init__("127.0.0.1", port, context=context, timeout=timeout, source_address=(source, 0))


class Agent:
    """What a proxy does for its identity, in Python's ssl: a second reading of the contract."""

    def __init__(self, controller, name, directory):
        self.controller, self.name = controller, name
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir(exist_ok=True)
        self.key, self.chain, self.roots = (self.directory / part for part in ("key.pem", "chain.pem", "roots.pem"))
        self.trust, self.snapshot, self.issued_by = None, None, None

    def request(self, subject="/CN=whatever", *extensions):
        """A signing request with a key that becomes the agent's own when the answer is taken."""
        return subprocess.run([*KEY, "-keyout", self.directory / "next.pem", "-subj", subject, *extensions], check=True, capture_output=True,
                              text=True).stdout

    def join(self, token, source="127.0.0.1", csr=None, name=None):
        """Over TLS with nothing known but the root's SHA-256."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with contextlib.closing(From(self.controller.port, context, source)) as connection:
            connection.connect()
            self.check_pin(connection, token["root"])
            self.take(exchange(connection, "POST", "/v1/join",
                               {"proxy": name or self.name, "token": token["secret"], "csr": csr or self.request()}))
        return self

    def check_pin(self, connection, pin):
        """The chain that the server sent ends in the pinned root, and leads to it."""
        shown = connection.sock._sslobj.get_unverified_chain()  # public from Python 3.13 on
        chain = [ssl.DER_cert_to_PEM_cert(one.public_bytes(_ssl.ENCODING_DER)) for one in shown]
        assert hashlib.sha256(ssl.PEM_cert_to_DER_cert(chain[-1])).hexdigest() == pin
        files = {part: self.directory / f"{part}.shown.pem" for part in ("root", "between", "leaf")}
        for part, pem in zip(files, (chain[-1], chain[1], chain[0])):
            files[part].write_text(pem)
        subprocess.run(["openssl", "verify", "-CAfile", files["root"], "-untrusted", files["between"], files["leaf"]], check=True,
                       capture_output=True)

    def take(self, enrolment):
        self.chain.write_text(enrolment["chain"])
        os.replace(self.directory / "next.pem", self.key)
        self.issued_by = enrolment["trust"]["issuing"]
        self.believe(enrolment["trust"])

    def believe(self, trust):
        self.trust = trust
        self.roots.write_text("".join(trust["roots"]))

    def context(self):
        context = ssl.create_default_context(cafile=self.roots)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.load_cert_chain(self.chain, self.key)
        return context

    def connect(self):
        connection = From(self.controller.port, self.context())
        connection.connect()
        names = connection.sock.getpeercert()["subjectAltName"]
        assert names == (("URI", "spiffe://loam/controller/main"),)
        return connection

    def call(self, path, body):
        with contextlib.closing(self.connect()) as connection:
            return exchange(connection, "POST", path, body)

    def question(self, wait_ms=0, name=None):
        has = self.snapshot or {"epoch": 0, "generation": 0}
        done = self.trust and self.issued_by == self.trust["issuing"]
        return {"proxy": name or self.name, "version": "test", "capabilities": CAPABILITIES, "epoch": has["epoch"],
                "acknowledged": has["generation"], "in_effect": has["generation"], "old_connections": 0, "wait_ms": wait_ms,
                **({"trust": self.trust["step"]} if done else {})}

    def watch(self, wait_ms=0):
        """Asks, believes what it is told, and gets the leaf that it then needs."""
        snapshot = self.call("/v1/watch", self.question(wait_ms))
        if snapshot:
            self.snapshot = snapshot
            self.believe(snapshot["trust"])
            if self.issued_by != self.trust["issuing"]:
                self.renew()
        return snapshot

    def renew(self):
        self.take(self.call("/v1/renew", {"csr": self.request()}))

    def subject(self):
        return subprocess.run(["openssl", "x509", "-in", self.chain, "-noout", "-serial", "-ext", "subjectAltName"], check=True, capture_output=True,
                              text=True).stdout


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
    waiting, idle = node.connect(), node.connect()
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
    assert refused(Agent(controller, "node-a", controller.home).join, controller.token("node-a")).status == 403
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
