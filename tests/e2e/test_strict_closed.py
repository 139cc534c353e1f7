"""Endpoints of a strict service stay closed to plaintext when the proxy, the guard or both are dead; everything else goes direct."""
import contextlib
import json
import os
import signal
import socket
import struct
import time

import pytest
from conftest import loam_in
from lab import echo, rules_of
from processes import wait_until

VERSION, KEEP_CLOSED, LAST = 4, 8, 0


def packed(address):
    """An address as the guard's protocol has it: 16 bytes, IPv4 mapped."""
    return socket.inet_pton(socket.AF_INET6, address if ":" in address else f"::ffff:{address}")


def keep_closed(path, endpoints):
    """Says to a guard that no proxy is attached to what is to be closed: (address, port) each, from whomever."""
    ways = b"".join(packed(address) + struct.pack(">H", port) + bytes(16) for address, port in endpoints)
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)) as guard:
        guard.settimeout(10)
        guard.connect(str(path))
        guard.send(struct.pack(">BBI", VERSION, KEEP_CLOSED, len(endpoints)) + ways + b"\0")
        assert guard.recv(65536) == bytes([LAST, 1])


class Strict:
    """A closed and an open echo server on the captured host."""

    def __init__(self, lab, loam, closed, other):
        self.lab, self.loam, self.closed, self.other = lab, loam, closed, other
        self.home = loam.directory / lab.server.name

    def close(self):
        keep_closed(self.home / "run" / "guard.sock", [(self.lab.server.address, self.closed), (self.lab.server.address6, self.closed)])

    def forget_controller(self):
        """A proxy that is told of services says itself what is to be closed: this one is not."""
        file = self.home / "proxy.yaml"
        file.write_text(json.dumps({key: value for key, value in json.loads(file.read_text()).items() if key != "controller"}))

    def kill(self, program):
        os.kill(self.loam.table.pid(f"{program}-{self.lab.server.name}"), signal.SIGKILL)

    def command(self, *words):
        return self.lab.server.run("env", f"LOAM_HOME={self.home}", str(self.loam.proxy_service(self.lab.server).argv[0].with_name("loam")), *words)

    def relays(self):
        return all(self.answers(self.closed, family) for family in ("IPv4", "IPv6"))

    def answers(self, port, family):
        with self.lab.connect(port, family) as connection:
            connection.sendall(b"x")
            return connection.recv(1) == b"x"

    def assert_closed(self):
        for family in ("IPv4", "IPv6"):
            start = time.monotonic()
            with pytest.raises(ConnectionRefusedError):
                self.lab.connect(self.closed, family)
            assert time.monotonic() - start < 0.5
            assert self.answers(self.other, family)
        with self.lab.server.inside(), socket.create_connection((self.lab.server.address, self.closed), timeout=5) as local:
            local.sendall(b"x")
            assert local.recv(1) == b"x"


@pytest.fixture
def strict(lab):
    """Capture of the server's side with its proxy, and one of two services closed behind it."""
    before = rules_of(lab.server)
    with contextlib.ExitStack() as servers:
        ports = {}
        for family in ("IPv4", "IPv6"):
            for name, port in (("closed", 40010), ("other", 40011)):
                ports[name] = servers.enter_context(lab.new_origin(port, family)).serve(echo).port
        with loam_in(lab, "inbound") as loam:
            made = Strict(lab, loam, ports["closed"], ports["other"])
            loam.table.stop([f"proxy-{lab.server.name}"])  # its guard takes the word of another client only without it
            made.close()
            made.forget_controller()
            try:
                yield made
            finally:
                if not loam.table.pid(f"guard-{lab.server.name}"):
                    loam.start_guard(lab.server)
                said = made.command("capture", "remove", "--now")
                assert said == ""
                assert rules_of(lab.server) == before


def test_the_redirect_goes_before_it_while_the_proxy_lives(strict):
    strict.assert_closed()
    strict.loam.start_proxy(strict.lab.server)
    redirected = strict.loam.redirected(strict.lab.server)
    assert strict.relays()
    assert strict.loam.redirected(strict.lab.server) >= redirected + 2
    strict.kill("proxy")
    time.sleep(0.3)
    strict.assert_closed()


def test_it_stays_closed_when_the_guard_or_both_are_killed_and_when_they_come_back(strict):
    strict.loam.start_proxy(strict.lab.server)
    strict.kill("guard")
    time.sleep(4)
    strict.assert_closed()
    strict.kill("proxy")
    strict.assert_closed()
    strict.loam.start_guard(strict.lab.server)
    strict.assert_closed()
    assert "2 endpoints to plaintext" in strict.command("capture", "show")
    strict.loam.start_proxy(strict.lab.server)
    assert strict.relays()
    wait_until(lambda: strict.loam.captures(strict.lab.server), 5, "capture")
