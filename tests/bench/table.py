"""What a run found, as Markdown."""
import statistics
import time

from load import MOST_FOREIGN, MOST_STEAL
from ratios import paired_difference, paired_ratio

PEERS = ("HAProxy", "nginx")
UNITS = {"ping": "exchange", "greet": "connection", "close": "connection", "bulk": "MB", "bulk_bbr": "MB"}


def number(value):
    return f"{value:,.0f}".replace(",", " ") if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def between(one, unit=""):
    return f"{one.median:.3g}{unit} ({one.low:.3g} to {one.high:.3g})"


class Report:
    def __init__(self, results, options, bench, facts):
        self.results, self.options, self.bench, self.facts = results, options, bench, facts
        self.series = results.series

    def text(self):
        only = self.options.only or []
        what = {"tls": " of mutual TLS", "serve": " of served HTTP/1.1"}.get(only[0] if len(only) == 1 else "", "")
        command = " ".join(["./dev bench", *(f"--only {one}" for one in only)])
        parts = [f"# Benchmarks{what}: the last run", f"Written by `{command}`; the method is in [benchmarks.md](benchmarks.md).", "", *self.header(), "", "## Bars",
                 "| bar | figure (95 % interval) | verdict |", "|---|---|---|", *self.bars(), *self.failed(), "", "## Figures", *self.figures(), ""]
        return "\n".join(parts)

    def header(self):
        options = self.options
        facts = "; ".join(f"{name} {value}" for name, value in self.facts.items())
        aa = f"A/A (two HAProxies, CPU per request): {between(self.results.same)}." if self.results.same else "A/A was not run."
        size = "A full run" if options.pairs >= 20 and options.slice >= 2 else "A short run (a full one has 20 pairs of 2 s)"
        return [f"{size}, {time.strftime('%Y-%m-%d', time.gmtime())}: {options.pairs} pairs of {options.slice:g} s. {facts}.", aa +
                f" {self.bench.total} slices kept, {self.bench.repeated} taken again because of foreign CPU (> {MOST_FOREIGN:.0%} of the"
                f" machine) or steal (> {MOST_STEAL:.1%}); {self.bench.noisy} of the kept are above these bounds all the same."
                f" In the median slice others used {self.foreign():.0%} of the machine."]

    def foreign(self):
        return statistics.median(share for series in self.series.values() for one in series.values() for share in one.of("foreign"))

    def failed(self):
        for group, why in self.results.failed.items():
            yield f"| {group} | not run to its end | {why} |"

    def ratio(self, scenario, ours, theirs, what="cost"):
        return paired_ratio(self.series[scenario][ours].of(what), self.series[scenario][theirs].of(what))

    def bars(self):
        if "http" in self.series:
            yield self.bar("CPU per request, recording on <= 0.95 x HAProxy TCP", self.ratio("http", "Loam", "HAProxy"), 0.95)
        if "ping" in self.series:
            yield self.bar("the same for a raw exchange of 100 B", self.ratio("ping", "Loam", "HAProxy"), 0.95)
        if "bulk" in self.series:
            yield self.bar("bulk by splice <= 0.6 x copying (CPU per MB)", self.ratio("bulk", "Loam", "Loam, copying"), 0.6)
        if self.results.idle:
            idle, base = self.results.idle, self.results.base
            yield self.plain("memory of an idle pair <= HAProxy's", f"{number(idle['Loam'])} B against {number(idle['HAProxy'])} B",
                             idle["Loam"] <= idle["HAProxy"])
            yield self.plain("base <= 8 MB", f"{base['Loam'] / 1e6:.1f} MB (HAProxy {base['HAProxy'] / 1e6:.1f})", base["Loam"] <= 8e6)
        if "http" in self.series:
            yield self.bar("observing <= 1.03 x not observing, CPU per request", self.ratio("http", "Loam", "Loam, not observing"), 1.03)
        if "half" in self.series:
            yield self.bar("observing leaves p99 at half load as it was", self.ratio("half", "Loam", "Loam, not observing", "p99"), 1.03)
        if self.results.record:
            worst = max(real for name, (_, real) in self.results.record.items() if name.startswith("queryWindow"))
            yield self.plain("10 M recorded exchanges, any window query <= 1 s", f"{worst / 1000:.2f} s", worst <= 1000)
        yield from self.tls_bars()
        yield from self.serve_bars()
        for scenario, words in (("half", "added at half load"), ("alone", "added, one connection on one core"), ("greet", "greeting delay")):
            if scenario in self.series:
                yield from self.below_peers(scenario, words)

    def tls_bars(self):
        for scenario, words in (("tls_http", "two proxies"), ("tls_one_http", "the one that terminates")):
            if scenario in self.series:
                yield self.bar(f"TLS keep-alive, {words}: CPU per request <= 0.85 x nginx", self.ratio(scenario, "Loam", "nginx"), 0.85)
        for scenario, words in (("tls_close", "two proxies"), ("tls_one_close", "the one that terminates")):
            if scenario in self.series:
                per_core = ", ".join(f"{name} {number(1e6 / statistics.median(self.series[scenario][name].of('cost')))}" for name in ("Loam", *PEERS))
                yield self.bar(f"full mutual handshakes a second and core, {words}: >= 1.2 x HAProxy ({per_core}); its CPU for one <= 1 / 1.2",
                               self.ratio(scenario, "Loam", "HAProxy"), 1 / 1.2)
        if "tls_bulk" in self.series:
            yield self.bar("bulk over TLS: CPU per MB <= HAProxy's", self.ratio("tls_bulk", "Loam", "HAProxy"), 1)
        if self.results.secured:
            ours, theirs = (self.results.secured[name] for name in ("Loam", "HAProxy"))
            for side, mine, other in zip(("originates", "terminates"), ours, theirs):
                yield self.plain(f"memory of an idle TLS connection <= HAProxy's, the proxy that {side} it", f"{number(mine)} B against {number(other)} B", mine <= other)

    def serve_bars(self):
        for peer, limit in (("nginx", 0.8), ("HAProxy", 0.8), ("Envoy", 0.4)):
            if peer in self.series.get("serve_http", {}):
                yield self.bar(f"served HTTP/1.1 keep-alive, CPU per request <= {limit:g} x {peer}", self.ratio("serve_http", "Loam", peer), limit)
        if "Loam, serving" in self.results.instructions:
            count = self.results.instructions["Loam, serving"][0]
            yield self.plain("served, user instructions of a request <= 7 000", number(count), count <= 7000)

    def bar(self, what, one, limit):
        return f"| {what} | {between(one)} | {one.judge(limit)} |"

    def plain(self, what, figure, met):
        return f"| {what} | {figure} | {'met' if met else 'missed'} |"

    def below_peers(self, scenario, words):
        """Loam minus each peer, in pairs: below zero is ahead."""
        of = self.series[scenario]
        for what in ("p50", "p99"):
            differences = {peer: paired_difference(of["Loam"].of(what), of[peer].of(what)) for peer in PEERS}
            figure = ", ".join(f"{peer} {between(one, ' us')}" for peer, one in differences.items())
            worst = max(differences.values(), key=lambda one: one.median)
            yield f"| {what} {words} below every peer's: Loam minus peer | {figure} | {worst.judge(0)} |"

    def figures(self):
        from scenarios import SHORT
        for scenario, series in self.series.items():
            if scenario != "A/A":
                yield from self.figure(SHORT[scenario], scenario, series)
        if self.results.idle:
            yield from ["", f"**Memory** (Pss), {self.options.idle} idle pairs that did one exchange each", "",
                        "| | base, MB | each pair, B |", "|---|---|---|",
                        *(f"| {name} | {self.results.base[name] / 1e6:.1f} | {number(each)} |" for name, each in self.results.idle.items())]
        if self.results.secured:
            yield from ["", f"**Memory over TLS** (Pss), {self.options.idle} idle connections that did one exchange each", "",
                        "| | originates, B | terminates, B | both, B |", "|---|---|---|---|",
                        *(f"| {name} | {number(near)} | {number(far)} | {number(near + far)} |" for name, (near, far) in self.results.secured.items())]
        if self.results.instructions:
            yield from ["", "**User instructions of one HTTP request** (callgrind, 32 connections)", "", "| | carrying thread | all threads |",
                        "|---|---|---|",
                        *(f"| {name} | {number(one)} | {number(all_)} |" for name, (one, all_) in self.results.instructions.items())]

        if self.results.record:
            yield from ["", "**The record**: 10 M exchanges on 2 000 edges over three days", "", "| | CPU ms | real ms |", "|---|---|---|",
                        *(f"| {name} | {number(cpu)} | {number(real)} |" for name, (cpu, real) in self.results.record.items())]

    def figure(self, title, scenario, series):
        unit = UNITS.get(scenario.removeprefix("tls_").removeprefix("one_").removeprefix("serve_"), "request")
        plural = unit if unit == "MB" else f"{unit}s"
        timed = unit != "MB"
        rate = f", {self.results.half_rate} requests/s on schedule" if scenario == "half" else ""
        yield from ["", f"**{title[0].upper()}{title[1:]}**{rate}", "",
                    f"| | CPU us/{unit} | Loam / it | {plural}/s |" + (" p50 us | added | p99 us | added |" if timed else ""),
                    "|---|---|---|---|" + ("---|---|---|---|" if timed else "")]
        for name, one in series.items():
            share = "" if name in ("direct", "Loam") else between(self.ratio(scenario, "Loam", name))
            cost = "" if name == "direct" else number(statistics.median(one.of("cost")))
            failed = f" ({sum(one.of('errors'))} errors)" if sum(one.of("errors")) else ""
            cells = [name + failed, cost, share, number(statistics.median(one.of("rate")))]
            for what in ("p50", "p99") if timed else ():
                added = "" if name == "direct" or "direct" not in series else number(paired_difference(one.of(what), series["direct"].of(what)).median)
                cells += [number(statistics.median(one.of(what))), added]
            yield f"| {' | '.join(cells)} |"
