"""Real servers behind Loam see their clients' addresses and answer as they do without it."""
import contextlib
import hashlib
import time

import edges
import psycopg2
import pymysql
import pytest
import redis
from lab import PASSWORD

pytestmark = pytest.mark.usefixtures("really_captured")


@pytest.fixture
def target(lab, family):
    return lambda port: f"{lab.address(lab.server, family)}:{port}"


@contextlib.contextmanager
def connected(host, edge):
    """An edge of the demo's callers, connected from `host`."""
    with host.inside():
        edge.connect()
    try:
        yield edge
    finally:
        edge.close()


def test_mariadb_lets_in_the_account_bound_to_the_clients_address(lab, mode, family, target):
    """A server-first login; the account exists for the client's address only, and the greeting comes without delay."""
    started = time.monotonic()
    with connected(lab.client, edges.MariaDbEdge(target(3306), user="frontend", password=PASSWORD)) as edge:
        assert time.monotonic() - started < 1
        edge.cursor.execute("select current_user()")
        assert edge.cursor.fetchone() == (f"frontend@{lab.address(lab.client, family)}",)
        assert (edge.call(False), edge.call(True)) == (0, 1)


def test_mariadb_refuses_the_account_from_another_address(lab, mode, target):
    with pytest.raises(pymysql.err.OperationalError), connected(lab.second, edges.MariaDbEdge(target(3306), user="frontend", password=PASSWORD)):
        pass


def test_postgresql_goes_by_address_without_tls(lab, mode, family, target):
    """pg_hba.conf demands plaintext of this user at this address, and the server sees the address."""
    with connected(lab.client, edges.PostgresEdge(target(5432), user="frontend", password=PASSWORD)) as edge:
        edge.cursor.execute("select host(inet_client_addr()), ssl from pg_stat_ssl where pid = pg_backend_pid()")
        assert edge.cursor.fetchone() == (lab.address(lab.client, family), False)
        assert (edge.call(False), edge.call(True)) == (0, 1)


def test_postgresql_goes_by_address_with_tls(lab, mode, family, target):
    """pg_hba.conf demands TLS of this user at this address; without it the door stays shut."""
    reports = {"user": "reports", "password": PASSWORD}
    with connected(lab.client, edges.PostgresEdge(target(5432), sslmode="require", **reports)) as edge:
        edge.cursor.execute("select host(inet_client_addr()), ssl from pg_stat_ssl where pid = pg_backend_pid()")
        assert edge.cursor.fetchone() == (lab.address(lab.client, family), True)
    with pytest.raises(psycopg2.OperationalError, match="no pg_hba.conf entry"), connected(lab.client, edges.PostgresEdge(target(5432), **reports)):
        pass


def test_postgresql_copies_both_ways(lab, mode, target, tmp_path):
    """COPY in and out of a megabyte, compared by the server's own hash."""
    rows = "".join(f"{number}\t{hashlib.md5(str(number).encode()).hexdigest()}\n" for number in range(30000))
    source, sink = tmp_path / "in", tmp_path / "out"
    source.write_text(rows)
    with connected(lab.client, edges.PostgresEdge(target(5432), user="frontend", password=PASSWORD)) as edge:
        edge.cursor.execute("create temporary table copied (n integer, h text)")
        with open(source) as file:
            edge.cursor.copy_from(file, "copied")
        with open(sink, "w") as file:
            edge.cursor.copy_to(file, "copied")
    assert sink.read_text() == rows


def test_redis_pipelines_and_sees_the_clients_address(lab, mode, family, target):
    """Three hundred commands sent before an answer is read."""
    with connected(lab.client, edges.RedisEdge(target(6379))) as edge:
        packed = edge.connection.pack_commands([("CLIENT", "INFO")] + [("INCR", f"pipelined-{mode}-{family}")] * 300)
        edge.connection.send_packed_command(packed)
        address = lab.address(lab.client, family)
        assert f"addr={'[' + address + ']' if ':' in address else address}:" in edge.connection.read_response().decode()
        assert [edge.connection.read_response() for _ in range(300)] == list(range(1, 301))


def test_redis_publishes_to_a_subscriber(lab, mode, target):
    """Pushed messages reach a connection that is waiting."""
    host, port = target(6379).rsplit(":", 1)
    with lab.client.inside(), redis.Redis(host, int(port)) as client, client.pubsub(ignore_subscribe_messages=True) as subscriber:
        subscriber.subscribe("news")
        while client.pubsub_numsub("news")[0][1] == 0:
            time.sleep(0.01)
        for number in range(20):
            client.publish("news", f"item {number}")
        heard = []
        while len(heard) < 20 and (message := subscriber.get_message(timeout=5)) is not False:
            heard += [message["data"]] if message else []
    assert heard == [f"item {number}".encode() for number in range(20)]


@pytest.mark.parametrize("kind, port", [(edges.WebSocketEdge, 9001), (edges.GrpcEdge, 50051), (edges.HttpEdge, 8080), (edges.StreamEdge, 9100)])
def test_the_demos_services_answer(lab, mode, family, target, kind, port):
    """WebSocket echo, gRPC over h2c, HTTP/1.1 keep-alive, a stream that the server speaks on first."""
    with connected(lab.client, kind(target(port))) as edge:
        assert [edge.call(False) for _ in range(10)] == [0] * 10


def curl(lab, family, url, *options):
    address = lab.address(lab.server, family)
    return lab.client.run("curl", "-sS", "--noproxy", "*", "--max-time", "20", "--resolve", f"site:80:{address}", "--resolve", f"site:443:{address}",
                          *options, url)


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1", "--http2"])
def test_nginx_with_tls_sees_the_clients_address(lab, mode, family, version):
    """TLS with and without HTTP/2; the certificate that the client sees is the server's own, never one of Loam's."""
    assert curl(lab, family, "https://site/whoami", version, "--insecure").strip() == lab.address(lab.client, family)
    pin = ["--cacert", str(lab.directory / "nginx" / "server.crt"), "--connect-to", f"server:443:[{lab.server.address6}]:443"]
    assert curl(lab, family, "https://server/whoami", version, *pin).strip() == lab.client.address6


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_nginx_sends_files_unchanged(lab, mode, scheme, tmp_path):
    """Twenty downloads on one connection."""
    files = [part for number in range(20) for part in ("-o", str(tmp_path / str(number)), f"{scheme}://site/64k.bin")]
    curl(lab, "IPv4", files.pop(), "--insecure", *files)
    expected = bytes(range(256)) * 256
    assert all((tmp_path / str(number)).read_bytes() == expected for number in range(20))


def test_nghttp_speaks_h2c_to_the_greeter(lab, mode, family, target):
    """An independent HTTP/2 client with prior knowledge."""
    shown = lab.client.run("nghttp", "-v", "-H", ":method: POST", "-H", "content-type: application/grpc", f"http://{bracketed(target(50051))}/demo.Greeter/Broken")
    assert "grpc-status: 13" in shown


def bracketed(target):
    host, port = target.rsplit(":", 1)
    return f"[{host}]:{port}" if ":" in host else target
