"""What is nobody's business is nowhere (E10): secrets go through all that Loam sees and takes, then every byte that it wrote or says is searched."""
import base64
import contextlib
import http.client
import json
import subprocess
import time
import urllib.parse

import pytest
from canaries import Canaries, ask, files_below
from conftest import loam_in
from counting import Drive, callers
from loam import programs
from processes import wait_until

READ = ["/v1/graph?from=-10m", "/v1/edges?from=-10m", "/v1/services?from=-10m", "/v1/proxies", "/v1/fleet", "/v1/flags", "/v1/changes",
        "/v1/freezes", "/v1/audit?most=10000", "/v1/audit?most=10000&format=csv", "/v1/users", "/v1/tokens", "/v1/whoami", "/metrics",
        *(f"/v1/graph/export?from=-10m&format={form}" for form in ("json", "dot", "mermaid", "graphml", "cytoscape", "csv", "ndjson", "openmetrics"))]


def send_http(lab, canaries):
    """One request with a secret in every place that HTTP has, and an answer that sets a cookie."""
    headers = {"Authorization": f"Bearer {canaries.new('Authorization')}", "Cookie": f"session={canaries.new('Cookie')}",
               "X-Api-Key": canaries.new("X-Api-Key"), "Proxy-Authorization": "Basic " + base64.b64encode(canaries.new("Basic").encode()).decode(),
               "Content-Type": "application/json"}
    path = f"/orders/1?access_token={canaries.new('query value')}&page=2"
    body = json.dumps({"password": canaries.new("request body")})
    with lab.client.inside():
        connection = http.client.HTTPConnection(lab.server.address, 8080, timeout=10)
        connection.connect()
    with contextlib.closing(connection):
        for method, what in (("GET", None), ("POST", body)):
            connection.request(method, path, what, headers)
            connection.getresponse().read()


def send_answer(lab, canaries):
    """A response with a secret in its cookie and body."""
    origin = lab.origin()
    connection = lab.connect(origin.port)
    with connection:
        connection.sendall(b"GET /login HTTP/1.1\r\nHost: a\r\n\r\n")
        served, _ = origin.accept()
        with served:
            served.recv(4096)
            body = canaries.new("response body").encode()
            served.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: id=" + canaries.new("Set-Cookie").encode() +
                           b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            connection.recv(4096)


def send_to_databases(lab, canaries):
    """Literals of SQL, in good statements and in one that the server quotes in its error; a value and a password of Redis."""
    with lab.client.inside():
        made = callers(lab)
        for edge in made.values():
            edge.connect()
    redis = made[6379].connection
    for words in (["SET", "basket", canaries.new("Redis value")], ["GET", canaries.new("Redis key")], ["AUTH", canaries.new("Redis password")]):
        redis.send_command(*words)
        with contextlib.suppress(Exception):  # the driver's own word for a refused AUTH
            redis.read_response()
    for port in (5432, 3306):
        name = {5432: "PostgreSQL", 3306: "MariaDB"}[port]
        cursor = made[port].cursor
        cursor.execute("select %s", (canaries.new(f"{name} literal"),))
        with contextlib.suppress(Exception):  # each driver has its own
            cursor.execute(f"select '{canaries.new(f'{name} wrong statement')}' from nothing_here")
    for edge in made.values():
        edge.close()


