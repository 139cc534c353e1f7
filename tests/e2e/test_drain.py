"""A proxy is taken out of the way of new connections and brought back, from `loam` over the controller; the traffic does not notice."""
import os
import signal
import subprocess
import time

import pytest
from conftest import loam_in
from lab import echo
from loam import programs
from network import run
from processes import wait_until
from traffic import NewConnections, old_connections

TIMEOUT = 6  # loam's exit status


@pytest.fixture(params=["outbound", "inbound"])
def under_load(lab, request):
    """Loam on one side of an echo server, a hundred new connections a second through it: (loam, captured host, load)."""
    with lab.new_origin() as origin, loam_in(lab, request.param) as loam:
        origin.serve(echo)
        host = next(iter(loam.hosts.values()))
        wait_until(lambda: [one for one in loam.get("/v1/fleet")["proxies"] if one["name"] == host.name], 40, "the proxy to ask")
        with NewConnections(lab.client, (lab.server.address, origin.port)) as load:
            yield loam, host, load


def drain(loam, host, *more):
    return subprocess.run([programs() / "loam", "proxy", "drain", host.name, "--reason", "a test", *more], env=loam.cli_environment(),
                          capture_output=True, text=True, timeout=60)


def resume(loam, host):
    loam.cli("proxy", "resume", host.name, "--reason", "a test", "--wait")
    wait_until(lambda: loam.captures(host), 15, "capture")


def drain_of(loam, host):
    return loam.get(f"/v1/fleet/{host.name}")["drain"]


def led_here(loam, host, load, watch=2.0):
    """How many of the connections that are opened from now on come to the proxy."""
    before, opened = loam.redirected(host), load.opened
    time.sleep(watch)
    assert load.opened > opened + 50 * watch
    return loam.redirected(host) - before


def test_new_connections_go_past_a_drained_proxy_and_old_ones_live_on_whatever_is_restarted(lab, under_load):
    loam, host, load = under_load
    with old_connections(lambda: lab.connect(load.address[1])):
        assert led_here(loam, host, load) > 50
        asked = drain(loam, host, "--wait", "--timeout", "8")
        assert asked.returncode == TIMEOUT, asked.stderr
        assert f"not yet: 10 connections left at {host.name}" in asked.stderr
        assert led_here(loam, host, load) == 0
        assert drain_of(loam, host)["state"] == "draining"
        assert "draining, 10 open" in loam.cli("proxy", "list")
        assert ": a test" in loam.cli("proxy", "describe", host.name)

        loam.stop_controller(signal.SIGKILL)
        loam.restart_proxy(host, drained=True)  # from the snapshot on its disk
        assert led_here(loam, host, load) == 0
        loam.start_controller(lab.second)
        assert drain_of(loam, host)["by"] == "root"
        wait_until(lambda: drain_of(loam, host)["state"] == "drained", 60, "the new proxy, which relays nothing")
        assert drain(loam, host, "--wait").returncode == 0
        assert led_here(loam, host, load) == 0

        resume(loam, host)
        assert led_here(loam, host, load) > 50
        assert drain_of(loam, host)["state"] == "none"
    assert load.failures == []
    verbs = [event["act"]["verb"] for event in loam.get("/v1/audit", kind="drain")["events"]]
    assert verbs == ["proxy.drain", "proxy.resume"]


def test_drained_and_resumed_at_once_fails_no_connection(lab, under_load):
    loam, host, load = under_load
    with old_connections(lambda: lab.connect(load.address[1])):
        for _ in range(3):
            assert drain(loam, host).returncode == 0
            wait_until(lambda: not loam.captures(host), 15, "the end of capture")
            resume(loam, host)
        assert led_here(loam, host, load) > 50
    assert load.failures == []


def test_a_kill_on_the_host_and_its_end_leave_a_proxy_drained(lab, under_load):
    loam, host, load = under_load
    assert drain(loam, host, "--wait").returncode == 0
    environment = {**os.environ, "LOAM_HOME": str(loam.directory / host.name), "LOAM_CONTROLLER": "/nowhere.sock"}
    for verb, killed in (("kill", True), ("restore", False)):
        run(*host.command(programs() / "loam", "proxy", verb, "--local"), env=environment)
        wait_until(lambda killed=killed: loam.get(f"/v1/fleet/{host.name}")["killed"] == killed, 15, f"the controller to hear of the {verb}")
        assert led_here(loam, host, load) == 0
    assert drain_of(loam, host)["state"] == "drained"
    resume(loam, host)
    assert led_here(loam, host, load) > 50
    assert load.failures == []
