"""What is wanted of the mesh survives the controller's worst moments: killed at any instant, the disk full, the file damaged."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest
from conftest import unavailable
from loam import UnixConnection, programs
from processes import wait_until

POINTS = int(os.environ.get("LOAM_KILL_POINTS", "100"))
STAGES = ["off", "sampled", "on"]


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Controller:
    """loam-controller with a home of its own; `prefix` wraps the command."""
    made = []

    def __init__(self, home, prefix=()):
        self.home, self.prefix = pathlib.Path(home), prefix
        self.socket = self.home / "run" / "controller.sock"
        self.process = None
        Controller.made.append(self)

    def start(self):
        self.process = subprocess.Popen([*self.prefix, programs() / "loam-controller"], env={**os.environ, "LOAM_HOME": str(self.home)},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wait_until(self.answers, 20, "the controller")
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the controller ended: {self.process.stderr.read()[-1000:]}")
        with contextlib.suppress(OSError, http.client.HTTPException, Refused):
            return bool(self.call("GET", "/healthz"))
        return False

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.communicate()

    def call(self, method, path, body=None):
        connection = UnixConnection(self.socket)
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status >= 400:
                raise Refused(answer.status, text)
            return json.loads(text) if text else {}

    def set(self, stage, percent, reason):
        """One flag changed as the CLI does it; returns the revision that acknowledged it."""
        edit = {"service": "*", "feature": "observe", "stage": stage}
        if stage == "sampled":
            edit["percent"] = str(percent)
        change = self.call("POST", "/v1/changes", {"edits": [edit]})
        return self.call("POST", f"/v1/changes/{change['id']}/apply", {"hash": change["hash"], "reason": reason})["revision"]

    def flag(self):
        flag = self.call("GET", "/v1/services/*/features/observe")
        return flag["stage"], flag["percent"], flag["revision"]

    def chain(self):
        return self.call("GET", "/v1/audit/verification")


@pytest.fixture
def home():
    """A home for controllers; those that a test leaves running are ended with it."""
    made = tempfile.mkdtemp(prefix="loam-control-", dir="/var/tmp")
    yield pathlib.Path(made)
    for controller in Controller.made:
        if controller.process is not None and controller.process.poll() is None:
            controller.end(signal.SIGKILL)
    Controller.made.clear()
    shutil.rmtree(made)


def change_until_killed(controller, draw, acknowledged, tried):
    """Sets the flag again and again; what was acknowledged, and what was asked last, stand in the two lists."""
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        while True:
            stage, percent = draw.choice(STAGES), draw.randint(1, 99)
            shown = str(percent) if stage == "sampled" else "100"
            tried.append((stage, shown))
            acknowledged.append((stage, shown, controller.set(stage, percent, f"point {len(acknowledged)}")))


def test_F1_every_acknowledged_change_survives_kill_9(home):
    """At random points while flags change; proxies are not needed for it."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    draw = random.Random(seed)
    controller = Controller(home)
    acknowledged, events, found = [], 0, ("on", "100", 0)
    for point in range(POINTS):
        controller.start()
        if acknowledged:
            stage, percent, revision = controller.flag()
            last = max(acknowledged[-1], found, key=lambda one: one[2])
            # What was under way when it died may be there or not; what was acknowledged has to be.
            assert (stage, percent, revision) == last or (revision > last[2] and (stage, percent) == tried[-1]), (point, seed)
            found = stage, percent, revision  # also what nobody was told of stays, once it was there
            chain = controller.chain()
            assert chain["whole"] and chain["events"] >= events, (point, seed)
            events = chain["events"]
        tried = []
        thread = threading.Thread(target=change_until_killed, args=(controller, random.Random(draw.random()), acknowledged, tried))
        thread.start()
        time.sleep(draw.uniform(0.0, 0.15))
        controller.end(signal.SIGKILL)
        thread.join()
    assert len(acknowledged) > POINTS / 2


def on_small_disk(home):
    """A prefix that gives a program a file system of 3 MiB at `home`, seen by nobody else."""
    return ["unshare", "-m", "--propagation", "private", "sh", "-c", 'mount -t tmpfs -o size=3m loam "$0" && exec "$@"', str(home)]


def fill(controller):
    """Leaves not a page free on the controller's file system."""
    path = f"/proc/{controller.process.pid}/root{controller.home}/filler"
    with contextlib.suppress(OSError), open(path, "wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))
    return path


def test_F3_kill_works_with_the_disk_full_and_all_is_well_after(home):
    if os.geteuid() != 0:
        unavailable("a file system of its own needs root")
    controller = Controller(home, on_small_disk(home))
    wait = controller.home / "run"
    controller.socket = pathlib.Path("/unset")
    controller.process = subprocess.Popen([*controller.prefix, programs() / "loam-controller"],
                                          env={**os.environ, "LOAM_HOME": str(home)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    controller.socket = pathlib.Path(f"/proc/{controller.process.pid}/root{wait}/controller.sock")
    wait_until(controller.answers, 20, "the controller")
    before = controller.set("sampled", 10, "while there is room")
    filler = fill(controller)
    refused = 0
    for _ in range(200):  # what room is left inside the file goes first
        try:
            before = controller.set("sampled", 20, "into a full disk")
        except Refused as problem:
            assert problem.status == 507, problem
            refused += 1
            break
    assert refused, "the disk never was full"
    killed = controller.call("POST", "/v1/kill", {"reason": "pager"})
    assert killed["journalled"] and killed["revision"] > before
    assert controller.flag()[0] == "off"
    os.unlink(filler)
    wait_until(lambda: controller.call("GET", "/v1/audit?kind=flag&most=10000")["events"][-1]["act"]["verb"] == "kill", 20, "the kill in the ledger")
    assert controller.flag()[0] == "off"
    assert controller.set("on", 100, "there is room again") > killed["revision"]
    assert controller.chain()["whole"]
    controller.end()


def test_F8_a_second_controller_on_the_same_files_is_refused(home):
    controller = Controller(home).start()
    second = subprocess.run([programs() / "loam-controller", "--socket", home / "other.sock"], env={**os.environ, "LOAM_HOME": str(home)},
                            capture_output=True, text=True, timeout=20)
    assert second.returncode == 4
    assert second.stderr.count("\n") == 1 and str(home) in second.stderr
    controller.end()


def test_F4_a_damaged_file_is_refused_by_name(home):
    controller = Controller(home).start()
    controller.set("off", 100, "something to lose")
    controller.end()
    file = home / "control.db"
    whole = bytearray(file.read_bytes())
    whole[:100] = os.urandom(100)
    file.write_bytes(whole)
    refused = subprocess.run([programs() / "loam-controller"], env={**os.environ, "LOAM_HOME": str(home)}, capture_output=True, text=True, timeout=20)
    assert refused.returncode == 1
    assert str(file) in refused.stderr
