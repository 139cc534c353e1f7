"""Mutual TLS between proxies: a service goes up the ladder and back under traffic; nobody notices but who looks at the wire."""
import contextlib
import json
import pathlib
import select
import signal
import socket
import ssl
import struct
import tempfile
import time

import pytest
from lab import Origin, echo, reset, rules_of
from processes import wait_until
from traffic import NewConnections, old_connections
from wire import Wire

PEERS = 7412
SPOKEN = b"what nobody beside the two is to read"
LADDER = ["observe", "permissive", "prefer", "strict"]


@contextlib.contextmanager
def mesh(lab):
    """Both hosts captured, their proxies with identities, the controller on a third."""
    hosts = (lab.client, lab.server)
    before = [rules_of(host) for host in hosts]
    lab.loam.start_controller(lab.second, agents=True)
    try:
        lab.loam.start(lab.client, outbound=True)
        lab.loam.start(lab.server, outbound=False, inbound=True)
        wait_until(lambda: {one["name"] for one in lab.loam.get("/v1/fleet")["proxies"]} >= {"client", "server"}, 40, "both proxies to join")
        yield lab.loam
    finally:
        lab.loam.remove_capture()
        lab.loam.stop_all()
    assert [rules_of(host) for host in hosts] == before


def service_at(loam, port):
    """What the graph calls what listens there, once both proxies were told of it."""
    def found():
        names = {edge["target"] for edge in loam.get("/v1/graph")["edges"] if edge["port"] == port}
        for name in names:
            if all(any(one["name"] == name and any(end.endswith(f":{port}") for end in one["endpoints"])
                       for one in loam.get(f"/v1/fleet/{proxy}/snapshot")["services"]) for proxy in ("client", "server")):
                return name
        return None
    wait_until(found, 60, f"the service at port {port} in both snapshots")
    return found()


def set_mtls(loam, service, stage, *more):
    return loam.cli("flag", "set", service, "mtls", stage, *more, "--reason", "a test", "--accept-risk", "--wait")


@pytest.fixture(scope="module")
def steered(lab):
    """An echo server that both proxies know: (loam, its port, its service)."""
    with lab.new_origin() as origin, mesh(lab) as loam:
        origin.serve(echo)
        with NewConnections(lab.client, (lab.server.address, origin.port), rate=20):
            service = service_at(loam, origin.port)
        yield loam, origin.port, service


def test_up_the_ladder_and_back_nothing_fails_and_the_wire_is_tls(lab, steered):
    loam, port, service = steered
    with NewConnections(lab.client, (lab.server.address, port)) as load, old_connections(lambda: lab.connect(port)), Wire(lab.server) as wire:
        for stage in LADDER:
            set_mtls(loam, service, stage)
            time.sleep(2)
            wire.bytes.clear(), wire.syns.clear()
            opened = load.opened
            time.sleep(2)
            assert load.opened > opened + 100
            through = wire.syns.get(PEERS, 0), wire.syns.get(port, 0)
            assert (through[0] > 100 and through[1] == 0) if stage in ("prefer", "strict") else (through[1] > 100 and through[0] < 10), (stage, through)
            with lab.connect(port) as spoken:
                spoken.sendall(SPOKEN)
                assert spoken.recv(len(SPOKEN)) == SPOKEN
            time.sleep(0.5)
            in_clear = any(SPOKEN in payload for payloads in wire.bytes.values() for payload in payloads)
            assert in_clear == (stage not in ("prefer", "strict")), stage
        for stage in reversed(LADDER[:-1]):
            set_mtls(loam, service, stage)
            time.sleep(1)
        loam.cli("flag", "set", service, "mtls", "off", "--reason", "a test", "--wait")
        time.sleep(2)
    assert load.failures == []


@pytest.fixture
def strict(steered):
    """The echo service where nobody may come in plaintext; off again afterwards."""
    loam, port, service = steered
    for stage in LADDER:
        set_mtls(loam, service, stage)
    yield loam, port, service
    for stage in (*reversed(LADDER[:-1]), "off"):
        set_mtls(loam, service, stage)


