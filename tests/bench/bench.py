"""Measures Loam's relay against no proxy, HAProxy and nginx by the method of docs/benchmarks.md: `bench.py [--pairs 4 --slice 1]`.
Needs root for a network namespace of its own, and LOAM_BIN, the folder of a release build."""
import argparse
import csv
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile

import contenders
import machine
from load import Bench
from scenarios import GROUPS, Run, say
from table import Report

ROOT = pathlib.Path(__file__).resolve().parents[2]
MOST_DIFFERENCE = 0.02
MOST_GROWTH = 1.03
KNOWN = pathlib.Path(__file__).with_name("instructions.json")
PROGRAMS = {"haproxy": "haproxy", "nginx": "nginx-light", "wrk": "wrk", "valgrind": "valgrind", "ip": "iproute2", "openssl": "openssl"}


def options_of(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20, help="slices of each contender in a scenario, even")
    parser.add_argument("--slice", type=float, default=2, help="seconds of one")
    parser.add_argument("--warm-up", type=float, default=0.5)
    parser.add_argument("--retries", type=int, default=3, help="how often a slice disturbed by others is taken again")
    parser.add_argument("--bulk", type=int, default=1024, help="MiB of one bulk slice, half each way")
    parser.add_argument("--idle", type=int, default=5000, help="idle pairs")
    parser.add_argument("--only", action="append", help=f"one scenario: {' '.join(name for names in GROUPS.values() for name in names)}; tls or serve: all of those")
    parser.add_argument("--strict", action="store_true", help="stop when A/A differs by more than 2 %%")
    parser.add_argument("--guard", action="store_true",
                        help="status 5 when a request costs over 3 %% more instructions than tests/bench/instructions.json says")
    parser.add_argument("--seed", type=int, default=1, help="of the order of the contenders")
    parser.add_argument("--table", type=pathlib.Path, help="default: docs/benchmarks-table.md for all, docs/benchmarks-GROUP.md for --only GROUP")
    parser.add_argument("--resume", action="store_true", help="take over what a run that was cut off had finished, from its raw CSV")
    parser.add_argument("--raw", type=pathlib.Path, default=ROOT / "build" / "bench", help="folder of the raw CSV")
    return parser.parse_args(argv)


def missing():
    """What has to be there, with the fix."""
    for name, package in PROGRAMS.items():
        if shutil.which(name) is None:
            yield f"{name} is missing: apt-get install {package}"
    if not pathlib.Path(contenders.STREAM_MODULE).exists():
        yield f"{contenders.STREAM_MODULE} is missing: apt-get install libnginx-mod-stream"
    for path in (f"{os.environ['LOAM_BIN']}/loam-proxy", os.environ["MESHLOAD"]):
        if not os.access(path, os.X_OK):
            yield f"{path} is missing: ./dev build"
    if os.geteuid() != 0:
        yield "a network namespace needs root"


def table_of(only):
    """Where the figures of a whole group are published; None for a part of one."""
    if not only:
        return ROOT / "docs" / "benchmarks-table.md"
    return ROOT / "docs" / f"benchmarks-{only[0]}.md" if only in (["tls"], ["serve"]) else None


def grown(found, known):
    """What costs more than it did. Counted on the carrying thread: what the others do depends on time."""
    for name, allowed in known.items():
        if name not in found:
            yield f"{name}: its instructions were not measured"
        elif found[name][0] > MOST_GROWTH * allowed:
            yield f"{name}: {found[name][0]:.0f} instructions a request, {allowed} were known"


def run(options, folder):
    machine.enter_namespace()
    machine.use_congestion_control("reno")
    options.raw.mkdir(parents=True, exist_ok=True)
    slices = options.raw / "slices.csv"
    earlier = list(csv.DictReader(slices.read_text().splitlines())) if options.resume and slices.exists() else []
    with open(slices, "w", newline="") as raw:
        bench = Bench(contenders.start_upstream(), options, raw, earlier)
        try:
            whole = Run(bench, options, folder)
            same = whole.same()
            if abs(same.median - 1) > MOST_DIFFERENCE:
                say(f"A/A differs: {same.median:.3f}; the machine is too noisy to tell {MOST_DIFFERENCE:.0%}")
                if options.strict:
                    return 5
            whole.rest()
        finally:
            machine.end(bench.upstream)
        text = Report(whole.results, options, bench, machine.describe()).text()
    (options.raw / "table.md").write_text(text)
    if table := options.table or table_of(options.only):
        table.write_text(text)
    print(text)
    known = {name: count for scenario, counts in json.loads(KNOWN.read_text()).items() if whole.wants(scenario) for name, count in counts.items()}
    worse = list(grown(whole.results.instructions, known)) if options.guard else []
    for complaint in worse:
        say(complaint)
    return 5 if worse else 0


def main():
    os.environ.setdefault("LOAM_BIN", str(ROOT / "build" / "release" / "bin"))
    os.environ.setdefault("MESHLOAD", f"{os.environ['LOAM_BIN']}/meshload")
    options = options_of(None)
    if options.pairs < 2 or options.pairs % 2:
        sys.exit("bench: --pairs must be even")
    if problems := list(missing()):
        sys.exit("\n".join(f"bench: {problem}" for problem in problems))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="loam-bench-") as folder:
        os.chmod(folder, 0o755)
        sys.exit(run(options, folder))


if __name__ == "__main__":
    main()
