"""A service that is served instead of relayed: nobody notices but who does not speak HTTP/1.1, and he is told why."""
import pytest
from clocks import ADMIN, metric_of
from conftest import loam_in
from counting import Drive, assert_recorded, callers, total
from processes import wait_until
from test_flags import name_of_orders

ORDERS = 8080


@pytest.fixture(scope="module")
def served(lab):
    """Proxies on both hosts, the service's name and what was sent to it so far."""
    with loam_in(lab, "both", exclude_ports=[ADMIN], admin=f"127.0.0.1:{ADMIN}") as loam:
        sent = drive(lab, calls=10)
        yield loam, name_of_orders(loam), sent


def drive(lab, **terms):
    return Drive(lab.client, {ORDERS: callers(lab)[ORDERS]}, **terms).finish()


def serve(loam, service, *stage):
    loam.cli("flag", "set", service, "serve", *stage, "--reason", "a test", "--wait")


def answer_to(lab, request):
    """All that a client hears who says this, until the other side ends."""
    heard = b""
    with lab.connect(ORDERS) as connection:
        connection.sendall(request)
        while piece := connection.recv(65536):
            heard += piece
    return heard


def test_a_service_goes_from_relay_to_serve_and_back_under_traffic(lab, served):
    """By percent, at both of its proxies; the count of what was sent stays that of the record, and no request fails."""
    loam, service, sent = served
    driven = Drive(lab.client, {ORDERS: callers(lab)[ORDERS]}, calls=600, pause=0.01, renew=5)
    serve(loam, service, "on", "--percent", "50")
    serve(loam, service, "on", "--percent", "100")
    wait_until(lambda: all(metric_of(host, "loam_serve_requests_total") > 100 for host in (lab.client, lab.server)), 20, "served requests")
    loam.cli("flag", "kill", service, "--feature", "serve", "--reason", "back")
    during = driven.finish()
    before = [metric_of(host, "loam_serve_requests_total") for host in (lab.client, lab.server)]
    after = drive(lab, calls=20)
    assert [metric_of(host, "loam_serve_requests_total") for host in (lab.client, lab.server)] == before
    assert_recorded(loam, total(sent, during, after))


@pytest.mark.parametrize("request_, status, why", [
    (b"POST /orders/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "both_lengths"),
    (b"GET /orders/1 HTTP/1.1\nHost: a\n\n", 400, "bare_lf"),
    (b"GET /orders/1 HTTP/1.1\r\n\r\n", 400, "host"),
    (b"GET /orders/1 HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70000 + b"\r\n\r\n", 431, "head_too_long")])
def test_what_the_codec_does_not_let_through_is_answered_with_the_reason(lab, served, request_, status, why):
    loam, service, _ = served
    serve(loam, service, "on")
    heard = answer_to(lab, request_)
    assert heard.startswith(b"HTTP/1.1 %d " % status)
    assert b"proxy-status: loam; error=http_request_error; details=\"%s\"\r\n" % why.encode() in heard


def test_what_is_no_http_is_relayed(lab, served):
    loam, service, _ = served
    serve(loam, service, "on")
    before = metric_of(lab.client, "loam_serve_foreign_total")
    answer_to(lab, b"\x16\x03\x01\x00\x05hello\r\n\r\n")  # which the server refuses by itself
    assert metric_of(lab.client, "loam_serve_foreign_total") == before + 1
