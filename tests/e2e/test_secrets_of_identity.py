"""Who may be part of the mesh is proven by secrets (E10, D11): each is in the one file that is meant to hold it, and in nothing else that Loam wrote or says."""
import contextlib
import http.client
import json
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import urllib.parse

import pytest
import yaml
from agent_proxy import Proxy, echo_server, in_effect
from agents import KEY, Agent, Controller, Refused, free_port
from canaries import Canaries, ask, files_below
from loam import UnixConnection
from processes import wait_until

OPENAPI = pathlib.Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
QUERIES = {"/v1/graph/diff": ["from_a=-10m&to_a=-5m&from_b=-5m&to_b=-1s"], "/v1/audit": ["most=10000", "most=10000&format=csv"],
           "/v1/events": ["after=0"], "/v1/explain": ["client=127.0.0.1&destination={name}"], "/v1/progress": ["service=*&revision=1"], "/v1/graph/export": [f"from=-10m&format={form}" for form in
                                                           ("json", "dot", "mermaid", "graphml", "cytoscape", "csv", "ndjson", "openmetrics")]}


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, text=True).stdout


def scalar_of(pem):
    """The 32 bytes that a private key of P-256 is."""
    text = subprocess.run(["openssl", "pkey", "-noout", "-text"], input=pem, check=True, capture_output=True, text=True).stdout
    digits = re.search(r"priv:(.*?)pub:", text, re.DOTALL)[1]
    return bytes.fromhex(re.sub(r"[\s:]", "", digits))[-32:].rjust(32, b"\0")


def make_signed(directory, name, issuer, extensions):
    """A key and a certificate below `issuer`, or of its own where that is None; in PEM."""
    key, request, certificate, terms = (directory / f"{name}.{end}" for end in ("key", "csr", "pem", "ext"))
    terms.write_text(extensions)
    openssl(*KEY[1:], "-keyout", key, "-out", request, "-subj", f"/CN={name}")
    key.chmod(0o600)
    by = ["-signkey", key] if issuer is None else ["-CA", directory / f"{issuer}.pem", "-CAkey", directory / f"{issuer}.key", "-CAcreateserial"]
    openssl("x509", "-req", "-in", request, "-out", certificate, "-days", "3000", "-extfile", terms, *by)
    return key, certificate


@pytest.fixture
def home():
    made = pathlib.Path(tempfile.mkdtemp(prefix="loam-secrets-", dir="/var/tmp"))
    yield made
    shutil.rmtree(made)


class Mesh:
    """A controller with an authority and HTTPS, proxies that join, and every secret that is about them. `meant` says for each file that may
    hold secrets which, by its path below the home."""

    def __init__(self, home, authority):
        self.home, self.canaries, self.meant, self.said = home, Canaries(), {}, []
        config = {"passphrase": self.brought_authority, "key file": dict}[authority]()
        key, certificate = make_signed(self.below("https"), "api", None,
                                       "subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\n")
        self.holds(key, "key of HTTPS", scalar_of(key.read_text()))
        self.https = free_port()
        self.controller = Controller(home, listen=f"127.0.0.1:{self.https}", tls={"certificate": str(certificate), "key": str(key)}, **config)
        self.proxies = []

    def below(self, name):
        (self.home / name).mkdir(exist_ok=True)
        return self.home / name

    def holds(self, path, what, secret):
        self.canaries.note(what, secret)
        self.meant[str(path.relative_to(self.home))] = [what]

    def brought_authority(self):
        """An intermediate of another authority, whose key is then known to the test, and a passphrase."""
        directory = self.below("brought")
        authority = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
        root_key, root = make_signed(directory, "root", None, authority)
        key, certificate = make_signed(directory, "intermediate", "root", authority)
        root_key.unlink()
        self.holds(key, "key of the intermediate", scalar_of(key.read_text()))
        passphrase = directory / "passphrase"
        passphrase.write_text(self.canaries.new("passphrase") + "\n")
        passphrase.chmod(0o600)
        self.meant["brought/passphrase"] = ["passphrase"]
        return {"authority": {"passphrase_file": str(passphrase), "intermediate": str(certificate), "root": str(root), "key": str(key)}}

    def start(self):
        self.controller.start()
        sealing = self.home / "authority" / "sealing.key"
        if sealing.exists():
            self.holds(sealing, "what seals the keys", sealing.read_text().strip())
        return self

    def ask(self, method, path, body=None, token=None):
        status, answer = ask(self.home / "run" / "controller.sock", method, path, body, token)
        return status, json.loads(answer) if answer.startswith(b"{") else answer

    def token(self, what, name):
        made = self.controller.token(name, life="5m")
        self.canaries.note(f"join token {what}", made["secret"][len("loam-join-"):])
        return made

    def proxy(self, name, token, what, to):
        made = Proxy(self.controller, name, to)
        made.give(token)
        made.token_file.chmod(0o600)
        self.meant[f"{name}/token"] = [f"join token {what}"]
        self.proxies.append(made)
        return made.start()

    def end(self):
        for proxy in self.proxies:
            proxy.end()
        self.controller.end(signal.SIGKILL)


def join_in_every_way(mesh, aside, to):
    """Tokens that are used, refused, dropped and left alone."""
    good = mesh.proxy("node-a", mesh.token("used", "node-a"), "used", to)
    wait_until(lambda: in_effect(mesh.controller, good), 20, "its snapshot in effect")
    key = json.loads((good.home / "identity" / "current").read_text().splitlines()[1])["key"]
    mesh.holds(good.home / "identity" / "current", "key of a proxy", scalar_of(key))
    wrong = mesh.canaries.new("join token wrong")
    refused = mesh.proxy("node-b", {"secret": f"loam-join-{wrong}"}, "wrong", to)
    wait_until(lambda: "refuses the join token" in refused.log(), 20, "the refusal")
    left = mesh.token("unused", "node-c")
    stranger = Agent(mesh.controller, "node-d", aside)
    with pytest.raises(Refused) as caught:
        stranger.join(left)  # another's
    mesh.said.append(caught.value.body.encode())
    assert mesh.ask("DELETE", f"/v1/identity/tokens/{mesh.token('dropped', 'node-e')['id']}")[0] == 204
    for proxy in mesh.proxies:
        assert proxy.relays()
    return left["id"]


