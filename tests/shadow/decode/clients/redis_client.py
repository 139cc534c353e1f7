"""What a Redis client does with redis-py, RESP2, and by hand in RESP3: prints "ok errors" at the end."""
import socket
import sys

import redis

port = int(sys.argv[1])
ok = errors = 0
client = redis.Redis(host="127.0.0.1", port=port, single_connection_client=True)
for n in range(20):
    client.set("key%d" % n, "value%d" % n)
client.set("big", b"x" * 3000000)
assert len(client.get("big")) == 3000000
client.rpush("list", "message", "a", "b")
client.lrange("list", 0, -1)
ok += 24
try:
    client.incr("big")
except redis.ResponseError:
    errors += 1
with client.pipeline(transaction=False) as pipe:
    for n in range(5000):
        pipe.get("key%d" % (n % 40))
    pipe.execute()
ok += 5000
with client.pipeline(transaction=True) as pipe:
    pipe.incr("counter").incr("counter").lrange("list", 0, -1)
    pipe.execute()
ok += 5
client.blpop("list", timeout=1)
client.eval("return {1, {2, {3, 'four'}}, redis.call('get', 'key1')}", 0)
ok += 2
subscriber = client.pubsub(ignore_subscribe_messages=False)
subscriber.subscribe("a", "b", "c")
for _ in range(3):
    assert subscriber.get_message(timeout=5)["type"] == "subscribe"
subscriber.psubscribe("x*")
assert subscriber.get_message(timeout=5)["type"] == "psubscribe"
for channel in ("a", "b", "xy", "nobody"):
    client.publish(channel, "hello")
for _ in range(3):
    assert subscriber.get_message(timeout=5)["type"].endswith("message")
subscriber.unsubscribe()
for _ in range(3):
    assert subscriber.get_message(timeout=5)["type"] == "unsubscribe"
ok += 7
subscriber.close()
client.close()

plain = socket.create_connection(("127.0.0.1", port))
reader = plain.makefile("rb")


def lines(count):
    return [reader.readline() for _ in range(count)]


plain.sendall(b"PING\r\nHELLO 3\r\n")
assert lines(1) == [b"+PONG\r\n"]
pairs = int(lines(1)[0][1:])
while pairs:
    pairs -= 1
    for _ in range(2):
        head = lines(1)[0]
        if head.startswith(b"$"):
            lines(1)
plain.sendall(b"SUBSCRIBE news\r\nSET a 1\r\nPUBLISH news hello\r\nCLIENT REPLY SKIP\r\nSET a 2\r\nGET a\r\nUNSUBSCRIBE\r\nHGETALL none\r\nNOSUCH\r\n")
rest = b""
while b"NOSUCH" not in rest:
    rest += plain.recv(65536)
assert b">3" in rest and b"$7\r\nmessage" in rest, rest
ok += 8
errors += 1
plain.sendall(b"CLIENT REPLY OFF\r\nSET a 3\r\nCLIENT REPLY ON\r\nQUIT\r\n")
while plain.recv(65536):
    pass
ok += 2
print(ok, errors)
