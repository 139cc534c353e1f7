"""Break glass: a person on a host switches its proxy's features off, with no network and no controller."""
import os
import signal
import time

import pytest
from conftest import loam_in
from counting import Drive, callers
from loam import programs
from network import run
from processes import wait_until

ORDERS = 8080
SAID = "killed on this host"


@pytest.fixture
def loam(lab):
    with loam_in(lab, "outbound") as started:
        yield started


def on_the_host(loam, host, *words):
    """`loam proxy ...` as somebody who is on that host types it, where no controller answers."""
    environment = {**os.environ, "LOAM_HOME": str(loam.directory / host.name), "LOAM_CONTROLLER": "/nowhere.sock"}
    run(*host.command(programs() / "loam", "proxy", *words), env=environment)


def listed(loam):
    """How the controller's list shows the proxy of the client's host."""
    return [one for one in loam.get("/v1/fleet")["proxies"] if one["name"] == "client"]


def test_a_kill_holds_within_a_second_for_the_next_proxy_too_until_it_is_taken_back(lab, loam):
    loam.stop_controller(signal.SIGKILL)
    since = time.monotonic()
    on_the_host(loam, lab.client, "kill", "--local", "--reason", "a test")
    wait_until(lambda: SAID in loam.table.log("proxy-client"), 5, "the proxy's word")
    assert time.monotonic() - since < 1
    Drive(lab.client, {ORDERS: callers(lab)[ORDERS]}, calls=20, renew=1).finish()  # traffic does not notice
    loam.restart_proxy(lab.client)
    assert SAID in loam.table.log("proxy-client")
    Drive(lab.client, {ORDERS: callers(lab)[ORDERS]}, calls=20, renew=1).finish()

    loam.start_controller(lab.second)
    wait_until(lambda: listed(loam) and listed(loam)[0]["killed"], 40, "the controller to hear of it")
    assert "killed" in loam.cli("proxy", "list")
    on_the_host(loam, lab.client, "restore", "--local")
    wait_until(lambda: not listed(loam)[0]["killed"], 5, "the controller to hear that it is over")
    assert "killed" not in loam.cli("proxy", "list")
