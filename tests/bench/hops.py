"""Two hosts with a proxy each and mutual TLS between them: certificates of one authority, TLS_AES_128_GCM_SHA256, X25519, nothing resumed."""
import contextlib
import hashlib
import json
import os
import pathlib
import ssl
import subprocess

import contenders
import machine
from contenders import UPSTREAM, Direct, HAProxy, Loam, LoamBlind, Nginx, Proxy

SUITE, GROUP = "TLS_AES_128_GCM_SHA256", "X25519"
NOBODY = "127.0.0.1:9"  # for a controller that is away


def openssl(*words, given=None):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, text=True, input=given).stdout


class Mesh:
    """A second host with the upstream of all, and who may talk to whom: a root, an intermediate and leaves of P-256, as Loam's own authority makes them."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.other = machine.OtherHost()
        self._sign("root", None, "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n")
        self._sign("intermediate", "root", "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n")
        for name in ("near", "far", "load"):
            self._sign(name, "intermediate", "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                       f"extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=URI:spiffe://loam/proxy/{name},DNS:{name}.test\n")
            leaf, above = (self.folder / f"{one}.crt" for one in (name, "intermediate"))
            (self.folder / f"{name}.pem").write_text(leaf.read_text() + above.read_text())
        self.root = self.folder / "root.pem"
        self.root.write_text((self.folder / "root.crt").read_text())
        self.upstream = contenders.start_upstream(self.other.address, self.other)

    def _sign(self, name, issuer, extensions):
        key, certificate, terms = (self.folder / f"{name}.{suffix}" for suffix in ("key", "crt", "ext"))
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
        terms.write_text(extensions + "subjectKeyIdentifier=hash\n" + ("authorityKeyIdentifier=keyid\n" if issuer else ""))
        signed_by = ["-CA", self.folder / f"{issuer}.crt", "-CAkey", self.folder / f"{issuer}.key"] if issuer else ["-signkey", key]
        request = openssl("req", "-new", "-key", key, "-subj", f"/CN={name}")
        certificate.write_text(openssl("x509", "-req", *signed_by, "-days", "7", "-extfile", terms, given=request))
        # HAProxy reads a key beside its certificates.
        (self.folder / f"{name}.pem.key").write_text(key.read_text())

    def text(self, name):
        return (self.folder / name).read_text()

    def trust(self):
        root = self.root.read_text()
        return {"step": 1, "issuing": hashlib.sha256(ssl.PEM_cert_to_DER_cert(root)).hexdigest(), "roots": [root]}

    def close(self):
        machine.end(self.upstream)
        self.other.close()


class Near:
    """At the caller's side: takes plain TCP, originates TLS."""
    label = "near"
    upstream = machine.OtherHost.address

    def target(self, service):
        return f"{self.upstream}:{self.ports[service]}"


class Far:
    """At the callee's side: terminates TLS. Its ports are those of the near one, on the other host."""
    label = "far"
    host = upstream = machine.OtherHost.address

    def namespace(self):
        return self.mesh.other

    def terms(self, service):
        return "--tls", self.mesh.folder


class SpeakingTls:
    """Of Loam: what its controller would have given it, strict mutual TLS for the upstream; its record goes to the spool."""

    def identity(self):
        state = self.folder / "state"
        (state / "identity").mkdir(mode=0o700, parents=True)
        kept = json.dumps({"key": self.mesh.text(f"{self.label}.key"), "chain": self.mesh.text(f"{self.label}.pem"), "trust": self.mesh.trust(), "token": ""})
        (state / "identity" / "current").write_text(f"{hashlib.sha256(kept.encode()).hexdigest()}\n{kept}\n")
        on = {"feature": "observe", "stage": "on", "share": 100_000, "salt": ""}
        service = {"name": "upstream", "endpoints": [f"{Far.host}:{port}" for port in UPSTREAM.values()], "proxies": ["far"],
                   "callers": [{"name": "caller", "addresses": [machine.OtherHost.near]}], "features": [{**on, "feature": "mtls", "stage": "strict"}, on]}
        snapshot = json.dumps({"epoch": 1, "generation": 1, "proxy": self.label, "defaults": [on], "services": [service], "trust": self.mesh.trust()})
        (state / "snapshot.0").write_text(f"{hashlib.sha256(snapshot.encode()).hexdigest()} {len(snapshot)}\n{snapshot}\n")
        return (f"controller: {NOBODY}\nidentity: {{root: {self.mesh.trust()['issuing']}, token_file: /nonexistent}}\n"
                f"peer_port: {min(self.ports.values()) + len(UPSTREAM)}\n")


class LoamNear(Near, SpeakingTls, Loam):
    """A near one that finds its peer at the port for proxies, whatever the port of the application."""

    def target(self, service):
        return f"{self.upstream}:{UPSTREAM[service]}"


class LoamFar(Far, SpeakingTls, Loam):
    """Its own ports relay as ever; TLS comes to the port for proxies."""

    def awaited(self):
        return *super().awaited(), self.port("http")

    def port(self, service):
        return min(self.ports.values()) + len(UPSTREAM)

    def terms(self, service):
        return *super().terms(service), "--preface", self.target(service)


class LoamBlindNear(LoamNear, LoamBlind):
    pass


class LoamBlindFar(LoamFar, LoamBlind):
    pass


class HAProxyNear(Near, HAProxy):
    tls = f"  ssl-default-server-options ssl-min-ver TLSv1.3 no-tls-tickets\n  ssl-default-server-ciphersuites {SUITE}\n"

    @property
    def server(self):
        return f" ssl verify required ca-file {self.mesh.root} crt {self.mesh.folder}/near.pem verifyhost far.test no-ssl-reuse"


