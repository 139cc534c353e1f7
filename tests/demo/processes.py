"""Processes that outlive the program that started them: recorded by pid and start time, ended by that record alone."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Service:
    """One program on one host. `port` is what it listens on once it is ready."""
    name: str
    host: object
    argv: list
    port: int = 0
    user: str = ""
    stop: int = signal.SIGTERM
    environment: dict = field(default_factory=dict)

    def command(self):
        drop = ["setpriv", "--reuid", self.user, "--regid", self.user, "--clear-groups"] if self.user else []
        return self.host.command(*drop, *self.argv)


def start_time(pid):
    """The kernel's start time of a live process, in ticks since boot; None when it is gone or a zombie."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def wait_until(condition, seconds, what):
    """Polls `condition` and returns its first true value; raises TimeoutError naming `what`."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.02)
    return value


def listens(host, port):
    """Whether something accepts on the host's own address."""
    with host.inside(), contextlib.closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex((host.address, port)) == 0


class ProcessTable:
    """What was started, kept in `directory`/processes.json; logs in `directory`/log."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.file = self.directory / "processes.json"
        self.entries = json.loads(self.file.read_text()) if self.file.exists() else {}

    def pid(self, name):
        """The pid of a process that is still the one we started, or None."""
        entry = self.entries.get(name)
        return entry["pid"] if entry and start_time(entry["pid"]) == entry["started"] else None

    def start(self, service):
        """Starts a service unless it runs; returns its pid."""
        if running := self.pid(service.name):
            return running
        logs = self.directory / "log"
        logs.mkdir(exist_ok=True)
        with open(logs / f"{service.name}.log", "ab") as log:
            child = subprocess.Popen(service.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                     cwd="/", env={**os.environ, **service.environment})
        self.entries[service.name] = {"pid": child.pid, "started": start_time(child.pid), "stop": int(service.stop)}
        self._save()
        return child.pid

    def wait_ready(self, service, seconds=20):
        """Waits for the service's port; a service that ended instead is an error that shows its log."""
        def ready():
            if self.pid(service.name) is None:
                raise RuntimeError(f"{service.name} ended: {self.log(service.name)[-2000:]}")
            return listens(service.host, service.port)
        if service.port:
            wait_until(ready, seconds, f"{service.name} on port {service.port}")

    def log(self, name):
        return (self.directory / "log" / f"{name}.log").read_text(errors="replace")

    def signal(self, name, number):
        """Sends a signal to a process that is still the one we started."""
        if pid := self.pid(name):
            os.kill(pid, number)

    def rename(self, name, to):
        """Gives a running process another name in the table, so that a new one can take its place."""
        self.entries[to] = self.entries.pop(name)
        self._save()

    def stop(self, names=None, seconds=10):
        """Ends the named processes (all by default) and what is left of their process groups, then waits for them."""
        names = list(self.entries) if names is None else [name for name in names if name in self.entries]
        alive = [name for name in names if self.pid(name)]
        for name in alive:
            os.kill(self.entries[name]["pid"], self.entries[name]["stop"])
        deadline = time.monotonic() + seconds
        while any(self.pid(name) for name in alive):
            self._reap(alive)
            if time.monotonic() > deadline:
                for name in alive:
                    if self.pid(name):
                        os.killpg(self.entries[name]["pid"], signal.SIGKILL)
                deadline += seconds
            time.sleep(0.02)
        self._reap(alive)
        for name in names:
            del self.entries[name]
        self._save()

    def _reap(self, names):
        for name in names:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.entries[name]["pid"], os.WNOHANG)

    def _save(self):
        draft = self.file.with_suffix(".new")
        draft.write_text(json.dumps(self.entries, indent=1))
        draft.replace(self.file)