def use_api_tokens(mesh):
    """One that is good, one revoked, one wrong, over the socket and HTTPS; made with an Idempotency-Key, whose answers are kept."""
    ids = []
    for name in ("good", "revoked"):
        with contextlib.closing(UnixConnection(mesh.home / "run" / "controller.sock")) as connection:
            connection.request("POST", "/v1/tokens", json.dumps({"name": name, "role": "admin"}),
                               {"Content-Type": "application/json", "Idempotency-Key": name})
            made = json.loads(connection.getresponse().read())
        mesh.canaries.note(f"API token {name}", made["secret"][len("loam-token-"):])
        ids.append(made["id"])
        assert mesh.ask("GET", "/v1/whoami", token=made["secret"])[0] == 200
        context = ssl.create_default_context(cafile=mesh.home / "https" / "api.pem")
        with contextlib.closing(http.client.HTTPSConnection("localhost", mesh.https, context=context, timeout=10)) as connection:
            connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {made['secret']}"})
            mesh.said.append(connection.getresponse().read())
    assert mesh.ask("DELETE", f"/v1/tokens/{ids[1]}")[0] == 204
    for token in (made["secret"], mesh.canaries.new("API token wrong")):
        status, answer = mesh.ask("GET", "/v1/whoami", token=token)
        assert status == 401
        mesh.said.append(json.dumps(answer).encode())
    return ids


def concrete_routes(mesh):
    """Every GET of docs/openapi.yaml with things that are there in the place of its parameters."""
    service = mesh.ask("GET", "/v1/services?from=-10m")[1]["services"][0]["name"]
    body = {"reason": "a test", "edits": [{"service": "*", "feature": "observe", "stage": "off"}]}
    status, change = mesh.ask("POST", "/v1/changes", body)
    assert status == 201, change
    names = {"name": service, "service": "*", "feature": "observe", "id": change["id"], "proxy": "node-a"}
    names = {name: urllib.parse.quote(value, safe="") for name, value in names.items()}
    for path, methods in yaml.safe_load(OPENAPI.read_text())["paths"].items():
        if "get" in methods:
            yield from ((path + query).format(**names) for query in ["?" + query for query in QUERIES.get(path, [])] or [""])


def read(mesh, path):
    """The answer of one route; of one that does not end, what it says at first."""
    with contextlib.closing(UnixConnection(mesh.home / "run" / "controller.sock")) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        known = answer.status == 200 or (answer.status == 404 and ("/services/%2A/" in path or path.startswith("/v1/explain?")))  # of one service only; of a host that has no proxy for it
        assert known, (path, answer.read())
        if not path.startswith("/v1/events"):
            return answer.read()
        connection.sock.settimeout(2)
        parts = []
        with contextlib.suppress(TimeoutError):
            while part := answer.read1():
                parts.append(part)
        assert parts
        return b"".join(parts)


def admin(proxy, path):
    with socket.create_connection(("127.0.0.1", proxy.admin), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def assert_only_where_meant(mesh):
    found = {str(path.relative_to(mesh.home)): mesh.canaries.found_in(path.read_bytes()) for path in files_below(mesh.home)}
    assert {path: what for path, what in found.items() if what} == mesh.meant
    assert {"control.db", "graph.db", "log", "backup.db", "node-a/log", "node-a/snapshot.0", "node-a/spool.db"} <= found.keys()
    keys = {path for path in found if b"PRIVATE KEY" in (mesh.home / path).read_bytes()}
    assert keys == {path for path, (what,) in mesh.meant.items() if what.startswith("key of")}
    private = [*mesh.meant, "backup.db", *(path for path in found if path.startswith("authority/"))]
    assert {path: (mesh.home / path).stat().st_mode & 0o777 for path in private} == {path: 0o600 for path in private}
    assert [what for text in mesh.said for what in mesh.canaries.found_in(text)] == []


@pytest.mark.parametrize("authority", ["passphrase", "key file"])
def test_secrets_of_identity_are_where_they_are_meant_to_be(home, tmp_path, authority):
    mesh = Mesh(home, authority)
    with echo_server() as to:
        try:
            mesh.start()
            spare = join_in_every_way(mesh, tmp_path, to)
            ids = use_api_tokens(mesh)
            wait_until(lambda: mesh.ask("GET", "/v1/services?from=-10m")[1]["services"], 30, "a service in the record")
            backup = mesh.controller.cli("backup", str(home / "backup.db"))
            assert backup.returncode == 0, backup.stderr
            kept = (home / "backup.db").read_bytes()
            assert all(id.encode() in kept for id in [spare, *ids]), "what is not in the backup cannot be missed there"
            mesh.said.extend(read(mesh, path) for path in concrete_routes(mesh))
            mesh.said.extend(admin(proxy, path) for proxy in mesh.proxies for path in ("/metrics", "/readyz", "/connections", "/healthz"))
            assert_only_where_meant(mesh)  # as it is while all runs
            mesh.controller.end()
            assert_only_where_meant(mesh)
        finally:
            mesh.end()
    assert len(mesh.canaries.secrets) == {"passphrase": 11, "key file": 10}[authority]
