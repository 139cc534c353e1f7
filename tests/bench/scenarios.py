"""The scenarios of one run, in order; what each measures stands in docs/benchmarks.md."""
import contextlib
import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

import bodies
import contenders as kinds
import hops
import machine
import served
from load import Load
from ratios import paired_ratio

MANY = ("load", "--connections", "32")
HTTP = Load("http", MANY, wrk=32)
PING = Load("echo", (*MANY, "--kind", "pingpong"), unit="exchange")
ALONE = Load("http", ("load", "--connections", "1"), proxy_core=0)
GREET = Load("greet", ("load", "--connections", "1", "--kind", "greet"), proxy_core=0, unit="connection")
CLOSE = Load("http", (*MANY, "--kind", "close"), unit="connection")
TLS = {"tls_http": HTTP, "tls_close": CLOSE}  # through two proxies
TLS_ONE = {"tls_one_http": Load("http", MANY), "tls_one_close": CLOSE}  # the generator speaks TLS to the one that terminates
SERVED = {"serve_http": HTTP, "serve_alone": ALONE, "serve_close": CLOSE}
SHORT = {"http": "HTTP/1.1 keep-alive", "half": "half load", "alone": "one connection, one core", "ping": "ping-pong of 100 B",
         "greet": "greeting", "close": "a connection each", "bulk": "bulk", "bulk_bbr": "bulk, BBR",
         "tls_http": "HTTP/1.1 keep-alive, two proxies, mutual TLS between them", "tls_close": "a full handshake each, two proxies",
         "tls_one_http": "HTTP/1.1 keep-alive over mutual TLS, the proxy that terminates", "tls_one_close": "a full handshake each, the proxy that terminates",
         "tls_bulk": "bulk, two proxies, mutual TLS between them",
         "serve_http": "HTTP/1.1 keep-alive, served", "serve_alone": "served, one connection, one core", "serve_close": "served, a connection each"}
GROUPS = {"exchanges": ("http", "half", "alone", "ping", "greet", "close"), "bulk": ("bulk",), "bulk_bbr": ("bulk_bbr",), "memory": ("memory",),
          "tls": (*TLS, *TLS_ONE, "tls_bulk", "tls_memory"), "serve": tuple(SERVED), "instructions": ("instructions",),
          "serve_instructions": ("serve_instructions",),
          "tls_instructions": ("tls_instructions",), "record": ("record",)}


@dataclass
class Results:
    """All that a run found; `series[scenario][contender]`."""
    same: object = None  # the A/A ratio
    series: dict = field(default_factory=dict)
    half_rate: int = 0
    base: dict = field(default_factory=dict)
    idle: dict = field(default_factory=dict)
    secured: dict = field(default_factory=dict)  # {contender: Pss of an idle connection at its (near, far) side}
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

    def field_of(self, *wanted, **how):
        """Started contenders: (class, name) each, on ports and in folders of their own."""
        self.running = []
        for kind, name in wanted:
            self.next_port += 10
            self.running.append(kind(name, self.next_port, tempfile.mkdtemp(dir=self.folder), **how))
        return self.running

    def measure(self, scenario, load, running, pairs=None):
        say(SHORT.get(scenario, scenario))
        series = self.bench.measure(scenario, load, running, pairs)
        self.results.series[scenario] = series
        return series

    def wants(self, name):
        group = name.split("_")[0]
        return not self.options.only or name in self.options.only or (group in ("tls", "serve") and group in self.options.only)

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

    def bulk_load(self):
        return Load("bulk", ("bulk", "--bytes", str(self.options.bulk * (1 << 19))), unit="MB")

    def bulk(self, scenario="bulk", pairs=None):
        load = self.bulk_load()
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

    @contextlib.contextmanager
    def mesh(self):
        """The second host, whose upstream is the one that is pinned and accounted for meanwhile."""
        mesh = hops.Mesh(tempfile.mkdtemp(dir=self.folder))
        before, self.bench.upstream = self.bench.upstream, mesh.upstream
        try:
            yield mesh
        finally:
            self.stop()
            self.bench.upstream = before
            mesh.close()

    def tls(self):
        """Mutual TLS between two hosts: two proxies, then the one that terminates alone."""
        with self.mesh() as mesh:
            pairs = {name: functools.partial(hops.Pair, *pair) for name, pair in hops.contending().items()}
            loads = {name: load for name, load in {**TLS, "tls_bulk": self.bulk_load()}.items() if self.wants(name)}
            if loads:
                running = [hops.direct(), *self.field_of(*((kind, name) for name, kind in pairs.items()), mesh=mesh)]
                for scenario, load in loads.items():
                    self.measure(scenario, load, running)
                self.stop()
            loads = {name: load for name, load in TLS_ONE.items() if self.wants(name)}
            if loads:
                running = self.field_of(*((far, name) for name, (_, far) in hops.contending().items()), mesh=mesh)
                for scenario, load in loads.items():
                    self.measure(scenario, load, running)
                self.stop()
            for name, kind in pairs.items() if self.wants("tls_memory") else ():
                say(f"memory of {self.options.idle} idle connections over TLS: {name}")
                pair, = self.field_of((kind, name), mesh=mesh)
                self.results.secured[name] = bodies.idle_connections(pair, self.options.idle)
                self.stop()

    def serve(self):
        """Those that terminate HTTP/1.1."""
        running = [kinds.Direct(), *self.field_of(*served.contending())]
        for scenario, load in SERVED.items():
            if self.wants(scenario):
                self.measure(scenario, load, running)
        self.stop()

    def serve_instructions(self):
        say("instructions of a served request, by callgrind")
        for kind, name in served.contending():
            if name != "Envoy":  # which takes minutes to start under callgrind
                self.next_port += 100
                self.results.instructions[f"{name}, serving"] = bodies.instructions_per_request(
                    kind, self.next_port, tempfile.mkdtemp(dir=self.folder), 3 if self.options.pairs >= 20 else 1)

    def instructions(self):
        say("instructions of a request, by callgrind")
        for name, kind in bodies.INSTRUCTED.items():
            self.next_port += 100
            self.results.instructions[name] = bodies.instructions_per_request(
                kind, self.next_port, tempfile.mkdtemp(dir=self.folder), 3 if self.options.pairs >= 20 else 1)

    def tls_instructions(self):
        say("instructions of a request and of a handshake, two proxies, by callgrind")
        with self.mesh() as mesh:
            for what, load in bodies.SECURED.items():
                for name in ("Loam", "HAProxy"):
                    kind = functools.partial(hops.Pair, *hops.PAIRS[name], mesh=mesh)
                    self.next_port += 100
                    self.results.instructions[f"{name}, {what}"] = bodies.instructions_per_request(
                        kind, self.next_port, tempfile.mkdtemp(dir=self.folder), 3 if self.options.pairs >= 20 else 1, **load)

    def record(self):
        say("queries of a record of 10 M exchanges, which is filled first")
        found = subprocess.run([pathlib.Path(os.environ["MESHLOAD"]).with_name("graph_bench"), "--benchmark_format=json"], check=True,
                               capture_output=True, text=True, env={**os.environ, "TMPDIR": self.folder})
        self.results.record = {one["name"]: (one["cpu_time"], one["real_time"]) for one in json.loads(found.stdout)["benchmarks"]}

    def rest(self):
        """Every group of scenarios; one that fails is named in the report and the others go on."""
        for group, names in GROUPS.items():
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
