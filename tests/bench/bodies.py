"""What is not measured in slices: memory of idle pairs, and instructions of one request by callgrind."""
import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import time

import contenders as kinds
import machine

INSTRUMENT = ("valgrind", "--tool=callgrind", "--separate-threads=yes")


def settle(pids, seconds=3.0):
    """Pss after it stopped changing, or after `seconds`."""
    deadline = time.monotonic() + seconds
    last = machine.pss_of(pids)
    while time.monotonic() < deadline:
        time.sleep(0.5)
        now = machine.pss_of(pids)
        if now == last:
            break
        last = now
    return last


@contextlib.contextmanager
def held(contender, connections):
    """So many connections, idle after one exchange each."""
    holder = machine.start([os.environ["MESHLOAD"], "idle", "--kind", "pingpong", "--connections", connections, "--port",
                            contender.port("echo")], core=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if holder.stdout.readline().strip() != "ready":
        raise RuntimeError(f"{contender.name} did not take {connections} connections")
    yield
    holder.communicate("")
    if holder.returncode != 0:
        raise RuntimeError(f"{contender.name} did not answer on all of {connections} connections")


def idle_pairs(contender, pairs):
    """(Pss with no connection, Pss that each of `pairs` idle pairs adds), in bytes; each pair did one exchange before."""
    base = settle(contender.pids)
    with held(contender, pairs):
        return base, (settle(contender.pids) - base) / pairs


def idle_connections(pair, count):
    """Pss that each of `count` idle connections adds to the proxy that originates TLS and to the one that terminates it, in bytes."""
    sides = pair.near.pids, pair.far.pids
    bases = [settle(pids) for pids in sides]
    with held(pair, count):
        return tuple((settle(pids) - base) / count for pids, base in zip(sides, bases))


def instructions(kind, port, folder, count, load, connections):
    """{process and thread: its user instructions} while the programs start, carry `count` requests, and end."""
    proxy = kind(f"callgrind {port}", port, folder, lambda label: (*INSTRUMENT, f"--callgrind-out-file={folder}/{port}-{label}.out"))
    try:
        done = subprocess.run([os.environ["MESHLOAD"], "load", "--connections", str(connections), "--kind", load, "--count", str(count), "--port",
                               str(proxy.port("http"))], check=True, capture_output=True, text=True)
        if json.loads(done.stdout)["count"] != count:
            raise RuntimeError(f"{proxy.name} did not carry all: {done.stdout}")
    finally:
        proxy.stop(60)
    return {path.name.removeprefix(f"{port}-"): int(re.search(r"^totals: (\d+)", path.read_text(), re.M)[1])
            for path in pathlib.Path(folder).glob(f"{port}-*.out-*")}


def instructions_per_request(kind, first_port, folder, rounds, load="http", few=2000, many=12000, connections=32):
    """What the additional requests of a longer run cost: (the thread that carries them, or one of each proxy, all threads), medians over `rounds`."""
    slopes = []
    for number in range(rounds):
        port = first_port + 20 * number
        longer, shorter = (
            instructions(kind, at, folder, count, load, connections) for at, count in ((port + 10, many), (port, few)))
        if not longer or not shorter:
            raise RuntimeError("callgrind left no counts")
        carrying = {}
        for name, total in longer.items():
            carrying.setdefault(name.split(".")[0], []).append((total - shorter.get(name, 0)) / (many - few))
        slopes.append((sum(max(threads) for threads in carrying.values()), sum(sum(threads) for threads in carrying.values())))
    return tuple(statistics.median(column) for column in zip(*slopes))


INSTRUCTED = {"Loam": kinds.Loam, "Loam, not observing": kinds.LoamBlind, "HAProxy": kinds.HAProxy, "nginx": kinds.Nginx}
SECURED = {"a request over TLS": {"few": 2000, "many": 32000, "connections": 4}, "a connection over TLS": {"load": "close", "few": 20, "many": 220, "connections": 4}}
