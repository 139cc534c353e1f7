"""The demo: `demo.py up|down|status`. A brownfield with steady traffic, Loam put in front of it while it runs, and the graph."""
import argparse
import os
import pathlib
import sys
import time

from brownfield import AUDIT_PORT, DIRECTORY, Brownfield
from loam import Loam, missing_programs, programs
from processes import ProcessTable, wait_until

CALLEE = {"outbound": False, "inbound": True}
# legacy and greeter are left out: what calls them is seen from its own side, and mutual TLS has to stay below prefer there.
CAPTURED = {"frontend": {}, "reports": {}, "batch": {}, "web": {"inbound": True}, "orders": CALLEE, "chat": CALLEE, "ticker": CALLEE,
            "postgres": CALLEE, "mariadb": CALLEE, "redis": CALLEE}
ORDERS_PORT = 8080
PATIENCE = 60
PROTOCOLS = {"postgresql": "postgres"}  # what the callers' counts say -> what Loam says


class Demo:
    def __init__(self, directory):
        self.field = Brownfield(directory)
        self.directory = pathlib.Path(directory)

    def _loam(self):
        where = self.directory / "loam"
        where.mkdir(parents=True, exist_ok=True)
        loam = Loam(ProcessTable(where), where)
        loam.hosts = {name: self.field.network[name] for name in CAPTURED if (where / name / "guard.yaml").exists()}  # of an earlier run
        return loam

    def up(self, rate, rare):
        """Brownfield first; then, while it is busy, the controller and a guard and a proxy on each captured host."""
        if missing := missing_programs():
            sys.exit(f"demo: not built: {', '.join(missing)} in {programs()} (./dev demo builds them)")
        self.field.up(rate, rare)
        before = self._broken()
        loam = self._loam()
        loam.start_controller(self.field.network["audit"], agents=True)
        for name, terms in CAPTURED.items():
            loam.start(self.field.network[name], exclude_ports=[AUDIT_PORT], **terms)
            print(f"demo: {name} joined, and captures")
        print("demo: waits for the graph")
        wait_until(lambda: self._complete(loam), PATIENCE, "every edge in the graph")
        print(loam.cli("graph", "show", "--window", "-1m"))
        self._steer(loam)
        broken = self._broken() - before
        print(f"demo: the callers noticed {'nothing' if not broken else f'{broken} broken calls'}\n\n{self._how_to_look_further(loam)}")

    def down(self):
        """The traffic first, that no proxy waits for a connection's end; then Loam, then the brownfield. Nothing stays."""
        self.field.stop_callers()
        if (self.directory / "loam").exists():
            self._loam().stop_all()
        self.field.down()

    def status(self):
        """Programs, counts, and the graph."""
        fine = self.field.status()
        table = ProcessTable(self.directory / "loam")
        for name in table.entries:
            print(f"{name:20} {table.pid(name) or 'ended'}")
        return fine and bool(table.entries) and all(table.pid(name) for name in table.entries)

    def _steer(self, loam):
        """One flag of one service, to a share of its connections and back; each returns when every proxy that carries it runs it."""
        service = next(edge["target"] for edge in loam.get("/v1/graph")["edges"] if edge["port"] == ORDERS_PORT)
        wait_until(lambda: self._can_steer(loam, service), PATIENCE, f"{service} in the proxies' snapshots")
        for words in (["sampled", "--percent", "10"], ["on"]):
            words = ["flag", "set", service, "observe", *words, "--reason", "the demo", "--wait"]
            print(f"$ loam {' '.join(words)}\n{loam.cli(*words)}")

    @staticmethod
    def _can_steer(loam, service):
        """Whether some proxy's snapshot names the service."""
        proxies = [proxy["name"] for proxy in loam.get("/v1/fleet")["proxies"]]
        return any(known["name"] == service for proxy in proxies for known in loam.get(f"/v1/fleet/{proxy}/snapshot")["services"])

    def _broken(self):
        return sum(count["broken"] for count in self.field.counts().values())

    def _complete(self, loam):
        """Every caller has counted, and every edge that it says it uses is in the graph, by its port, with its protocol, and captured but for one."""
        edges = self.field.counts()
        if {edge.split(" ")[0] for edge in edges} != {"frontend", "reports", "batch"}:
            return False
        now = int(time.time())
        known = {(edge["port"], edge["protocol"], edge["captured"]) for edge in loam.get("/v1/graph", **{"from": now - 300, "to": now + 1})["edges"]}
        used = {(int(edge.rsplit(":", 1)[1]), PROTOCOLS.get(count["protocol"], count["protocol"])) for edge, count in edges.items()}
        return {(port, protocol, port != AUDIT_PORT) for port, protocol in used} <= known

    def _how_to_look_further(self, loam):
        home = f"LOAM_HOME={loam.home}"
        program = os.path.relpath(programs() / "loam")
        return "\n".join(["look further:",
                          f"  {home} {program} graph show",
                          f"  {home} {program} edge list -o wide",
                          f"  {home} {program} service describe orders",
                          f"  {home} {program} graph export --format mermaid",
                          f"  {home} {program} top",
                          f"  {home} {program} flag list",
                          f"  {home} {program} identity list",
                          f"  cat {self.directory}/counts-frontend.json    # what a caller says it sent",
                          "  ./dev demo down"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["up", "down", "status"])
    parser.add_argument("--dir", default=DIRECTORY)
    parser.add_argument("--rate", type=float, default=4, help="calls a second of each edge")
    parser.add_argument("--rare", type=float, default=20, help="seconds between two runs of the rare job")
    options = parser.parse_args()
    demo = Demo(options.dir)
    if options.verb == "up":
        demo.up(options.rate, options.rare)
    elif options.verb == "down":
        demo.down()
    else:
        sys.exit(0 if demo.status() else 1)


if __name__ == "__main__":
    main()