def use_the_controller(loam, canaries):
    """Tokens that are good, revoked and wrong, in every place that somebody may put one by mistake."""
    said = []
    for name in ("good", "revoked"):
        status, body = ask(loam.controller_socket, "POST", "/v1/tokens", {"name": name, "role": "operator"})
        assert status == 201
        made = json.loads(body)
        canaries.note(f"{name} token", made["secret"][len("loam-token-"):])
        said.append(ask(loam.controller_socket, "GET", "/v1/whoami", token=made["secret"])[1])
        if name == "revoked":
            assert ask(loam.controller_socket, "DELETE", f"/v1/tokens/{made['id']}")[0] == 204
            said.append(ask(loam.controller_socket, "GET", "/v1/whoami", token=made["secret"])[1])
    for place in ("wrong token", "wrong scheme"):
        secret = canaries.new(place)
        said.append(ask(loam.controller_socket, "GET", "/v1/flags", token=secret if place == "wrong token" else f"x {secret}")[1])
    said.append(ask(loam.controller_socket, "GET", f"/v1/healthz?token={canaries.new('token in a query')}")[1])
    said.append(ask(loam.controller_socket, "POST", "/v1/users", {"name": "ada", "role": "admin", "password": canaries.new("unknown member")})[1])
    typed = canaries.new("token of the environment")
    ran = subprocess.run([programs() / "loam", "whoami"], env={**loam.cli_environment(), "LOAM_TOKEN": typed}, capture_output=True, check=False)
    assert ran.returncode == 9
    return said + [ran.stdout, ran.stderr]


def seen(loam, port):
    return any(edge["port"] == port and edge["requests"] for edge in loam.get("/v1/graph", **{"from": "-10m"})["edges"])


@pytest.mark.parametrize("side", ["both"])
def test_secrets_are_nowhere(lab, side):
    canaries = Canaries()
    with loam_in(lab, side) as loam:
        Drive(lab.client, callers(lab), calls=10).finish()
        send_http(lab, canaries)
        send_answer(lab, canaries)
        send_to_databases(lab, canaries)
        said = use_the_controller(loam, canaries)
        for port in (8080, 5432, 3306, 6379):
            wait_until(lambda port=port: seen(loam, port), 30, f"port {port} in the graph")
        time.sleep(3)  # a report more
        for path in READ:
            status, body = ask(loam.controller_socket, "GET", path)
            assert status == 200, path
            said.append(body)
        for name in [service["name"] for service in json.loads(ask(loam.controller_socket, "GET", "/v1/services?from=-10m")[1])["services"]]:
            said.append(ask(loam.controller_socket, "GET", f"/v1/services/{urllib.parse.quote(name, safe='')}?from=-10m")[1])
        for proxy in loam.get("/v1/fleet")["proxies"]:
            said.append(ask(loam.controller_socket, "GET", f"/v1/fleet/{proxy['name']}/snapshot")[1])
        logs = [lab.table.log(name).encode() for name in lab.table.entries if name.startswith(("proxy-", "guard-", "loam-controller"))]
        files = files_below(loam.directory)
        assert len(files) > 5 and any(path.name == "control.db" for path in files) and any(path.name == "graph.db" for path in files)
        found = {str(path.relative_to(loam.directory)): canaries.found_in(path.read_bytes()) for path in files}
        assert {path: what for path, what in found.items() if what} == {}
        assert [what for text in said for what in canaries.found_in(text)] == []
        assert logs and [what for text in logs for what in canaries.found_in(text)] == []
    assert len(canaries.secrets) > 20


def test_the_search_finds_what_it_looks_for():
    """The control: a secret is found in each form that is looked for, and not in what is like it."""
    canaries = Canaries()
    secret = canaries.new("x").encode()
    for data in (secret, secret.upper(), secret.hex().encode(), b"\0" + secret + b"\xff",
                 *(base64.b64encode(b"a" * shift + secret + b"tail") for shift in range(3))):
        assert canaries.found_in(data) == ["x"], data
    assert canaries.found_in(secret[:-1]) == []
    broken = base64.b64encode(b"key: " + secret)
    for line_end in (b"\n", b"\\n"):
        assert canaries.found_in(broken[:16] + line_end + broken[16:]) == ["x"]
    canaries.note("bytes", bytes(range(0xE0, 0x100)))
    assert canaries.found_in(base64.urlsafe_b64encode(bytes(range(0xDF, 0x100)))) == ["bytes"]
