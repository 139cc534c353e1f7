"""Certificates and roots that change under load: no connection fails, and what is new is in use within five seconds."""
import contextlib
import json
import socket
import ssl
import subprocess
import threading
import time

import pytest
from clocks import DAY, clocked_mesh, peers_of
from lab import echo
from processes import wait_until
from test_changes import cli
from test_mtls import LADDER, PEERS, service_at, set_mtls
from traffic import NewConnections, old_connections

SOON = 5  # seconds (D6)
STATES = ["both_trusted", "new_issues", "retiring", "steady"]


def leaf_at(lab):
    """The serial of the certificate that the server's proxy shows to whoever shakes hands with it."""
    context = ssl._create_unverified_context()
    with lab.second.inside():
        plain = socket.create_connection((lab.server.address, PEERS), timeout=5)
    with contextlib.closing(plain), context.wrap_socket(plain, do_handshake_on_connect=False) as tls:
        tls.do_handshake()  # of TLS 1.3: the server has shown its own before it asks for ours
        der = tls.getpeercert(binary_form=True)
    shown = subprocess.run(["openssl", "x509", "-inform", "der", "-noout", "-serial"], input=der, capture_output=True, check=True).stdout
    return shown.decode().strip().partition("=")[2].lower()


class Issued(threading.Thread):
    """When each proxy's newest certificate was issued, as the controller tells: {name: (serial, time.monotonic())}."""

    def __init__(self, loam):
        super().__init__(daemon=True)
        self.loam, self.newest, self.ending = loam, {}, False

    def run(self):
        while not self.ending:
            for one in self.loam.get("/v1/identity/certificates")["certificates"]:
                if not one["superseded"] and self.newest.get(one["name"], ("",))[0] != one["serial"]:
                    self.newest[one["name"]] = (one["serial"], time.monotonic())
            time.sleep(0.05)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ending = True
        self.join(5)

    def has_changed(self, before):
        return all(self.newest.get(name, ("",))[0] not in ("", serial) for name, serial in before.items())

    def serials(self):
        return {name: serial for name, (serial, _) in self.newest.items()}


def in_use(lab, port):
    """What each proxy shows in a handshake of this moment: to the other, by a connection made for it, and the server's to a stranger too."""
    with lab.connect(port) as made:
        made.sendall(b"x")
        assert made.recv(1) == b"x"
        client = "{}:{}".format(*made.getsockname())
        shown = {"client": peers_of(lab.server).get(client), "server": peers_of(lab.client).get(client)}
    return shown if leaf_at(lab) == shown["server"] else {}


def wait_for_new(lab, port, issued):
    """The newest certificates are what both show; for each of them the seconds that took."""
    took = {}

    def all_new():
        shown = in_use(lab, port)
        for name, (serial, since) in issued.newest.items():
            if shown.get(name) == serial:
                took.setdefault((name, serial), time.monotonic() - since)
        return shown == issued.serials()
    wait_until(all_new, 20, "the new certificates in handshakes")
    return {name: took[name, serial] for name, serial in issued.serials().items()}


@pytest.fixture(scope="module")
def strict(lab):
    """A strict echo service under load, old connections and new ones; none of them may fail to the end."""
    with lab.new_origin() as origin, clocked_mesh(lab) as (loam, clocks):
        origin.serve(echo)
        with NewConnections(lab.client, (lab.server.address, origin.port), rate=20):
            service = service_at(loam, origin.port)
        for stage in LADDER:
            set_mtls(loam, service, stage)
        with NewConnections(lab.client, (lab.server.address, origin.port)) as load, old_connections(lambda: lab.connect(origin.port)):
            with Issued(loam) as issued:
                wait_until(lambda: set(issued.serials()) == {"client", "server"} and in_use(lab, origin.port) == issued.serials(), 20, "the first certificates in use")
                yield loam, clocks, (service, origin.port), issued, load
        assert load.failures == []


def test_d6_a_leaf_that_is_renewed_is_in_use_within_five_seconds(lab, strict):
    loam, clocks, (service, port), issued, load = strict
    before, opened = issued.serials(), load.opened
    clocks.advance(int(4.5 * DAY), "loam-controller")  # beyond half of their lives: their proxies do not know yet
    checks = json.loads(cli(loam, "doctor", "-o", "json")[1])["checks"]
    [check] = [one for one in checks if one["id"] == "LD-0210"]
    assert check["verdict"] == "warn" and check["measured"] == "client has 2d left, server has 2d left"
    clocks.advance(int(4.5 * DAY), "proxy-client", "proxy-server")
    for stage in ("sampled", "on"):  # what proxies are told ends the question that they wait in
        loam.cli("flag", "set", service, "observe", stage, "--reason", "a test", "--wait")
    wait_until(lambda: issued.has_changed(before), 40, "both certificates renewed")
    took = wait_for_new(lab, port, issued)
    assert max(took.values()) < SOON, took
    wait_until(lambda: load.opened > opened + 200, 20, "more connections")
    assert load.failures == []


def test_d6_a_root_changes_in_four_steps_and_no_connection_fails(lab, strict):
    """D8 beside it: one host's clock is five minutes behind the controller's, the other's as much ahead."""
    loam, clocks, (_, port), issued, load = strict
    clocks.advance(-290, "proxy-client")
    clocks.advance(290, "proxy-server")
    root = loam.get("/v1/identity")["rotation"]["issuing"]
    for step, state in zip(("begin", "advance", "advance", "advance"), STATES):
        before, opened = issued.serials(), load.opened
        loam.cli("identity", "rotate", step, "--wait", "--timeout", "60", "--reason", "a test")
        assert loam.get("/v1/identity")["rotation"]["state"] == state
        if state == "new_issues":
            wait_until(lambda before=before: issued.has_changed(before), 5, "a leaf of the new root for whoever has followed")
            took = wait_for_new(lab, port, issued)
            assert max(took.values()) < SOON, took
        wait_until(lambda opened=opened: load.opened > opened + 200, 20, "connections in this state")
        assert in_use(lab, port) == issued.serials() and load.failures == [], state
    after = loam.get("/v1/identity")
    assert after["rotation"]["issuing"] != root and [one["sha256"] for one in after["roots"]] == [after["rotation"]["issuing"]]


def test_d6_a_live_connection_outlives_the_certificates_that_it_began_with(lab, strict):
    """Those of before the renewal and before the new root still exchange (the fixture sees to it), under the serials of then."""
    _, _, _, issued, _ = strict
    for name, other in (("server", lab.client), ("client", lab.server)):
        old = [serial for serial in peers_of(other).values() if serial != issued.serials()[name]]
        assert len(old) >= 10 and len(set(old)) == 1, (name, old)
