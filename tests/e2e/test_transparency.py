"""What passes through Loam is byte for byte what was sent, from and to the addresses that both sides expect."""
import contextlib
import errno
import hashlib
import os
import pathlib
import select
import socket
import threading
import time

import pytest
from conversations import CONVERSATIONS, FIN
from lab import CAPTURED, reset

pytestmark = pytest.mark.usefixtures("really_captured")


@contextlib.contextmanager
def pair(lab, family="IPv4"):
    """A client's connection and the server's end of it, whose peer must be the client: its address, and its port, which is free."""
    origin = lab.origin(family)
    with lab.connect(origin.port, family, source=next(lab.fresh_ports)) as client:
        server, peer = origin.accept()
        with server:
            assert peer[0] == lab.address(lab.client, family)
            assert not lab.keeps_ports or peer[1] == client.getsockname()[1]
            assert client.getpeername()[:2] == (lab.address(lab.server, family), origin.port)
            yield client, server


def read_exactly(connection, length):
    received = bytearray()
    while len(received) < length:
        piece = connection.recv(length - len(received))
        assert piece, f"the stream ended after {len(received)} of {length} bytes"
        received += piece
    return bytes(received)


def play(client, server, steps, piece):
    """Plays a conversation, `piece` bytes a segment; every step must arrive whole and unchanged, and nothing else."""
    ends = {"C": (client, server), "S": (server, client)}
    for end in (client, server):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for side, data in steps:
        sender, receiver = ends[side]
        if data is FIN:
            sender.shutdown(socket.SHUT_WR)
            assert receiver.recv(1) == b""
        else:
            for start in range(0, len(data), piece):
                sender.sendall(data[start:start + piece])
            assert read_exactly(receiver, len(data)) == data
    assert not select.select([client, server], [], [], 0.01)[0] or any(data is FIN for _, data in steps)


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversations_arrive_unchanged(lab, mode, family, name):
    """Whole segments."""
    with pair(lab, family) as (client, server):
        play(client, server, CONVERSATIONS[name], 1 << 20)


@pytest.mark.parametrize("name", ["odd headers", "pipelining", "chunked", "continue", "upgrade", "h2c", "server first", "mysql greeting"])
def test_conversations_byte_by_byte_arrive_unchanged(lab, mode, name):
    """One byte a segment."""
    with pair(lab) as (client, server):
        play(client, server, CONVERSATIONS[name], 1)


@pytest.mark.parametrize("sender", ["client", "server"])
@pytest.mark.parametrize("data", [b"", b"last words" * 1000])
def test_a_reset_follows_the_data(lab, mode, family, sender, data):
    """The other side reads everything that was accepted before the RST, then learns of it as a reset and not as an end."""
    with pair(lab, family) as (client, server):
        ends = (client, server) if sender == "client" else (server, client)
        ends[0].sendall(data)
        assert read_exactly(ends[1], len(data)) == data
        reset(ends[0])
        with pytest.raises(ConnectionResetError):
            ends[1].recv(1)


def pump(connection, seed, total):
    """Sends `total` pseudo-random bytes, then half-closes; returns their hash."""
    block = memoryview(hashlib.shake_256(seed).digest((1 << 20) + 65536))
    digest, sent = hashlib.sha256(), 0
    while sent < total:
        start = sent // (1 << 20) * 7919 % 65536
        piece = block[start:start + min(1 << 20, total - sent)]
        connection.sendall(piece)
        digest.update(piece)
        sent += len(piece)
    connection.shutdown(socket.SHUT_WR)
    return sent, digest.hexdigest()


def drain(connection):
    """Reads to the end; returns length and hash."""
    digest, length, room = hashlib.sha256(), 0, memoryview(bytearray(1 << 20))
    while size := connection.recv_into(room):
        digest.update(room[:size])
        length += size
    return length, digest.hexdigest()


