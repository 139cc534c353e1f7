"""When a part of Loam dies, connections go direct; when it is restarted, nobody notices."""
import contextlib
import ctypes
import os
import pathlib
import signal
import time

import pytest
from conftest import loam_in
from lab import echo
from traffic import NewConnections, old_connections

PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, thread):
    if libc.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x} of {thread}")


@contextlib.contextmanager
def stopped(thread):
    """One thread of a process held still, as SIGSTOP would hold them all; the caller's thread is its tracer."""
    ptrace(PTRACE_SEIZE, thread)
    ptrace(PTRACE_INTERRUPT, thread)
    os.waitpid(thread, 0x40000000)  # __WALL
    try:
        yield
    finally:
        ptrace(PTRACE_DETACH, thread)


def workers_of(pid):
    """Thread ids of a proxy's workers."""
    return [int(task.name) for task in sorted(pathlib.Path(f"/proc/{pid}/task").iterdir())
            if task.joinpath("comm").read_text().startswith("worker")]


@pytest.fixture(params=["outbound", "inbound"])
def under_load(lab, request):
    """Loam on one side of an echo server, a hundred new connections a second through it: (loam, captured host, load)."""
    with lab.new_origin() as origin, loam_in(lab, request.param) as loam:
        origin.serve(echo)
        with NewConnections(lab.client, (lab.server.address, origin.port)) as load:
            time.sleep(1)
            assert load.opened > 50 and load.failures == []
            yield loam, next(iter(loam.hosts.values())), load


def assert_direct_after(load, moment, within, watch=2.0):
    """Every connection started later than `within` seconds after `moment` succeeds."""
    time.sleep(max(0.0, moment + within - time.monotonic()))
    opened = load.opened
    time.sleep(watch)
    assert load.opened > opened + 50 * watch
    assert load.failed_since(moment + within) == []


def test_a_killed_proxy_leaves_connections_direct_within_200_ms(under_load):
    loam, host, load = under_load
    moment = time.monotonic()
    os.kill(loam.table.pid(f"proxy-{host.name}"), signal.SIGKILL)
    assert_direct_after(load, moment, 0.2)


def test_guard_and_proxy_killed_together_leave_connections_direct_within_4_s(under_load):
    """The kernel's own timer is what is left."""
    loam, host, load = under_load
    pids = [loam.table.pid(f"{program}-{host.name}") for program in ("guard", "proxy")]
    moment = time.monotonic()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert_direct_after(load, moment, 4)


def test_one_stopped_worker_of_two_leaves_connections_direct_within_4_s(under_load):
    loam, host, load = under_load
    workers = workers_of(loam.table.pid(f"proxy-{host.name}"))
    assert len(workers) == 2
    with stopped(workers[1]):
        assert_direct_after(load, time.monotonic(), 4)


def test_a_stopped_proxy_leaves_connections_direct_within_4_s(under_load):
    loam, host, load = under_load
    pid = loam.table.pid(f"proxy-{host.name}")
    os.kill(pid, signal.SIGSTOP)
    try:
        assert_direct_after(load, time.monotonic(), 4)
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_graceful_restart_of_the_proxy_fails_no_connection(lab, under_load):
    """The old one ends only when its connections do; the new one takes over the listeners in between."""
    loam, host, load = under_load
    with old_connections(lambda: lab.connect(load.address[1])):
        for _ in range(3):
            loam.restart_proxy(host)
            time.sleep(0.5)
    assert load.failures == []


def test_a_killed_guard_leaves_new_connections_working(under_load):
    """The proxy goes on relaying; capture may end, connections may not."""
    loam, host, load = under_load
    moment = time.monotonic()
    os.kill(loam.table.pid(f"guard-{host.name}"), signal.SIGKILL)
    assert_direct_after(load, moment, 0, watch=5)


def test_a_killed_controller_is_noticed_by_nobody(under_load):
    loam, _, load = under_load
    loam.stop_controller(signal.SIGKILL)
    assert_direct_after(load, time.monotonic(), 0, watch=2)