def identity_of(loam, host):
    """A TLS context that is the proxy of that host, as its identity file has it, and its own certificate's name."""
    body = next(path for path in (loam.directory / host.name / "identity").iterdir()).read_text().split("\n", 1)[1]
    kept = json.loads(body)
    with tempfile.TemporaryDirectory() as directory:
        chain, key = pathlib.Path(directory, "chain.pem"), pathlib.Path(directory, "key.pem")
        chain.write_text(kept["chain"])
        key.write_text(kept["key"])
        context = ssl.create_default_context(cadata="".join(kept["trust"]["roots"]))
        context.check_hostname = False
        context.load_cert_chain(chain, key)
    return context


def preface(client, destination, question=False):
    """PROXY protocol, version 2, over IPv4."""
    (source, source_port), (target, port) = client, destination
    body = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!HH", source_port, port) + (b"\xe0\x00\x00" if question else b"")
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack("!H", len(body)) + body


def ask_peer(lab, context, destination, first=b"", **how):
    """What the server's proxy answers to a preface from the second host, and what follows."""
    with lab.second.inside():
        plain = socket.create_connection((lab.server.address, PEERS), timeout=10)
    with context.wrap_socket(plain) as tls:
        tls.sendall(preface(tls.getsockname(), destination, **how) + first)
        return b"".join(iter(lambda: tls.recv(4096), b"") if not first else [tls.recv(1), tls.recv(len(first))])


def test_the_port_for_proxies_reaches_nothing_but_what_the_snapshot_names(lab, strict):
    loam, port, _ = strict
    context = identity_of(loam, lab.client)
    assert ask_peer(lab, context, (lab.server.address, port), question=True) == b"\0"
    assert ask_peer(lab, context, (lab.server.address, port), b"hello") == b"\0hello"
    with lab.new_origin() as unknown:
        for target in ((lab.server.address, unknown.port), (lab.server.address, 22), (lab.server.address, PEERS), ("127.0.0.1", port),
                       (lab.client.address, port), (lab.second.address, 7401)):
            assert ask_peer(lab, context, target) == b"\1", target
            assert ask_peer(lab, context, target, question=True) == b"\1", target
        assert not select.select([unknown.listener], [], [], 0)[0], "it was dialled"


def test_who_is_no_proxy_of_the_mesh_gets_nothing(lab, strict):
    """Without a certificate, or in plaintext: not one byte reaches the application, and nothing is answered but an alert."""
    loam, port, _ = strict
    nobody = ssl._create_unverified_context()
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED|certificate required"):
        ask_peer(lab, nobody, (lab.server.address, port))
    with lab.second.inside():
        plain = socket.create_connection((lab.server.address, PEERS), timeout=10)
    with plain:
        plain.sendall(preface(plain.getsockname(), (lab.server.address, port)) + b"hello")
        with contextlib.suppress(ConnectionResetError):
            assert len(b"".join(iter(lambda: plain.recv(4096), b""))) <= 7  # an alert at most


def refused_in_clear(lab, port):
    """A client on a host without a proxy is cut, or not let in at all; an orderly end would be no refusal."""
    with lab.second.inside(), pytest.raises((ConnectionResetError, ConnectionRefusedError)), \
            socket.create_connection((lab.server.address, port), timeout=5) as plain:
        plain.sendall(b"hello")
        assert plain.recv(1), "an end is no refusal"


def test_d5_strict_refuses_plaintext_and_sends_none(lab, strict):
    """A client without a proxy is cut before the application hears of it; a caller whose peer is gone is cut too, and nothing goes out in clear."""
    loam, port, _ = strict
    refused_in_clear(lab, port)
    with lab.connect(port) as through:
        through.sendall(b"x")
        assert through.recv(1) == b"x"
    loam.table.signal("proxy-server", signal.SIGSTOP)
    try:
        with Wire(lab.server) as wire, contextlib.suppress(OSError), lab.connect(port, timeout=12) as cut:
            cut.sendall(b"in clear?")
            assert cut.recv(1) == b""
        assert port not in wire.bytes
    finally:
        loam.table.signal("proxy-server", signal.SIGCONT)
    wait_until(lambda: loam.captures(lab.server), 15, "capture")


