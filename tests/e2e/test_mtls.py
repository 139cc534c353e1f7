"""Mutual TLS between proxies: a service goes up the ladder and back under traffic; nobody notices but who looks at the wire."""
import contextlib
import socket
import struct
import threading
import time

import pytest
from lab import echo, reset, rules_of
from processes import wait_until
from traffic import NewConnections, old_connections

PEERS = 7412
LADDER = ["observe", "permissive", "prefer", "strict"]


class Wire:
    """What comes to a host from others: for each of its ports the bytes of TCP, read from a packet socket."""

    def __init__(self, host):
        self.bytes, self.syns = {}, {}
        with host.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
        self.socket.settimeout(0.2)
        self.closing = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.closing:
            with contextlib.suppress(TimeoutError):
                packet, (device, _, kind, *_) = self.socket.recvfrom(65536)
                if device != "lo" and kind == socket.PACKET_HOST and packet[9] == socket.IPPROTO_TCP:
                    self._take(packet)

    def _take(self, packet):
        head = (packet[0] & 15) * 4
        port, flags = struct.unpack_from("!H", packet, head + 2)[0], packet[head + 13]
        payload = packet[head + (packet[head + 12] >> 4) * 4:struct.unpack_from("!H", packet, 2)[0]]
        if flags & 0x12 == 2:
            self.syns[port] = self.syns.get(port, 0) + 1
        if payload:
            self.bytes.setdefault(port, []).append(payload)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closing = True
        self.thread.join(5)
        self.socket.close()


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
    return loam.cli("flag", "set", service, "mtls", stage, *more, "--reason", "a test", "--wait")


@pytest.fixture(scope="module")
def steered(lab):
    """An echo server that both proxies know: (loam, its port, its service)."""
    with lab.new_origin() as origin, mesh(lab) as loam:
        origin.serve(echo)
        with NewConnections(lab.client, (lab.server.address, origin.port), rate=20):
            service = service_at(loam, origin.port)
        yield loam, origin.port, service


def back(loam, service):
    loam.cli("flag", "kill", f"{service}/mtls", "--reason", "a test", "--wait")


def test_up_the_ladder_and_back_nothing_fails_and_the_wire_is_tls(lab, steered):
    loam, port, service = steered
    seen = set()
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
            seen.add(stage)
            for payload in wire.bytes.get(PEERS, []):
                assert b"x" * 20 not in payload
        for stage in reversed(LADDER[:-1]):
            set_mtls(loam, service, stage)
            time.sleep(1)
        loam.cli("flag", "set", service, "mtls", "off", "--reason", "a test", "--wait")
        time.sleep(2)
    assert load.failures == []
    assert len(seen) == 4
