"""Measures how long a flag takes until every proxy has acknowledged it, and what a watcher costs the controller: `fleet.py [--proxies 1000]`.
The proxies are the proxy's own snapshot sources, many in one process, each with an identity, a TLS connection and a synced file of its
own. Needs root for a network namespace, and LOAM_BIN, the folder of a release build."""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

import machine

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "demo"))
from loam import UnixConnection  # noqa: E402  (the demo's folder has to be on the path)

AGENTS = "127.0.0.1:7401"
CALLS = 5  # services that one proxy's clients call
PATIENCE = 300
MOST_SECONDS = 1.0  # DESIGN section 10: acknowledged by 1 000 proxies, p99


def say(text):
    print(f"fleet: {text}", file=sys.stderr, flush=True)


def wait_until(true, patience, what):
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            sys.exit(f"fleet: {what}: not within {patience} s")
        time.sleep(0.05)


class Controller:
    """A real loam-controller in a home of its own, with its agents' port."""

    def __init__(self, folder):
        self.home = pathlib.Path(folder) / "controller"
        (self.home / "run").mkdir(parents=True)
        (self.home / "controller.yaml").write_text(json.dumps({"agents": AGENTS, "log_level": "warn"}))
        self.connection = None
        self.process = machine.start([pathlib.Path(os.environ["LOAM_BIN"]) / "loam-controller", "--config", self.home / "controller.yaml"],
                                     env={**os.environ, "LOAM_HOME": str(self.home)})
        wait_until(self.answers, 20, "the controller's answer")

    def answers(self):
        if self.process.poll() is not None:
            sys.exit("fleet: the controller ended")
        with contextlib.suppress(OSError, http.client.HTTPException):
            return bool(self.call("GET", "/healthz"))
        self.connection = None
        return False

    def call(self, method, path, body=None):
        """On one connection that is kept: a new one for each of thousands of calls would be the load."""
        if self.connection is None:
            self.connection = UnixConnection(self.home / "run" / "controller.sock")
            self.connection.timeout = 70
        self.connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            sys.exit(f"fleet: {method} {path}: {answer.status} {text[:500]!r}")
        return json.loads(text)

    def set(self, percent):
        """One flag changed as the CLI does it; the revision that has it."""
        edit = {"service": "*", "feature": "observe", "stage": "sampled", "percent": percent}
        change = self.call("POST", "/v1/changes", {"edits": [edit]})
        return self.call("POST", f"/v1/changes/{change['id']}/apply", {"hash": change["hash"], "reason": "bench"})["revision"]


class Mesh:
    """Proxies beside the controller, more and more of them; each says once that its clients call CALLS services."""

    def __init__(self, controller, folder):
        self.controller, self.folder = controller, pathlib.Path(folder)
        self.root = controller.call("GET", "/v1/identity")["rotation"]["issuing"]
        self.names, self.processes = [], []

    def grow(self, count):
        first = len(self.names)
        names = [f"proxy-{number:05}" for number in range(first, count)]
        if not names:
            return
        tokens = self.folder / f"tokens-{first}"
        lines = [f"{name} {self.controller.call('POST', '/v1/identity/tokens', {'name': name, 'life': '1h'})['secret']}" for name in names]
        tokens.write_text("\n".join(lines) + "\n")
        for number, name in enumerate(names, first):
            self.controller.call("POST", "/v1/reports", report(name, number))
        self.names += names
        self.processes.append(machine.start(
            [pathlib.Path(os.environ["LOAM_BIN"]) / "meshfleet", "--controller", AGENTS, "--root", self.root, "--tokens", tokens,
             "--directory", self.folder / f"proxies-{first}"]))

    def settled(self, revision):
        """Whether all have acknowledged it; waits up to a minute for them."""
        progress = self.controller.call("GET", f"/v1/progress?service=*&revision={revision}&wait=60s")
        return progress["acknowledged"] == len(self.names)

    def end(self):
        for process in self.processes:
            machine.end(process)


