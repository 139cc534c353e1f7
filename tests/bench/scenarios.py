"""The scenarios of one run, in order; what each measures stands in docs/benchmarks.md."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

import bodies
import contenders as kinds
import machine
from load import Load
from ratios import paired_ratio

MANY = ("load", "--connections", "32")
HTTP = Load("http", MANY, wrk=32)
PING = Load("echo", (*MANY, "--kind", "pingpong"), unit="exchange")
ALONE = Load("http", ("load", "--connections", "1"), proxy_core=0)
GREET = Load("greet", ("load", "--connections", "1", "--kind", "greet"), proxy_core=0, unit="connection")
CLOSE = Load("http", (*MANY, "--kind", "close"), unit="connection")
SHORT = {"http": "HTTP/1.1 keep-alive", "half": "half load", "alone": "one connection, one core", "ping": "ping-pong of 100 B",
         "greet": "greeting", "close": "a connection each", "bulk": "bulk", "bulk_bbr": "bulk, BBR"}


@dataclass
class Results:
    """All that a run found; `series[scenario][contender]`."""
    same: object = None  # the A/A ratio
    series: dict = field(default_factory=dict)
    half_rate: int = 0
    base: dict = field(default_factory=dict)
    idle: dict = field(default_factory=dict)
    instructions: dict = field(default_factory=dict)
    record: dict = field(default_factory=dict)  # {benchmark of graph_bench: (CPU ms, real ms)}
    failed: dict = field(default_factory=dict)


def say(what):
    print(f"bench: {what}", file=sys.stderr, flush=True)


class Run:
    """Starts the contenders for each group of scenarios and ends them after it."""

    def __init__(self, bench, options, folder):
        self.bench, self.options, self.folder = bench, options, folder
        self.results = Results()
        self.next_port = 10000
        self.running = []

    def field_of(self, *wanted):
        """Started contenders: (class, name) each, on ports and in folders of their own."""
        self.running = []
        for kind, name in wanted:
            self.next_port += 10
            self.running.append(kind(name, self.next_port, tempfile.mkdtemp(dir=self.folder)))
        return self.running

    def measure(self, scenario, load, running, pairs=None):
        say(SHORT.get(scenario, scenario))
        series = self.bench.measure(scenario, load, running, pairs)
        self.results.series[scenario] = series
        return series

    def wants(self, name):
        return not self.options.only or name in self.options.only

    def same(self):
        """A/A: two HAProxies must not differ."""
        running = self.field_of((kinds.HAProxy, "HAProxy A"), (kinds.HAProxy, "HAProxy B"))
        series = self.measure("A/A", HTTP, running)
        self.stop()
        self.results.same = paired_ratio(series["HAProxy A"].of("cost"), series["HAProxy B"].of("cost"))
        return self.results.same

    def exchanges(self):
        """Everything that the same five contenders go through."""
        running = [kinds.Direct(), *self.field_of((kinds.Loam, "Loam"), (kinds.LoamBlind, "Loam, not observing"),
                                                  (kinds.HAProxy, "HAProxy"), (kinds.Nginx, "nginx"))]
        for scenario, load in {"http": HTTP, "alone": ALONE, "ping": PING, "greet": GREET, "close": CLOSE}.items():
            if not self.wants(scenario):
                continue
            series = self.measure(scenario, load, running)
            if scenario == "http" and self.wants("half"):
                slowest = min(min(one.of("rate")) for one in series.values())
                self.results.half_rate = int(slowest / 2000) * 1000
                self.measure("half", Load("http", (*MANY, "--rate", str(self.results.half_rate))), running)
        self.stop()

    def bulk(self, scenario="bulk", pairs=None):
        load = Load("bulk", ("bulk", "--bytes", str(self.options.bulk * (1 << 19))), unit="MB")
        running = [kinds.Direct(), *self.field_of((kinds.Loam, "Loam"), (kinds.LoamCopying, "Loam, copying"),
                                                  (kinds.HAProxy, "HAProxy"), (kinds.HAProxyCopying, "HAProxy, copying"),
                                                  (kinds.Nginx, "nginx"))]
        self.measure(scenario, load, running, pairs)
        self.stop()

    def bulk_bbr(self):
        """The same with BBR as the namespace's default: what a host's own choice does to a proxy's local legs."""
        machine.use_congestion_control("bbr")
        upstream = kinds.restart_upstream(self.bench.upstream)
        self.bench.upstream = upstream
        self.bulk("bulk_bbr", max(2, self.options.pairs // 4))
        machine.use_congestion_control("reno")
        self.bench.upstream = kinds.restart_upstream(upstream)

    def memory(self):
        say(f"memory of {self.options.idle} idle pairs")
        for kind, name in ((kinds.Loam, "Loam"), (kinds.LoamBlind, "Loam, not observing"), (kinds.HAProxy, "HAProxy"),
                           (kinds.Nginx, "nginx")):
            proxy, = self.field_of((kind, name))
            self.results.base[name], self.results.idle[name] = bodies.idle_pairs(proxy, self.options.idle)
            self.stop()

    def instructions(self):
        say("instructions of a request, by callgrind")
        for name, kind in bodies.INSTRUCTED.items():
            self.next_port += 100
            self.results.instructions[name] = bodies.instructions_per_request(
                kind, self.next_port, tempfile.mkdtemp(dir=self.folder), 3 if self.options.pairs >= 20 else 1)

    def record(self):
        say("queries of a record of 10 M exchanges, which is filled first")
        found = subprocess.run([pathlib.Path(os.environ["MESHLOAD"]).with_name("graph_bench"), "--benchmark_format=json"], check=True,
                               capture_output=True, text=True, env={**os.environ, "TMPDIR": self.folder})
        self.results.record = {one["name"]: (one["cpu_time"], one["real_time"]) for one in json.loads(found.stdout)["benchmarks"]}

    def rest(self):
        """Every group of scenarios; one that fails is named in the report and the others go on."""
        groups = {"exchanges": ("http", "half", "alone", "ping", "greet", "close"), "bulk": ("bulk",), "bulk_bbr": ("bulk_bbr",),
                  "memory": ("memory",), "instructions": ("instructions",), "record": ("record",)}
        for group, names in groups.items():
            if any(self.wants(name) for name in names):
                try:
                    getattr(self, group)()
                except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                    say(f"{group} failed: {error}")
                    self.results.failed[group] = str(error).splitlines()[0]
                    self.stop()

    def stop(self):
        for one in self.running:
            one.stop()
        self.running = []
