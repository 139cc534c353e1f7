"""Real proxies at a real controller's agents' port: they join, are steered and report, follow a change of roots, and come back from a revocation."""
import contextlib
import json
import shutil
import signal
import socket
import tempfile

import agents
import pytest
from agent_proxy import Proxy, agent_of, echo_server, in_effect
from processes import wait_until


@pytest.fixture
def controller():
    home = tempfile.mkdtemp(prefix="loam-agents-", dir="/var/tmp")
    made = agents.Controller(home)
    try:
        yield made.start()
    finally:
        made.end(signal.SIGKILL)
        shutil.rmtree(home)


@pytest.fixture
def server():
    """The port of something to relay to."""
    with echo_server() as port:
        yield port


@pytest.fixture
def proxy(controller, server):
    made = Proxy(controller, "node-a", server)
    try:
        yield made
    finally:
        made.end()


def test_a_proxy_joins_is_steered_and_reports(controller, proxy):
    proxy.start()  # relays before anybody knows it
    wait_until(lambda: "no join token" in proxy.log(), 5, "the proxy's word that it needs one")
    proxy.give(controller.token(proxy.name))
    wait_until(lambda: in_effect(controller, proxy), 10, "its snapshot in effect")
    assert proxy.relays()
    wait_until(lambda: any(one["name"] == proxy.name for one in controller.call("GET", "/v1/proxies")["proxies"]), 20, "its report")
    assert (proxy.home / "identity").stat().st_mode & 0o777 == 0o700
    assert (proxy.home / "identity" / "current").stat().st_mode & 0o777 == 0o600
    assert proxy.metric("loam_identity_joins_total") == [1]
    assert 6.9 * 86400 < proxy.metric("loam_identity_expiry_seconds")[0] <= 7 * 86400
    secret = proxy.token_file.read_text().strip()
    assert secret not in proxy.log()
    proxy.end()
    proxy.token_file.unlink()
    proxy.start()  # with the identity that it kept
    wait_until(lambda: proxy.metric("loam_identity_trust_step")[0] >= 1, 5, "its trust")
    wait_until(lambda: agent_of(controller, proxy)["contact_seconds_ago"] < 2, 10, "the next program's question")
    assert proxy.metric("loam_identity_joins_total") == [0]


def test_d6_a_change_of_roots_takes_no_connection_with_it(controller, proxy):
    proxy.give(controller.token(proxy.name))
    proxy.start()
    wait_until(lambda: in_effect(controller, proxy), 10, "its snapshot in effect")
    before = controller.identity()["rotation"]["issuing"]
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as alive:
        for step in ("begin", "advance", "advance", "advance"):
            def taken():
                with contextlib.suppress(Exception):
                    return controller.rotate(step)
            wait_until(taken, 15, f"every agent to have done what comes before {step}")
        alive.sendall(b"still")
        assert alive.recv(5) == b"still"
    assert controller.identity()["rotation"]["issuing"] != before
    assert proxy.metric("loam_identity_renewals_total")[0] >= 1
    assert proxy.metric("loam_identity_failures_total") == [0]
    wait_until(lambda: in_effect(controller, proxy), 10, "its snapshot in effect under the new root")


def test_d14_a_proxy_that_pins_another_root_never_shows_its_token(controller, proxy):
    config = (proxy.home / "proxy.yaml").read_text()
    (proxy.home / "proxy.yaml").write_text(config.replace(controller.identity()["rotation"]["issuing"], "0" * 64))
    proxy.give(controller.token(proxy.name))
    proxy.start()
    wait_until(lambda: "does not end in the root that is expected" in proxy.log(), 10, "the reason")
    assert proxy.relays()
    assert all("used" not in str(token.get("state", "")) for token in controller.call("GET", "/v1/identity/tokens")["tokens"])
    assert agent_of(controller, proxy) is None


def test_d12_a_revoked_proxy_relays_on_and_comes_back_with_a_new_token(controller, proxy):
    proxy.give(controller.token(proxy.name))
    proxy.start()
    wait_until(lambda: in_effect(controller, proxy), 10, "its snapshot in effect")
    serial = controller.call("GET", "/v1/identity/certificates")["certificates"][0]["serial"]
    controller.call("POST", "/v1/identity/denials", {"serial": serial, "reason": "a test"})
    wait_until(lambda: "the controller is away" in proxy.log(), 40, "the proxy to be turned away")
    word = "the controller has revoked this proxy's certificate: relaying goes on, a new join token is needed in "
    wait_until(lambda: word in proxy.log(), 20, "the reason")
    assert proxy.relays()
    proxy.give(controller.token(proxy.name))
    wait_until(lambda: proxy.metric("loam_identity_joins_total") == [2], 40, "the second join")
    wait_until(lambda: agent_of(controller, proxy)["contact_seconds_ago"] < 2, 10, "its question")
    assert proxy.log().count(word) == 1
