"""Speaks PostgreSQL's extended protocol by hand, pipelined: prints "ok errors" at the end."""
import socket
import struct
import sys

sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
buffered = b""


def message(kind, payload=b""):
    return kind + struct.pack("!i", len(payload) + 4) + payload


def read_until(kind):
    """Reads messages up to the next of `kind`; gives their kinds."""
    global buffered
    kinds = b""
    while True:
        while len(buffered) < 5 or len(buffered) < 1 + struct.unpack("!i", buffered[1:5])[0]:
            piece = sock.recv(65536)
            if not piece:
                raise SystemExit("the server closed")
            buffered += piece
        size = 1 + struct.unpack("!i", buffered[1:5])[0]
        kinds += buffered[:1]
        buffered = buffered[size:]
        if kinds.endswith(kind):
            return kinds


def execute(sql, rows=0):
    return (message(b"P", b"\0" + sql + b"\0\0\0") + message(b"B", b"\0\0\0\0\0\0\0\0") + message(b"D", b"P\0") +
            message(b"E", b"\0" + struct.pack("!i", rows)))


SYNC = message(b"S")
parameters = b"user\0loam\0database\0postgres\0\0"
sock.sendall(struct.pack("!ii", 8 + len(parameters), 196608) + parameters)
read_until(b"Z")
ok = errors = 0

# One batch whose middle fails, and one behind it that does not.
sock.sendall(execute(b"select 1") * 2 + execute(b"select 1/0") + execute(b"select 2") * 3 + SYNC + execute(b"select 3") + SYNC)
assert b"E" in read_until(b"Z")
read_until(b"Z")
ok += 3
errors += 4

# The failure is known before the rest is sent.
sock.sendall(execute(b"selec") + message(b"H"))
read_until(b"E")
sock.sendall(execute(b"select 1") + SYNC)
read_until(b"Z")
errors += 2

# A portal in three goes.
sock.sendall(execute(b"select generate_series(1, 5)", 2) + message(b"E", b"\0" + struct.pack("!i", 2)) +
             message(b"E", b"\0" + struct.pack("!i", 2)) + SYNC)
assert read_until(b"Z").count(b"s") == 2
ok += 3

# Nothing to run, and a statement that is only prepared, well and badly.
sock.sendall(execute(b"") + SYNC + message(b"P", b"s\0select 1\0\0\0") + SYNC + message(b"P", b"t\0selec\0\0\0") + SYNC)
for _ in range(3):
    read_until(b"Z")
ok += 1

# COPY of an Execute, the way libpq does it: Sync at once, and again behind the data.
for data, fails in ((b"1\n2\n", False), (b"x\n", True)):
    sock.sendall(message(b"Q", b"create temp table if not exists numbers (n int)\0"))
    read_until(b"Z")
    sock.sendall(execute(b"copy numbers from stdin") + SYNC)
    read_until(b"G")
    sock.sendall(message(b"d", data) + message(b"c") + SYNC)
    assert (b"E" in read_until(b"Z")) == fails
    ok += 1 if fails else 2
    errors += 1 if fails else 0

# Two hundred in one go.
sock.sendall((execute(b"select 1") + SYNC) * 200)
for _ in range(200):
    read_until(b"Z")
ok += 200
sock.sendall(message(b"Q", b"select 1\0"))
read_until(b"Z")
ok += 1
sock.sendall(message(b"X"))
print(ok, errors)
