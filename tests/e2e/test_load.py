"""Loam takes the connections that busy hosts open: 1 500 new ones a second, and refuses none."""
import multiprocessing
import socket
import time

import pytest
from conftest import loam_in

RATE = 1500
SECONDS = {"direct": 10, "outbound": 60, "inbound": 60}  # the first is the control
CALLERS = 8
REQUEST = b"GET / HTTP/1.1\r\nHost: load\r\nConnection: close\r\n\r\n"


def call_steadily(host, address, rate, seconds, results):
    """Opens `rate` connections a second, one request each; reports (opened, failures)."""
    opened, failures = 0, []
    with host.inside():
        start = time.monotonic()
        while (elapsed := time.monotonic() - start) < seconds:
            for _ in range(int(elapsed * rate) - opened - len(failures)):
                try:
                    with socket.create_connection(address, timeout=10) as connection:
                        connection.sendall(REQUEST)
                        answer = connection.recv(65536)
                        while piece := connection.recv(65536):
                            answer += piece
                        if not answer.startswith(b"HTTP/1.1 200"):
                            raise ConnectionError(f"answered {answer[:40]!r}")
                    opened += 1
                except OSError as error:
                    failures.append(repr(error))
            time.sleep(0.002)
    results.put((opened, failures))


@pytest.mark.parametrize("mode", ["direct", "outbound", "inbound"])
def test_1500_new_connections_a_second_are_all_answered(lab, mode):
    """The rate must really have been reached, so that a slow proxy fails as a refusing one does."""
    with loam_in(lab, mode):
        results = multiprocessing.Queue()
        processes = [multiprocessing.Process(target=call_steadily, args=(lab.client, (lab.server.address, 80), RATE / CALLERS, SECONDS[mode], results))
                     for _ in range(CALLERS)]
        for process in processes:
            process.start()
        outcomes = [results.get() for _ in processes]
        for process in processes:
            process.join()
    assert [failures[:3] for _, failures in outcomes] == [[]] * CALLERS
    assert sum(opened for opened, _ in outcomes) >= 0.98 * RATE * SECONDS[mode]
