"""Agents of other hosts in Python, and a real controller with a port for them: a second reading of what proxies and controller agreed on."""
import _ssl
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess

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
    """loam-controller with an agents' port, in a home of its own, with the keys of `config`; people ask over its socket."""

    def __init__(self, home, **config):
        self.home, self.port, self.process = pathlib.Path(home), free_port(), None
        self.config = self.home / "controller.yaml"
        self.config.write_text(json.dumps(config))

    def start(self):
        log = open(self.home / "log", "a")
        self.process = subprocess.Popen([programs() / "loam-controller", "--config", self.config, "--agents", f"127.0.0.1:{self.port}"],
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
        assert names == (("URI", "spiffe://loam/controller/controller"),)
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