def reset_hello(connection):
    """A peer that means no good: takes the ClientHello and cuts."""
    connection.recv(4096)
    reset(connection)


def fallbacks(loam, service):
    """Why connections of its edges went on in plaintext, and how many."""
    reasons = [reason for edge in loam.get("/v1/edges?from=-2m")["edges"] if edge["target"] == service for reason in edge["security"]["reasons"]]
    return {reason["state"]: reason["connections"] for reason in reasons}


def test_prefer_falls_back_when_the_peer_is_gone_and_comes_back(lab, steered):
    """Gone, and then somebody else in its place who cuts every handshake: each fallback is on its edge, with why."""
    loam, port, service = steered
    for stage in LADDER[:-1]:
        set_mtls(loam, service, stage)
    with NewConnections(lab.client, (lab.server.address, port), timeout=3) as load:
        time.sleep(1)
        loam.table.signal("proxy-server", signal.SIGKILL)
        loam.table.stop(["proxy-server"])
        gone = time.monotonic()
        time.sleep(4)
        with Wire(lab.server) as wire:
            time.sleep(1)
        assert wire.syns.get(port, 0) > 50, "directly, in plaintext"
        wait_until(lambda: fallbacks(loam, service).get("no_proxy", 0) > 50, 20, "the fallbacks on their edge")
        with Origin(lab.server, lab.server.address, PEERS).serve(reset_hello):
            wait_until(lambda: fallbacks(loam, service).get("handshake_failed", 0) > 50, 20, "the fallbacks by another word")
        loam.start_proxy(lab.server)
        def secured():
            with Wire(lab.server) as look:
                time.sleep(0.5)
            return look.syns.get(PEERS, 0) > 20 and look.syns.get(port, 0) == 0
        wait_until(secured, 30, "mutual TLS again")
    late = [failure for failure in load.failed_since(gone) if failure[0] > 0.2]
    assert late == [], "nobody waited for a peer that is not there"
    for stage in (*reversed(LADDER[:-2]), "off"):
        set_mtls(loam, service, stage)


def test_strict_stays_closed_when_proxy_and_guard_die(lab, strict):
    """Each alone and both, by SIGKILL; what was closed is closed again after they came back, and relays."""
    loam, port, _ = strict

    def kill(name):
        loam.table.signal(name, signal.SIGKILL)
        loam.table.stop([name])
    kill("proxy-server")
    time.sleep(0.5)
    refused_in_clear(lab, port)
    kill("guard-server")
    time.sleep(4)
    refused_in_clear(lab, port)
    loam.start_guard(lab.server)
    refused_in_clear(lab, port)
    loam.start_proxy(lab.server)

    def relays():
        with contextlib.suppress(OSError), lab.connect(port, timeout=6) as again:
            again.sendall(b"x")
            return again.recv(1) == b"x"
        return False
    wait_until(relays, 30, "mutual TLS again")
    refused_in_clear(lab, port)


def test_d12_a_revoked_proxy_is_cut_off(lab, steered):
    """New connections within 5 s, live ones too."""
    loam, port, service = steered
    for stage in LADDER:
        set_mtls(loam, service, stage)
    with lab.connect(port) as live:
        live.sendall(b"x")
        assert live.recv(1) == b"x"
        loam.cli("identity", "revoke", "client", "--reason", "a test")
        live.settimeout(6)
        with pytest.raises(ConnectionResetError):
            while live.recv(1):
                pass
    with pytest.raises(OSError):
        with lab.connect(port, timeout=6) as again:
            again.sendall(b"x")
            assert again.recv(1) == b"x", "ended"
            pytest.fail("a revoked proxy was let in")
