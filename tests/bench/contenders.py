"""The proxies that are compared, each at its best, and the upstream behind all of them. Every proxy has one thread that carries traffic."""
import os
import pathlib
import socket
import subprocess
import time

import machine

UPSTREAM = {"http": 7000, "echo": 7001, "greet": 7002, "bulk": 7003}
STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


class Direct:
    """No proxy: what the others add is counted from here."""
    name = "direct"
    pids = ()

    def __init__(self, host="127.0.0.1"):
        self.host = host

    def port(self, service):
        return UPSTREAM[service]

    def terms(self, service):
        return ()

    def cpu(self):
        return 0.0

    def pin(self, core):
        pass

    def stop(self):
        pass


class Proxy:
    """A running proxy that has one port for each service of the upstream. `mesh`: of one that speaks TLS, see hops.py."""
    label = "proxy"
    host = upstream = "127.0.0.1"

    def __init__(self, name, first_port, folder, wrap=None, mesh=None):
        self.name, self.mesh = name, mesh
        self.ports = {service: first_port + i for i, service in enumerate(UPSTREAM)}
        self.folder = pathlib.Path(folder) / f"{name}-{self.label}".replace(" ", "-")
        self.folder.mkdir(parents=True)
        self.log = open(self.folder / "log", "wb")
        self.process = machine.start([*(wrap(self.label) if wrap else ()), *self.argv()], core=1, namespace=self.namespace(),
                                     env={**os.environ, **self.environment()}, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        self._await()

    def namespace(self):
        """None: the generator's."""

    def target(self, service):
        """Where it carries connections to."""
        return f"{self.upstream}:{UPSTREAM[service]}"

    def argv(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def terms(self, service):
        """Of meshload, for a port that takes no plain TCP."""
        return ()

    def config(self, text):
        path = self.folder / "config"
        path.write_text(text)
        return path

    def awaited(self):
        """Ports that are open once it has started."""
        return self.ports.values()

    def _await(self):
        for port in self.awaited():
            deadline = time.monotonic() + 180  # under callgrind on a busy machine a start takes long
            while True:
                try:
                    socket.create_connection((self.host, port), 1).close()
                    break
                except OSError:
                    if self.process.poll() is not None or time.monotonic() > deadline:
                        raise RuntimeError(f"{self.name} does not listen: {(self.folder / 'log').read_text()}") from None
                    time.sleep(0.05)

    @property
    def pids(self):
        return machine.tree(self.process.pid)

    def port(self, service):
        return self.ports[service]

    def cpu(self):
        return machine.cpu_of(self.pids)

    def pin(self, core):
        machine.pin(self.pids, core)

    def stop(self, patience=10):
        machine.end(self.process, patience)
        self.log.close()


class Loam(Proxy):
    """loam-proxy with explicit ports and its record going to the spool: all of observation but the controller."""
    observe = "true"

    def argv(self):
        listen = "".join(f"  - {{address: '{self.host}:{port}', to: '{self.target(service)}'}}\n" for service, port in self.ports.items())
        return [f"{os.environ['LOAM_BIN']}/loam-proxy", "--config",
                self.config(f"name: {self.label}\nworkers: 1\nobserve: {self.observe}\nstate_dir: {self.folder}/state\nlog_level: warn\n"
                            f"{self.identity()}listen:\n{listen}")]

    def identity(self):
        return ""


class LoamBlind(Loam):
    observe = "false"


class LoamCopying(Loam):
    """The same program, but no pipe to be had: bulk is copied through user space."""

    def environment(self):
        return {"LD_PRELOAD": str(pathlib.Path(os.environ["MESHLOAD"]).with_name("no_pipes.so"))}


class HAProxy(Proxy):
    splice = "  option splice-auto\n"
    tls = bind = server = ""  # of its global section, of each port, and of each server

    def argv(self):
        listen = "".join(f"listen {service}\n  bind {self.host}:{port}{self.bind}\n  server upstream {self.target(service)}{self.server}\n"
                         for service, port in self.ports.items())
        return ["haproxy", "-db", "-f",
                self.config(f"global\n  nbthread 1\n  maxconn 5500\n{self.tls}"
                            f"defaults\n  mode tcp\n{self.splice}  maxconn 5500\n  timeout connect 5s\n  timeout client 600s\n"
                            f"  timeout server 600s\n{listen}")]


class HAProxyCopying(HAProxy):
    splice = ""


class Nginx(Proxy):
    listen = tls = ""  # of each port, and of all of them

    def argv(self):
        servers = "".join(f"  server {{ listen {self.host}:{port} reuseport{self.listen}; proxy_pass {self.target(service)}; }}\n"
                          for service, port in self.ports.items())
        config = self.config(f"load_module {STREAM_MODULE};\ndaemon off;\nmaster_process off;\nworker_processes 1;\n"
                             f"pid {self.folder}/pid;\nerror_log stderr crit;\nworker_rlimit_nofile 20000;\n"
                             "events { worker_connections 11000; }\n"
                             f"stream {{\n  access_log off;\n  proxy_timeout 600s;\n  tcp_nodelay on;\n{self.tls}{servers}}}\n")
        return ["nginx", "-e", "stderr", "-p", self.folder, "-c", config]


def start_upstream(host="127.0.0.1", namespace=None):
    argv = [os.environ["MESHLOAD"], "serve", "--address", host]
    for service, port in UPSTREAM.items():
        argv += [f"--{service}", port]
    process = machine.start(argv, core=0, namespace=namespace)
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection((host, UPSTREAM["bulk"]), 1).close()
            return process
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the upstream does not listen") from None
            time.sleep(0.05)


def restart_upstream(process):
    """Sockets take the congestion control of the moment that they are made."""
    machine.end(process)
    return start_upstream()