class HAProxyFar(Far, HAProxy):
    tls = ("  tune.ssl.cachesize 0\n  ssl-default-bind-options ssl-min-ver TLSv1.3 no-tls-tickets\n"
           f"  ssl-default-bind-ciphersuites {SUITE}\n  ssl-default-bind-curves {GROUP}\n")

    @property
    def bind(self):
        return f" ssl crt {self.mesh.folder}/far.pem verify required ca-file {self.mesh.root}"


class NginxNear(Near, Nginx):
    @property
    def tls(self):
        folder = self.mesh.folder
        return (f"  proxy_ssl on; proxy_ssl_protocols TLSv1.3; proxy_ssl_conf_command Ciphersuites {SUITE}; proxy_ssl_conf_command Groups {GROUP};\n"
                f"  proxy_ssl_session_reuse off; proxy_ssl_verify on; proxy_ssl_verify_depth 2; proxy_ssl_trusted_certificate {self.mesh.root};\n"
                f"  proxy_ssl_name far.test; proxy_ssl_certificate {folder}/near.pem; proxy_ssl_certificate_key {folder}/near.key;\n")


class NginxFar(Far, Nginx):
    listen = " ssl"

    @property
    def tls(self):
        folder = self.mesh.folder
        return (f"  ssl_protocols TLSv1.3; ssl_conf_command Ciphersuites {SUITE}; ssl_ecdh_curve {GROUP}; ssl_session_tickets off; ssl_session_cache off;\n"
                f"  ssl_verify_client on; ssl_verify_depth 2; ssl_client_certificate {self.mesh.root};\n"
                f"  ssl_certificate {folder}/far.pem; ssl_certificate_key {folder}/far.key;\n")


class Envoy(Proxy):
    """Where PEER_ENVOY names its binary."""

    def argv(self):
        return [os.environ["PEER_ENVOY"], "--concurrency", "1", "-l", "off", "--disable-hot-restart", "-c", self.config(json.dumps(self.bootstrap()))]

    def config(self, text):
        return super().config(text).rename(self.folder / "config.json")

    def context(self, name):
        """Of TLS, for either side; the suite is BoringSSL's choice, which is the same one."""
        file = lambda path: {"filename": str(path)}
        own = {"certificate_chain": file(self.mesh.folder / f"{name}.pem"), "private_key": file(self.mesh.folder / f"{name}.key")}
        return {"tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3", "ecdh_curves": [GROUP]}, "tls_certificates": [own],
                "validation_context": {"trusted_ca": file(self.mesh.root)}}

    def bootstrap(self):
        def address(text):
            host, port = text.rsplit(":", 1)
            return {"address": {"socket_address": {"address": host, "port_value": int(port)}}}

        most = {"priority": "DEFAULT", **{f"max_{what}": 1_000_000 for what in ("connections", "pending_requests", "requests")}}
        listeners = [{"name": service, **address(f"{self.host}:{port}"), "per_connection_buffer_limit_bytes": 32768,
                      "filter_chains": [{"filters": [self.network_filter(service)], **self.accepting()}]} for service, port in self.ports.items()]
        clusters = [{"name": service, "type": "STATIC", "connect_timeout": "5s", "per_connection_buffer_limit_bytes": 32768,
                     "circuit_breakers": {"thresholds": [most]}, **self.dialling(),
                     "load_assignment": {"cluster_name": service, "endpoints": [{"lb_endpoints": [{"endpoint": address(self.target(service))}]}]}}
                    for service in self.ports]
        return {"static_resources": {"listeners": listeners, "clusters": clusters}}

    def network_filter(self, service):
        name = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy"
        return {"name": "tcp", "typed_config": {"@type": name, "stat_prefix": service, "cluster": service, "idle_timeout": "600s"}}

    def accepting(self):
        return {}

    def dialling(self):
        return {}

    @staticmethod
    def socket(side, context):
        kind = f"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.{side}TlsContext"
        return {"transport_socket": {"name": "tls", "typed_config": {"@type": kind, **context}}}


class EnvoyNear(Near, Envoy):
    def dialling(self):
        return self.socket("Upstream", {"common_tls_context": self.context("near"), "sni": "far.test", "max_session_keys": 0})


class EnvoyFar(Far, Envoy):
    def accepting(self):
        return self.socket("Downstream", {"common_tls_context": self.context("far"), "require_client_certificate": True,
                                          "disable_stateless_session_resumption": True, "disable_stateful_session_resumption": True})


class Pair:
    """A near and a far one: what is measured is both."""

    def __init__(self, near, far, name, first_port, folder, wrap=None, mesh=None):
        self.name, self.host = name, near.host
        with contextlib.ExitStack() as begun:
            self.far = far(name, first_port, folder, wrap, mesh)
            begun.callback(self.far.stop)
            self.near = near(name, first_port, folder, wrap, mesh)
            begun.pop_all()

    @property
    def pids(self):
        return self.near.pids + self.far.pids

    def port(self, service):
        return self.near.port(service)

    def terms(self, service):
        return ()

    def cpu(self):
        return self.near.cpu() + self.far.cpu()

    def pin(self, core):
        self.near.pin(core)
        self.far.pin(core)

    def stop(self, patience=10):
        self.near.stop(patience)
        self.far.stop(patience)


PAIRS = {"Loam": (LoamNear, LoamFar), "Loam, not observing": (LoamBlindNear, LoamBlindFar), "HAProxy": (HAProxyNear, HAProxyFar),
         "nginx": (NginxNear, NginxFar), "Envoy": (EnvoyNear, EnvoyFar)}


def direct():
    return Direct(machine.OtherHost.address)


def contending():
    """{name: (near, far)} of those that are there."""
    return {name: pair for name, pair in PAIRS.items() if name != "Envoy" or os.environ.get("PEER_ENVOY")}
