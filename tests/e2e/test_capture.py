"""Capture comes, is replaced and goes under traffic, beside other people's rules, and leaves no trace."""
import contextlib
import subprocess
import time

import pytest
from conftest import loam_in
from lab import CAPTURED, echo, rules_of
from traffic import NewConnections, old_connections

DOCKER = """
table ip nat {
  chain DOCKER { iifname "docker0" counter return; iifname != "docker0" tcp dport 18080 counter dnat to 172.17.0.2:80; }
  chain PREROUTING { type nat hook prerouting priority dstnat; policy accept; fib daddr type local counter jump DOCKER; }
  chain OUTPUT { type nat hook output priority -100; policy accept; ip daddr != 127.0.0.0/8 fib daddr type local counter jump DOCKER; }
  chain POSTROUTING { type nat hook postrouting priority srcnat; policy accept; ip saddr 172.17.0.0/16 oifname != "docker0" counter masquerade; }
}
table ip filter {
  chain DOCKER-USER { counter return; }
  chain FORWARD { type filter hook forward priority filter; policy drop; counter jump DOCKER-USER; oifname "docker0" ct state related,established counter accept; }
}
"""
FIREWALLD = """
table inet firewalld {
  chain mangle_PREROUTING { type filter hook prerouting priority -140; policy accept; }
  chain nat_PREROUTING { type nat hook prerouting priority -90; policy accept; }
  chain nat_OUTPUT { type nat hook output priority -90; policy accept; }
  chain filter_INPUT {
    type filter hook input priority 10; policy accept;
    ct state established,related accept
    ct status dnat accept
    iifname "lo" accept
    ct state invalid drop
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport { 80, 5432, 20000-65535 } ct state new,untracked accept
    reject with icmpx type admin-prohibited
  }
  chain filter_OUTPUT { type filter hook output priority 10; policy accept; ct state established,related accept; oifname "lo" accept; }
}
"""
NEIGHBOURS = {"alone": "", "beside Docker and firewalld": DOCKER + FIREWALLD}


@contextlib.contextmanager
def neighbours(hosts, rules):
    """Other people's rule sets on the hosts for a `with` block."""
    try:
        for host in hosts:
            host.run("nft", "-f", "-", input=rules)
        yield
    finally:
        for host in hosts:
            host.run("nft", "flush", "ruleset")


def without_loam(rules):
    """The rule set listing without Loam's own table."""
    kept, inside = [], False
    for line in rules["nft -s list ruleset"].splitlines():
        inside = inside or line.startswith("table inet loam {")
        if not inside:
            kept.append(line)
        inside = inside and line != "}"
    return kept


@pytest.mark.parametrize("rules", NEIGHBOURS)
@pytest.mark.parametrize("mode", ["direct", "outbound", "inbound", "both"])
def test_old_and_new_connections_survive_capture_coming_and_going(lab, mode, rules):
    """Ten connections older than capture and a hundred new ones a second, beside Docker's and firewalld's kind of rules."""
    hosts = [lab.client, lab.server]
    address = (lab.server.address, 40001)
    with neighbours(hosts, NEIGHBOURS[rules]), lab.new_origin(40001) as origin:
        origin.serve(echo)
        others = [without_loam(rules_of(host)) for host in hosts]
        with NewConnections(lab.client, address) as fresh, old_connections(lambda: lab.connect(40001)):
            time.sleep(0.3)
            with loam_in(lab, mode) as loam:
                time.sleep(0.5)
                assert [without_loam(rules_of(host)) for host in hosts] == others
                with old_connections(lambda: lab.connect(40001)):
                    for name, terms in CAPTURED[mode].items():
                        loam.replace_capture(lab.network[name], **terms, exclude_ports=[12345])
                    time.sleep(0.5)
                assert [without_loam(rules_of(host)) for host in hosts] == others
            time.sleep(0.3)
        assert fresh.opened > 50
        assert fresh.failures == []


def test_relayed_connections_survive_the_end_of_capture(lab):
    """SIGTERM revokes capture; what is being relayed goes on until it ends by itself."""
    with lab.new_origin() as origin:
        origin.serve(echo)
        with loam_in(lab, "outbound") as loam, old_connections(lambda: lab.connect(origin.port)):
            loam.terminate_proxy(lab.client)
            time.sleep(1)


def test_a_second_proxy_is_refused_with_one_line(lab):
    """The first goes on; the second says why and ends."""
    with loam_in(lab, "outbound") as loam:
        second = loam.proxy_service(lab.client)
        done = subprocess.run(second.command(), env=second.environment, capture_output=True, text=True, timeout=15)
        assert done.returncode != 0
        assert len(done.stderr.strip().splitlines()) == 1 and "another" in done.stderr
        assert loam.captures(lab.client)


def test_excluded_ports_are_left_alone(lab):
    """A connection to an excluded port reaches the server without Loam: refused at once, not after a connection."""
    port = lab.silent_port()
    with loam_in(lab, "outbound", exclude_ports=[port]), pytest.raises(ConnectionRefusedError):
        lab.connect(port)