def report(name, number):
    """What that proxy would have seen: CALLS services of the mesh, which are known by their addresses."""
    now = int(time.time()) // 10 * 10
    edges = []
    for call in range(CALLS):
        service = number * CALLS + call
        edges.append({"client": f"10.200.{number // 250}.{number % 250 + 1}", "destination": f"10.{100 + service // 62_500}.{service // 250 % 250}.{service % 250 + 1}:80",
                      "vantage": "outbound", "protocol": "http1", "tls_version": "", "captured": True,
                      "buckets": [{"start": now - 10, "counts": {"connections": 1, "requests": 1}}]})
    return {"proxy": name, "role": "node", "epoch": 1, "sequence": 1, "from": (now - 10) * 1000, "to": now * 1000, "edges": edges, "names": [],
            "losses": {"records": 0, "reports": 0, "decoders": 0, "other_edges": 0}}


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(mesh, controller, rounds):
    """Seconds of each of the rounds from the apply to the last acknowledgement, and the controller's CPU of one."""
    took = []
    before = machine.cpu_of([controller.process.pid])
    for number in range(rounds):
        started = time.monotonic()
        revision = controller.set(f"{number % 90 + 1}.{number // 90 % 10}")
        if not mesh.settled(revision):
            sys.exit(f"fleet: revision {revision} was not acknowledged by all {len(mesh.names)} within a minute")
        took.append(time.monotonic() - started)
    return took, (machine.cpu_of([controller.process.pid]) - before) / rounds


def row(mesh, controller, base, rounds):
    wait_until(lambda: controller.call("GET", "/v1/progress?service=*&revision=0")["acknowledged"] == len(mesh.names), PATIENCE,
               f"{len(mesh.names)} proxies that watch")
    time.sleep(2)  # until what their joining took has been given back
    memory = machine.pss_of([controller.process.pid]) - base
    measure(mesh, controller, 3)
    took, cpu = measure(mesh, controller, rounds)
    snapshot = max(proxy["snapshot_bytes"] for proxy in controller.call("GET", "/v1/fleet")["proxies"])
    return {"proxies": len(mesh.names), "p50": statistics.median(took), "p99": quantile(took, 0.99), "cpu": cpu,
            "watcher": memory / len(mesh.names), "snapshot": snapshot}


def table(rows):
    lines = ["| proxies | p50 s | p99 s | controller CPU s a flag | controller memory a watcher, KiB | largest snapshot, bytes |", "|---|---|---|---|---|---|"]
    lines += [f"| {one['proxies']} | {one['p50']:.3f} | {one['p99']:.3f} | {one['cpu']:.3f} | {one['watcher'] / 1024:.1f} | {one['snapshot']} |"
              for one in rows]
    return "\n".join(lines)


def options_of(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proxies", type=int, action="append", help="a point of the curve (100, 1000, 2000, 5000)")
    parser.add_argument("--rounds", type=int, default=100, help="flags set at each point")
    parser.add_argument("--guard", action="store_true", help="status 5 when 1 000 proxies or fewer take over a second (p99)")
    return parser.parse_args(argv)


def main():
    options = options_of(None)
    os.environ.setdefault("LOAM_BIN", str(ROOT / "build" / "release" / "bin"))
    machine.enter_namespace()
    with tempfile.TemporaryDirectory(prefix="loam-fleet-") as folder:
        controller = Controller(folder)
        base = machine.pss_of([controller.process.pid])
        mesh = Mesh(controller, folder)
        rows = []
        try:
            for count in sorted(options.proxies or [100, 1000, 2000, 5000]):
                mesh.grow(count)
                rows.append(row(mesh, controller, base, options.rounds))
                say(f"{count} proxies: p99 {rows[-1]['p99']:.3f} s, {rows[-1]['watcher'] / 1024:.1f} KiB a watcher")
        finally:
            mesh.end()
            machine.end(controller.process)
    print(table(rows))
    slow = [one for one in rows if one["proxies"] <= 1000 and one["p99"] > MOST_SECONDS]
    sys.exit(5 if options.guard and slow else 0)


if __name__ == "__main__":
    main()