def in_parallel(*calls):
    """Runs the calls on threads and returns their results in order."""
    results = [None] * len(calls)

    def keep(index, call):
        results[index] = call()
    threads = [threading.Thread(target=keep, args=(index, call)) for index, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_gibibyte_both_ways_at_once(lab, mode):
    """Bulk in both directions on one connection, compared by hash."""
    with pair(lab) as (client, server):
        for end in (client, server):
            end.settimeout(60)
        sent, received, answered, taken = in_parallel(
            lambda: pump(client, b"up", 1 << 30), lambda: drain(server), lambda: pump(server, b"down", 1 << 30), lambda: drain(client))
    assert sent == received and sent[0] == 1 << 30
    assert answered == taken and answered[0] == 1 << 30


def most_in_flight(proxies):
    """Bytes that may wait between two ends: what the kernel grants the sockets of each leg, and 2 MiB for a proxy's own buffers."""
    sockets = sum(int(pathlib.Path(f"/proc/sys/net/ipv4/tcp_{kind}mem").read_text().split()[2]) for kind in "rw")
    return (proxies + 1) * sockets + proxies * (2 << 20)


def test_a_client_that_never_reads_stalls_its_server_and_loses_nothing(lab, mode):
    """Back-pressure reaches the sender within bounded buffers; when the client reads at last, everything is there."""
    with pair(lab) as (client, server):
        server.setblocking(False)
        sent, digest, deadline = 0, hashlib.sha256(), time.monotonic() + 1
        while time.monotonic() < deadline:
            if select.select([], [server], [], 0.2)[1]:
                piece = os.urandom(65536)
                size = server.send(piece)
                digest.update(piece[:size])
                sent += size
        assert not select.select([], [server], [], 0)[1], f"still taking after {sent} bytes"
        assert sent <= most_in_flight(len(lab.loam.hosts))
        server.shutdown(socket.SHUT_WR)
        assert drain(client) == (sent, digest.hexdigest())


def test_a_client_whose_port_is_taken_keeps_its_address(lab, mode, family):
    """One port of a client may hold connections to several ports of a server; redirected ones can share it no more, and both work all the same."""
    source = next(lab.fresh_ports)
    with lab.new_origin(family=family) as second, contextlib.ExitStack() as open_ones:
        time.sleep(2.5 if CAPTURED[mode].get("server") else 0)  # until capture knows the new listener
        for origin in (lab.origin(family), second):
            client = open_ones.enter_context(lab.connect(origin.port, family, source=source))
            server, peer = origin.accept()
            open_ones.enter_context(server)
            assert peer[0] == lab.address(lab.client, family)
            play(client, server, [("C", b"question"), ("S", b"answer")], 1 << 20)


def first_answer(lab, port, family):
    """What a client meets: the errno of connecting or of the first read; 0 when neither fails."""
    try:
        with lab.connect(port, family) as client:
            client.recv(1)
            return 0
    except OSError as error:
        return error.errno


def test_a_refused_port_is_answered_at_once_and_the_next_try_meets_the_real_answer(lab, mode, family):
    """The first may be reset after connecting, at once; the second is refused by the server's own kernel."""
    port = lab.silent_port()
    started = time.monotonic()
    assert first_answer(lab, port, family) in ({errno.ECONNREFUSED} if mode == "direct" else {errno.ECONNREFUSED, errno.ECONNRESET})
    assert first_answer(lab, port, family) == errno.ECONNREFUSED
    assert time.monotonic() - started < 1


def test_an_unreachable_server_is_answered_at_once_and_the_next_try_meets_the_real_answer(lab, mode, family):
    """As above with the network's answer: the server's firewall says host unreachable."""
    port = 909
    lab.server.run("nft", f"table inet wall {{ chain in {{ type filter hook input priority -400; tcp dport {port} reject with icmpx type host-unreachable; }}; }}")
    try:
        started = time.monotonic()
        assert first_answer(lab, port, family) in ({errno.EHOSTUNREACH} if mode == "direct" else {errno.EHOSTUNREACH, errno.ECONNRESET})
        assert first_answer(lab, port, family) == errno.EHOSTUNREACH
        assert time.monotonic() - started < 3
    finally:
        lab.server.run("nft", "delete", "table", "inet", "wall")
