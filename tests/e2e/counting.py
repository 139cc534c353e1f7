"""The independent count: what callers sent, by the port they sent it to, and what the graph says of the same ports."""
import threading
import time
from dataclasses import asdict, dataclass

import edges
from lab import PASSWORD
from processes import wait_until

IN_THE_GRAPH_WITHIN = 15  # seconds, the promise


@dataclass
class Count:
    connections: int = 0
    requests: int = 0
    errors: int = 0


def callers(lab, ports=None):
    """One edge of each exact protocol towards the server; `ports` overrules where one goes: {port: (address, port)}."""
    def target(port):
        address, there = (ports or {}).get(port, (lab.server.address, port))
        return f"{address}:{there}"
    account = {"user": "frontend", "password": PASSWORD}
    return {8080: edges.HttpEdge(target(8080), paths=["/orders/1", "/orders/2"]), 5432: edges.PostgresEdge(target(5432), **account),
            3306: edges.MariaDbEdge(target(3306), **account), 6379: edges.RedisEdge(target(6379))}


class Drive:
    """Calls edges side by side from a host, a new connection each `renew` calls, one call in ten asking for an error."""

    def __init__(self, host, made, calls, pause=0.0, renew=20):
        self.counts = {port: Count() for port in made}
        self.sent = []  # (port, unix time, requests) of each call
        self.failures = []
        with host.inside():
            self.threads = [threading.Thread(target=self._run, args=(port, edge, calls, pause, renew), daemon=True) for port, edge in made.items()]
            for thread in self.threads:
                thread.start()

    def _run(self, port, edge, calls, pause, renew):
        count = self.counts[port]
        try:
            for call in range(calls):
                if call % renew == 0:
                    edge.close()
                    edge.connect()
                    count.connections += 1
                    count.requests += edge.requests_per_connection
                count.errors += edge.call(call % 10 == 9)
                count.requests += edge.requests_per_call
                self.sent.append((port, time.time(), edge.requests_per_call))
                time.sleep(pause)
            edge.close()
        except Exception as error:  # of any driver: the test must see it, the thread must not hide it
            self.failures.append((port, repr(error)))

    def finish(self):
        """Waits for the end of all calls; none may have failed. Returns the counts by port."""
        for thread in self.threads:
            thread.join()
        assert self.failures == []
        return {port: asdict(count) for port, count in self.counts.items()}


def total(*counts):
    """The sum of several counts by port."""
    return {port: {key: sum(count[port][key] for count in counts) for key in counts[0][port]} for port in counts[0]}


def recorded(loam, ports):
    """The graph's edges to these ports, as counts; an edge that is there twice is a mistake."""
    found = {}
    for edge in loam.get("/v1/graph", **{"from": int(time.time()) - 600, "to": int(time.time()) + 60})["edges"]:
        if edge["port"] in ports and edge["captured"]:
            assert edge["port"] not in found, f"two edges for port {edge['port']}"
            found[edge["port"]] = {key: edge[key] for key in ("connections", "requests", "errors")}
    return found


def assert_recorded(loam, counts, seconds=IN_THE_GRAPH_WITHIN):
    """The graph agrees exactly within that many seconds, and goes on agreeing."""
    try:
        wait_until(lambda: recorded(loam, counts) == counts, seconds, "the graph")
    except TimeoutError:
        pass
    time.sleep(1)
    assert recorded(loam, counts) == counts
