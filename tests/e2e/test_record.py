"""The graph equals an independent count: what the callers sent is recorded exactly, whatever happens to Loam's own parts."""
import os
import signal
import time

import pytest
from chopper import Chopper
from conftest import loam_in
from counting import Drive, assert_recorded, callers, recorded, total
from processes import wait_until

SIDES = ["outbound", "inbound", "both"]


def servers_own_counts(lab):
    """(connections, requests) as Redis and MariaDB count them, by port."""
    with lab.client.inside():
        made = {port: edge for port, edge in callers(lab).items() if port in (3306, 6379)}
        for edge in made.values():
            edge.connect()
    redis, mariadb = made[6379].connection, made[3306].cursor
    redis.send_command("INFO", "stats")
    stats = dict(line.split(":") for line in redis.read_response().decode().split() if ":" in line)
    mariadb.execute("show global status where variable_name in ('Connections', 'Questions')")
    status = dict(mariadb.fetchall())
    for edge in made.values():
        edge.close()
    return {6379: (int(stats["total_connections_received"]), int(stats["total_commands_processed"])),
            3306: (int(status["Connections"]), int(status["Questions"]))}


def test_the_callers_count_is_what_the_servers_saw(lab):
    """The control: without Loam, the callers' count agrees with the servers' own counters."""
    before = servers_own_counts(lab)
    counts = Drive(lab.client, callers(lab), calls=60).finish()
    after = servers_own_counts(lab)
    for port, quits in {6379: 0, 3306: 1}.items():  # MariaDB counts COM_QUIT, which has no answer and is no exchange
        connections = after[port][0] - before[port][0] - 1  # a look at the counters is a connection and a request itself
        requests = after[port][1] - before[port][1] - 1 - quits * (connections + 1)
        assert (connections, requests) == (counts[port]["connections"], counts[port]["requests"])


@pytest.mark.parametrize("side", SIDES)
def test_the_graph_counts_what_was_sent(lab, side):
    """HTTP, PostgreSQL, MariaDB and Redis, seen by one proxy or by two: merged, never summed."""
    with loam_in(lab, side) as loam:
        assert_recorded(loam, Drive(lab.client, callers(lab), calls=60).finish())


@pytest.mark.parametrize("side", ["outbound", "both"])
def test_a_connection_that_stays_open_is_counted_as_it_goes(lab, side):
    """Nothing waits for the end of a connection."""
    with loam_in(lab, side) as loam:
        made = callers(lab)
        drive = Drive(lab.client, made, calls=400, pause=0.04, renew=1000)
        time.sleep(8)
        seen = recorded(loam, drive.counts)
        assert len(seen) == len(made) and all(count["requests"] > 20 for count in seen.values())
        assert_recorded(loam, drive.finish())


def restart_controller(lab, loam):
    loam.stop_controller()
    time.sleep(2)
    loam.start_controller(lab.second)


def kill_controller(lab, loam):
    loam.stop_controller(signal.SIGKILL)
    time.sleep(2)
    loam.start_controller(lab.second)


def restart_proxies(_, loam):
    for host in list(loam.hosts.values()):
        loam.restart_proxy(host)


@pytest.mark.parametrize("side", ["outbound", "both"])
def test_a_graceful_restart_of_the_proxies_loses_and_doubles_nothing(lab, side):
    """Connections that live through it and such as are opened all the while: capture is handed over without a gap."""
    with loam_in(lab, side) as loam:
        through = Drive(lab.client, callers(lab), calls=100, pause=0.05, renew=1000)
        during = Drive(lab.client, callers(lab), calls=100, pause=0.05, renew=2)
        time.sleep(2)
        restart_proxies(lab, loam)
        assert_recorded(loam, total(through.finish(), during.finish()))


@pytest.mark.parametrize("event", [restart_controller, kill_controller])
@pytest.mark.parametrize("side", ["outbound", "both"])
def test_restarts_of_the_controller_lose_and_double_nothing(lab, side, event):
    """Ended or killed under traffic, started again two seconds later."""
    with loam_in(lab, side) as loam:
        drive = Drive(lab.client, callers(lab), calls=100, pause=0.05)
        time.sleep(2)
        event(lab, loam)
        assert_recorded(loam, drive.finish())


@pytest.mark.parametrize("side", ["outbound", "both"])
def test_what_was_sent_while_the_controller_was_away_is_spooled_and_counted(lab, side):
    """The proxy is restarted in between as well: the spool is on disk."""
    with loam_in(lab, side) as loam:
        loam.stop_controller()
        first = Drive(lab.client, callers(lab), calls=40).finish()
        time.sleep(5)
        restart_proxies(lab, loam)
        second = Drive(lab.client, callers(lab), calls=40).finish()
        loam.start_controller(lab.second)
        assert_recorded(loam, total(first, second))


@pytest.mark.parametrize("side", ["outbound", "both"])
def test_one_byte_segments_are_counted_alike(lab, side):
    """Both directions cut into single bytes: the callers' by a forwarder on their host, the servers' by one on theirs."""
    server = {port: Chopper(lab.server, lab.server.address, (lab.server.address, port), downstream=True) for port in (8080, 5432, 3306, 6379)}
    client = {port: Chopper(lab.client, "127.0.0.1", (lab.server.address, cut.port), upstream=True) for port, cut in server.items()}
    try:
        with loam_in(lab, side) as loam:
            counts = Drive(lab.client, callers(lab, {port: ("127.0.0.1", cut.port) for port, cut in client.items()}), calls=20).finish()
            assert_recorded(loam, {server[port].port: count for port, count in counts.items()})
    finally:
        for cut in (*client.values(), *server.values()):
            cut.close()


def test_a_killed_proxy_loses_at_most_the_last_ten_seconds_and_says_so(lab):
    """Everything older than ten seconds before the kill is recorded; the gap is in the coverage."""
    with loam_in(lab, "outbound") as loam:
        drive = Drive(lab.client, {8080: callers(lab)[8080]}, calls=400, pause=0.05, renew=10)
        time.sleep(14)
        killed = time.time()
        os.kill(loam.table.pid("proxy-client"), signal.SIGKILL)
        drive.threads[0].join()
        safe = sum(requests for _, moment, requests in drive.sent if moment < killed - 10)
        whole = sum(requests for _, moment, requests in drive.sent if moment < killed)
        assert safe > 20
        wait_until(lambda: recorded(loam, [8080]), 15, "the edge")
        time.sleep(3)
        assert safe <= recorded(loam, [8080])[8080]["requests"] <= whole
        now = int(time.time())
        header = loam.get("/v1/graph", **{"from": now - 60, "to": now})["header"]
        assert [cover["share"] < 1 for cover in header["coverage"]] == [True]
