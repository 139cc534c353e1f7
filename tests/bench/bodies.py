"""What is not measured in slices: memory of idle pairs, and instructions of one request by callgrind."""
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


def idle_pairs(contender, pairs):
    """(Pss with no connection, Pss that each of `pairs` idle pairs adds), in bytes; each pair did one exchange before."""
    base = settle(contender.pids)
    holder = machine.start([os.environ["MESHLOAD"], "idle", "--kind", "pingpong", "--connections", pairs, "--port",
                            contender.port("echo")], core=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if holder.stdout.readline().strip() != "ready":
        raise RuntimeError(f"{contender.name} did not take {pairs} connections")
    filled = settle(contender.pids)
    holder.communicate("")
    if holder.returncode != 0:
        raise RuntimeError(f"{contender.name} did not answer on all of {pairs} connections")
    return base, (filled - base) / pairs


def instructions(kind, port, folder, count):
    """{thread: its user instructions} while the program starts, carries `count` requests, and ends."""
    proxy = kind(f"callgrind {port}", port, folder, (*INSTRUMENT, f"--callgrind-out-file={folder}/{port}.out"))
    try:
        subprocess.run([os.environ["MESHLOAD"], "load", "--connections", "32", "--count", str(count), "--port",
                        str(proxy.port("http"))], check=True, stdout=subprocess.DEVNULL)
    finally:
        machine.end(proxy.process, 60)
    return {path.suffix: int(re.search(r"^totals: (\d+)", path.read_text(), re.M)[1])
            for path in pathlib.Path(folder).glob(f"{port}.out-*")}


def instructions_per_request(kind, first_port, folder, rounds, few=2000, many=12000):
    """What the additional requests of a longer run cost: (the thread that carries them, all threads), medians over `rounds`."""
    slopes = []
    for number in range(rounds):
        port = first_port + 20 * number
        longer, shorter = instructions(kind, port + 10, folder, many), instructions(kind, port, folder, few)
        if not longer or not shorter:
            raise RuntimeError(f"callgrind left no counts of {kind.__name__}")
        threads = [(longer[name] - shorter.get(name, 0)) / (many - few) for name in longer]
        slopes.append((max(threads), sum(threads)))
    return tuple(statistics.median(column) for column in zip(*slopes))


INSTRUCTED = {"Loam": kinds.Loam, "Loam, not observing": kinds.LoamBlind, "HAProxy": kinds.HAProxy, "nginx": kinds.Nginx}
