"""Slices: one contender under one load for a short while, with what it cost, and the passes that pair them."""
import csv
import json
import os
import pathlib
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field

import machine

HEADERS = ["Accept: */*", "Accept-Language: en-GB,en;q=0.8", "Accept-Encoding: gzip, deflate", "Cache-Control: no-cache",
           "User-Agent: wrk/4", "X-Request-Id: 7b7a1e0c-3c5e-4f0a-9d0c-0f3f6a1b2c3d", "X-Forwarded-For: 203.0.113.9",
           "Cookie: session=0123456789abcdef0123456789abcdef", "Referer: http://shop.example/"]
MOST_STEAL = 0.005
MOST_FOREIGN = 0.03


@dataclass(frozen=True)
class Load:
    """What runs against one service of the upstream. `core` is the generator's; the proxy is on `proxy_core`."""
    service: str
    arguments: tuple  # of meshload
    wrk: int = 0      # connections; then wrk makes the load
    core: int = 0
    proxy_core: int = 1
    unit: str = "request"

    def argv(self, contender, seconds):
        port = contender.port(self.service)
        if self.wrk:
            headers = [word for header in HEADERS for word in ("-H", header)]
            return ["wrk", "-t1", f"-c{self.wrk}", f"-d{max(1, round(seconds))}s", "--latency", "-s",
                    pathlib.Path(__file__).with_name("wrk_report.lua"), *headers, f"http://{contender.host}:{port}/items/4711?page=2"]
        timed = () if "bulk" in self.arguments else ("--seconds", seconds)
        return [os.environ["MESHLOAD"], *self.arguments, "--address", contender.host, "--port", port, *contender.terms(self.service), *timed]


@dataclass(frozen=True)
class Slice:
    """One measurement. Times in us; `cost` is the proxy's CPU time for one unit."""
    count: int
    errors: int
    rate: float
    cost: float
    p50: float
    p99: float
    foreign: float
    steal: float

    @property
    def is_clean(self):
        return self.foreign <= MOST_FOREIGN and self.steal <= MOST_STEAL


@dataclass
class Series:
    """The slices of one contender in one scenario, in the order of the passes."""
    slices: list = field(default_factory=list)

    def of(self, what):
        return [getattr(piece, what) for piece in self.slices]


def generate(load, contender, seconds):
    """Runs the generator; (its result, the CPU seconds that it took)."""
    process = machine.start(load.argv(contender, seconds), core=load.core, stdout=subprocess.PIPE, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    lines = [line for line in text.splitlines() if line.startswith("{")]
    if not lines:
        raise RuntimeError(f"no result of {load} against {contender.name}: {text}")
    result = json.loads(lines[-1])
    if result["count"] == 0:
        raise RuntimeError(f"{contender.name} carried nothing of {load}")
    return result, usage.ru_utime + usage.ru_stime


def slice_of(row):
    """A slice as its line of the raw file has it."""
    return Slice(**{name: kind(row[name]) for name, kind in Slice.__annotations__.items()})


class Bench:
    """Runs loads and keeps every raw slice in a CSV file. `earlier`: rows of a run that was cut off; what it had finished is not run again."""

    def __init__(self, upstream, options, raw, earlier=()):
        self.upstream, self.options = upstream, options
        self.noisy = self.repeated = self.total = 0
        self.random = random.Random(options.seed)
        self.raw = csv.writer(raw)
        self.earlier = list(earlier)
        self.raw.writerow(["time", "scenario", "contender", "pass", "kept", *Slice.__dataclass_fields__])

    def finished(self, scenario, contenders, pairs):
        """What an earlier run found in a scenario, where it has every pass of every contender; else None."""
        rows = [row for row in self.earlier if row["scenario"] == scenario]
        series = {one.name: Series([slice_of(row) for row in rows if row["contender"] == one.name and row["kept"] == "1"]) for one in contenders}
        if any(len(one.slices) != pairs for one in series.values()):
            return None
        for row in rows:
            self.raw.writerow(row.values())
        kept = [piece for one in series.values() for piece in one.slices]
        self.total += len(kept)
        self.repeated += len(rows) - len(kept)
        self.noisy += sum(not piece.is_clean for piece in kept)
        return series

    def take(self, load, contender):
        """One slice after a warm-up that does not count."""
        if "bulk" not in load.arguments:
            warm = Load(load.service, load.arguments or ("load", "--connections", load.wrk), core=load.core)
            generate(warm, contender, self.options.warm_up)
        busy, stolen = machine.machine_time()
        ours = machine.cpu_of([self.upstream.pid, os.getpid()])
        carried, begin = contender.cpu(), time.monotonic()
        result, generated = generate(load, contender, self.options.slice)
        carried, took = contender.cpu() - carried, time.monotonic() - begin
        ours = machine.cpu_of([self.upstream.pid, os.getpid()]) - ours + carried + generated
        busy, stolen = (after - before for after, before in zip(machine.machine_time(), (busy, stolen)))
        capacity = took * os.cpu_count()
        units = result["count"] / (1 << 20 if load.unit == "MB" else 1)
        return Slice(result["count"], result["errors"], units / result["seconds"], carried * 1e6 / max(units, 1),
                     result.get("p50", 0.0), result.get("p99", 0.0), max(0.0, (busy - ours) / capacity), stolen / capacity)

    def keep(self, scenario, load, contender, number):
        """A clean slice, or after the allowed repetitions the cleanest that was had."""
        tries = []
        while len(tries) <= self.options.retries and not any(piece.is_clean for piece in tries):
            tries.append(self.take(load, contender))
        best = min(tries, key=lambda piece: (not piece.is_clean, piece.foreign + piece.steal))
        for piece in tries:
            self.raw.writerow([round(time.time(), 3), scenario, contender.name, number, int(piece is best),
                               *(getattr(piece, name) for name in Slice.__dataclass_fields__)])
        self.repeated += len(tries) - 1
        self.total += 1
        self.noisy += not best.is_clean
        return best

    def measure(self, scenario, load, contenders, pairs=None):
        """{name: Series}: passes over all contenders, each second one in the reverse order of the one before (ABBA)."""
        if earlier := self.finished(scenario, contenders, pairs or self.options.pairs):
            return earlier
        series = {contender.name: Series() for contender in contenders}
        order = list(contenders)
        for number in range(pairs or self.options.pairs):
            if number % 2:
                order.reverse()
            else:
                self.random.shuffle(order)
            for contender in order:
                contender.pin(load.proxy_core)
                machine.pin([self.upstream.pid], load.core)
                series[contender.name].slices.append(self.keep(scenario, load, contender, number))
        for name, one in series.items():
            middle = sorted(one.of("cost"))[len(one.slices) // 2]
            print(f"  {scenario}: {name}: {middle:.2f} us/{load.unit}, {sum(one.of('errors'))} errors", file=sys.stderr)
        return series
