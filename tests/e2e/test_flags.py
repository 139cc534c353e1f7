"""The whole way of a flag: from `loam` over the controller to a running proxy, and what the record shows of it."""
import signal
import subprocess
import time

import pytest
from conftest import loam_in
from counting import IN_THE_GRAPH_WITHIN, Drive, callers, recorded
from loam import programs
from processes import wait_until

ORDERS = 8080


def connections(loam):
    return recorded(loam, [ORDERS]).get(ORDERS, {"connections": 0})["connections"]


def call(lab, count):
    """So many connections to the orders service, with a request on each."""
    Drive(lab.client, {ORDERS: callers(lab)[ORDERS]}, calls=count, renew=1).finish()


def name_of_orders(loam):
    """What the graph calls the service, once its controller can be asked to steer it."""
    def found():
        names = [edge["target"] for edge in loam.get("/v1/graph")["edges"] if edge["port"] == ORDERS]
        flags = names and loam.get("/v1/fleet")["proxies"] and loam.get(f"/v1/fleet/{loam.get('/v1/fleet')['proxies'][0]['name']}/snapshot")
        return names[0] if flags and any(service["name"] == names[0] for service in flags["services"]) else None
    wait_until(found, 40, "the orders service in the proxy's snapshot")
    return found()


def settled(loam, still=5):
    """Connections in the record, once none came for so many seconds."""
    count, since = connections(loam), time.monotonic()
    while time.monotonic() - since < still:
        time.sleep(0.2)
        if (now := connections(loam)) != count:
            count, since = now, time.monotonic()
    return count


def seen_after(loam, before, least=0):
    """Connections that the record got since, when at least so many came and no more come."""
    wait_until(lambda: connections(loam) - before >= least, IN_THE_GRAPH_WITHIN, f"{least} connections in the record")
    return settled(loam) - before


@pytest.fixture
def steered(lab):
    with loam_in(lab, "outbound") as loam:
        call(lab, 5)
        yield loam, name_of_orders(loam)


def set_observe(loam, service, stage, *more):
    return loam.cli("flag", "set", service, "observe", stage, *more, "--reason", "a test", "--wait")


def test_a_flag_changes_a_running_proxy_and_the_record_shows_it(lab, steered):
    """10 % of the connections are observed, then none, then all; the traffic does not notice."""
    loam, service = steered
    set_observe(loam, service, "sampled", "--percent", "10")
    assert loam.get("/v1/graph")["header"]["sampled"] == [{"service": service, "share": 0.1}]
    assert f"observed  only 10.0% of {service}" in loam.cli("graph", "show")
    before = settled(loam)
    call(lab, 400)
    assert 12 <= seen_after(loam, before, 12) <= 80  # 40 expected; six standard deviations
    set_observe(loam, service, "off")
    before = settled(loam)
    call(lab, 50)
    assert seen_after(loam, before) == 0
    set_observe(loam, service, "on")
    before = settled(loam)
    call(lab, 50)
    assert seen_after(loam, before, 50) == 50


def test_what_was_acknowledged_holds_without_a_controller(lab, steered):
    """Also in a proxy that starts while it is away: it has the snapshot on its disk."""
    loam, service = steered
    set_observe(loam, service, "off")
    before = settled(loam)
    loam.stop_controller(signal.SIGKILL)
    loam.restart_proxy(lab.client)
    call(lab, 50)
    loam.start_controller(lab.second)
    assert seen_after(loam, before) == 0
    assert loam.get(f"/v1/services/{service}/features/observe")["stage"] == "off"


def test_of_two_that_race_for_one_flag_one_wins(lab, steered):
    loam, service = steered
    for round_number in range(10):
        revision = str(loam.get(f"/v1/services/{service}/features/observe")["revision"])
        words = [programs() / "loam", "flag", "set", service, "observe", "sampled", "--if-revision", revision, "--reason", "race"]
        racing = [subprocess.Popen([*words, "--percent", str(percent)], env=loam.cli_environment(), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True) for percent in (20 + round_number, 60 + round_number)]
        said = [process.communicate()[1] for process in racing]
        assert sorted(process.returncode for process in racing) == [0, 4]
        loser = said[[process.returncode for process in racing].index(4)]
        assert "sampled" in loser and "race" in loser  # what it is now, and why


def test_a_service_that_is_not_to_be_captured_goes_past_the_proxy(lab, steered):
    loam, service = steered
    loam.cli("service", "set", service, "--capture", "off", "--reason", "a test")
    def past():
        before = loam.redirected(lab.client)
        call(lab, 5)
        return loam.redirected(lab.client) == before
    wait_until(past, 20, "connections past the proxy")
    loam.cli("service", "set", service, "--capture", "on", "--reason", "a test")
    wait_until(lambda: not past(), 20, "connections through the proxy again")


def test_kill_is_in_force_when_it_returns(lab, steered):
    loam, service = steered
    loam.cli("flag", "kill", service, "--reason", "a test")
    before = settled(loam)
    call(lab, 50)
    assert seen_after(loam, before) == 0
    assert loam.get("/v1/audit", kind="flag")["events"][-1]["act"]["verb"] == "kill"
    assert "whole" in loam.cli("audit", "verify")
