"""Fixtures of the end-to-end tests: one lab for the whole run, Loam put into it in a mode."""
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "demo"), str(HERE.parent / "demo" / "services")]

pytest.register_assert_rewrite("agent_proxy", "agents", "canaries", "clocks", "counting", "demo_bed", "lab", "traffic")

from lab import Lab  # noqa: E402
from loam import missing_programs  # noqa: E402

CI = os.environ.get("CI") == "true"
MODES = ["direct", "outbound", "inbound", "both", "mtls"]


def unavailable(why):
    """Skips, but where CI=true a test that cannot run has failed."""
    pytest.fail(why) if CI else pytest.skip(why)


@pytest.fixture(scope="session")
def lab():
    """Hosts client, second and server, the last with real nginx, PostgreSQL, MariaDB, Redis and the demo's services."""
    if os.geteuid() != 0:
        unavailable("network namespaces need root")
    made = Lab()
    try:
        made.up()
        yield made
    finally:
        made.down()


@pytest.fixture(scope="module", params=MODES)
def mode(lab, request):
    """The lab with Loam on the client's host (outbound), the server's (inbound), both or none; afterwards the hosts are as before."""
    with loam_in(lab, request.param):
        # On the client's own host its port is taken, by the client's end of the connection.
        lab.keeps_ports = request.param in ("direct", "inbound")
        yield request.param


def loam_in(lab, mode, **terms):
    """Loam in the lab for a `with` block, with these terms of capture."""
    if mode != "direct" and (missing := missing_programs()):
        unavailable(f"not built: {', '.join(missing)}")
    return lab.captured(mode, **terms)


@pytest.fixture(params=["IPv4", "IPv6"])
def family(request):
    return request.param


@pytest.fixture
def really_captured(lab, mode, request):
    """Every captured host must have led connections of the test to its proxy, or the test has shown nothing. Not so where the point
    is that nothing answers."""
    hosts = [host for host in lab.loam.hosts.values() if mode != "mtls" or host is lab.client]  # to the other they come by its port for proxies
    before = [lab.loam.redirected(host) for host in hosts]
    yield
    if not any(word in request.node.name for word in ("refuse", "unreachable")):
        assert all(lab.loam.redirected(host) > count for host, count in zip(hosts, before))
