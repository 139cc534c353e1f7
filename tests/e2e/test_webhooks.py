"""What needs a person reaches a receiver: signed, at least once and under one id, whatever becomes of receiver and controller meanwhile."""
import contextlib
import hashlib
import hmac
import http.server
import json
import pathlib
import random
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time

import pytest
from agents import Controller, Refused
from canaries import Canaries
from processes import wait_until

SECRET = "c4n4ry-of-the-webhook-0123456789"


def is_ours(headers, body):
    """What a receiver does first: the check of docs/operations.md."""
    parts = dict(part.split("=", 1) for part in headers["Loam-Signature"].split(","))
    expected = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, parts["v1"]) and abs(time.time() - int(parts["t"])) < 300


class Receiver:
    """An HTTP server of Python's on one port of loopback, which may be down and come up again."""

    def __init__(self, context=None):
        self.context, self.status, self.headers, self.heard, self.server, self.port = context, 200, {}, [], None, 0
        self.up()

    def up(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert is_ours(self.headers, body), "a signature that is not ours"
                receiver.heard.append((self.headers["Loam-Delivery"], self.headers["Loam-Event"], json.loads(body)))
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        if self.context:
            self.server.socket = self.context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def down(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def ids(self):
        return [delivery for delivery, _, _ in self.heard]

    def events(self):
        return [event for _, event, _ in self.heard]


@pytest.fixture
def home():
    made = pathlib.Path(tempfile.mkdtemp(prefix="loam-webhooks-", dir="/var/tmp"))
    (made / "secret").touch(0o600)
    (made / "secret").write_text(SECRET + "\n")
    yield made
    shutil.rmtree(made)


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.down()


@contextlib.contextmanager
def controller_with(home, url, **more):
    hook = {"name": "oncall", "url": url, "secret_file": str(home / "secret"), **more}
    controller = Controller(home, webhooks=[hook])
    try:
        yield controller.start()
    finally:
        controller.end(signal.SIGKILL)


@pytest.fixture
def controller(home, receiver):
    with controller_with(home, f"http://127.0.0.1:{receiver.port}/s3cr3t-path?s3cr3t-query") as made:
        yield made


def turn_on(controller):
    """Something to kill."""
    change = controller.call("POST", "/v1/changes", {"edits": [{"service": "*", "feature": "observe", "stage": "on"}]})
    controller.call("POST", f"/v1/changes/{change['id']}/apply", {"hash": change["hash"], "reason": "a test"})


def kill(controller):
    return controller.call("POST", "/v1/kill", {"reason": "requests hang"})


def kills_in_the_log(controller):
    events = controller.call("GET", "/v1/audit?most=10000&kind=flag")["events"]
    return [event["hash"][:32] for event in events if event["act"]["verb"] == "kill"]


def test_a_kill_is_told_exactly_once(controller, receiver):
    kill(controller)
    wait_until(lambda: receiver.heard, 10, "the kill")
    time.sleep(3)
    (delivery, event, body), = receiver.heard
    assert event == body["event"] == "flag.killed" and delivery == body["id"] == kills_in_the_log(controller)[0]
    assert body["subject"] == "*/observe" and body["detail"] == "requests hang" and body["severity"] == "warning"
    shown = controller.call("GET", "/v1/webhooks")["webhooks"][0]
    assert (shown["delivered"], shown["waiting"], shown["failed"]) == (1, 0, 0)


def test_what_happens_while_the_receiver_is_down_is_told_when_it_is_up(controller, receiver):
    receiver.down()
    kill(controller)
    failing = lambda: controller.call("GET", "/v1/webhooks")["webhooks"][0]  # noqa: E731
    wait_until(lambda: failing()["failed"] >= 2, 20, "tries that fail")
    assert "Connection refused" in failing()["last_error"] and failing()["waiting"] == 1
    receiver.up()
    wait_until(lambda: receiver.heard, 30, "the kill")
    assert receiver.events() == ["flag.killed"]
    wait_until(lambda: failing()["waiting"] == 0, 10, "nothing that waits")


def test_a_controller_killed_between_tells_it_again_under_the_same_id(controller, receiver):
    receiver.status = 503
    kill(controller)
    wait_until(lambda: receiver.heard, 10, "a try")
    controller.end(signal.SIGKILL)
    receiver.status, tries = 200, len(receiver.heard)
    controller.start()
    wait_until(lambda: len(receiver.heard) > tries, 20, "the next controller's")
    assert len(set(receiver.ids())) == 1
    time.sleep(2)
    tries = len(receiver.heard)
    controller.restart()
    time.sleep(2)
    assert len(receiver.heard) == tries, "what was delivered is not told again once that was kept"


def test_of_many_kills_with_the_controller_killed_after_each_none_is_lost(controller, receiver):
    seed = random.randrange(1 << 32)
    print("seed", seed)
    draw = random.Random(seed)
    for _ in range(8):
        turn_on(controller)
        kill(controller)
        time.sleep(draw.uniform(0, 0.3))
        controller.restart(signal.SIGKILL)
    expected = kills_in_the_log(controller)
    assert len(expected) >= 8
    wait_until(lambda: set(expected) <= set(receiver.ids()), 20, f"all of {expected} (seed {seed})")
    assert set(receiver.events()) == {"flag.killed"}


def watch(controller, **says):
    question = {"proxy": "web-1", "version": "test", "capabilities": [], "epoch": 0, "acknowledged": 0, "in_effect": 0, "old_connections": 0,
                "wait_ms": 0}
    controller.call("POST", "/v1/watch", {**question, **says})


def test_a_state_is_told_when_it_begins_and_when_it_is_over_also_across_a_kill(controller, receiver):
    watch(controller, killed=True)
    wait_until(lambda: receiver.events() == ["proxy.killed"], 20, "that a proxy was killed")
    time.sleep(2)  # kept
    controller.restart(signal.SIGKILL)
    watch(controller, killed=True)
    time.sleep(6)
    assert receiver.events() == ["proxy.killed"], "it was told"
    watch(controller)
    wait_until(lambda: receiver.events() == ["proxy.killed", "proxy.restored"], 20, "that it is restored")
    assert receiver.heard[1][2]["subject"] == "web-1"


def test_a_redirect_is_refused_and_said(controller, receiver):
    elsewhere = Receiver()
    try:
        receiver.status, receiver.headers = 307, {"Location": f"http://127.0.0.1:{elsewhere.port}/"}
        ran = controller.cli("webhook", "test", "oncall")
        assert ran.returncode == 1 and "307 Temporary Redirect: a redirect, which is never followed" in ran.stderr
        kill(controller)
        wait_until(lambda: len(receiver.heard) > 1, 10, "the kill")
        assert elsewhere.heard == []
    finally:
        elsewhere.down()


def test_a_test_says_what_came_back(controller, receiver):
    ran = controller.cli("webhook", "test", "oncall")
    assert ran.returncode == 0 and "oncall took it: 200" in ran.stdout, ran.stderr
    assert receiver.events() == ["test"]
    receiver.down()
    ran = controller.cli("webhook", "test", "oncall")
    assert ran.returncode == 1 and "Connection refused" in ran.stderr
    assert controller.cli("webhook", "test", "oncal").returncode == 3


def test_no_secret_is_in_a_log_a_file_or_an_answer(controller, receiver):
    kill(controller)
    wait_until(lambda: receiver.heard, 10, "the kill")
    receiver.status = 500
    said = [controller.cli("webhook", *words).stdout + controller.cli("webhook", *words).stderr
            for words in (["list"], ["list", "-o", "wide"], ["list", "-o", "json"], ["test", "oncall"])]
    receiver.down()
    turn_on(controller)
    kill(controller)
    wait_until(lambda: controller.call("GET", "/v1/webhooks")["webhooks"][0]["failed"] >= 1, 20, "a try that fails")
    time.sleep(2)
    controller.end()
    files = [path for path in controller.home.rglob("*") if path.is_file() and path.name not in ("secret", "controller.yaml")]
    assert {"log", "control.db", "control.db.webhooks"} <= {path.name for path in files}
    canaries = Canaries()
    canaries.note("secret", SECRET)
    canaries.note("its hash", hashlib.sha256(SECRET.encode()).digest())
    canaries.note("path", "s3cr3t-path")
    canaries.note("query", "s3cr3t-query")
    found = {name: canaries.found_in(data) for name, data in [*enumerate(text.encode() for text in said),
                                                              *((path.name, path.read_bytes()) for path in files)]}
    assert {name: what for name, what in found.items() if what} == {}


def make_certificates(directory, names):
    """An authority, and a receiver's certificate of it."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=directory)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=a test authority", "-days", "1")
    openssl("req", *key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=receiver")
    (directory / "leaf.cnf").write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\n")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "1", "-extfile", "leaf.cnf", "-out",
            "leaf.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "leaf.pem", directory / "leaf.key")
    return context


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_over_tls_the_receiver_proves_its_name(home, version):
    context = make_certificates(home, "DNS:localhost")
    context.maximum_version = context.minimum_version = ssl.TLSVersion[version]
    asked = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    receiver = Receiver(context)
    try:
        with controller_with(home, f"https://localhost:{receiver.port}/", ca_file=str(home / "ca.pem")) as controller:
            ran = controller.cli("webhook", "test", "oncall")
            assert ran.returncode == 0, ran.stderr
            assert asked == ["localhost"]
        with controller_with(home, f"https://127.0.0.1:{receiver.port}/", ca_file=str(home / "ca.pem")) as controller:
            ran = controller.cli("webhook", "test", "oncall")
            assert ran.returncode == 1 and "is not for 127.0.0.1" in ran.stderr
        assert receiver.events() == ["test"]
    finally:
        receiver.down()


def test_a_wrong_configuration_is_told_whole_and_nothing_starts(home):
    (home / "secret").chmod(0o604)
    controller = Controller(home, webhooks=[{"name": "On Call", "url": "http://169.254.169.254/", "secret_file": str(home / "secret")}])
    with pytest.raises(AssertionError):
        controller.start()
    said = (home / "log").read_text()
    assert controller.process.returncode == 2
    assert all(word in said for word in ("name: expected", "169.254.169.254 is a link-local address", "others can read what it keeps")), said
    assert SECRET not in said


def test_nobody_makes_a_webhook_over_the_api(controller):
    for method, path in (("POST", "/v1/webhooks"), ("PUT", "/v1/webhooks/oncall"), ("POST", "/v1/webhooks/other/test")):
        with pytest.raises(Refused) as refused:
            controller.call(method, path, {"name": "other", "url": "http://127.0.0.1:1/"})
        assert refused.value.status in (400, 404, 405)
