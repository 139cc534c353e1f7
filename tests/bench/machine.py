"""The machine under the measurement: an own network namespace, processes that end with this one, and what the kernel counts."""
import ctypes
import os
import pathlib
import resource
import shutil
import signal
import subprocess

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
TICK = os.sysconf("SC_CLK_TCK")
libc = ctypes.CDLL(None, use_errno=True)


def enter_namespace():
    """Moves this process into a network namespace without a name: it is gone when the last process in it ended."""
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "a network namespace needs root")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("16000 65000")  # above the proxies' ports
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def use_congestion_control(name):
    """For every socket made from now on."""
    pathlib.Path("/proc/sys/net/ipv4/tcp_congestion_control").write_text(name)


class OtherHost:
    """A second network namespace without a name, at the other end of a wire; it is gone when the last process in it ended."""
    near, address = "10.99.0.1", "10.99.0.2"

    def __init__(self):
        self.holder = start(["sleep", "infinity"], namespace=CLONE_NEWNET)
        self.namespace = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY)
        for words in (f"link add near type veth peer name far netns {self.holder.pid}", f"addr add {self.near}/24 dev near", "link set near up"):
            subprocess.run(["ip", *words.split()], check=True)
        inside = start(["sh", "-euc", f"ip link set lo up; ip addr add {self.address}/24 dev far; ip link set far up; cd /proc/sys/net/ipv4;"
                        " echo 16000 65000 >ip_local_port_range; echo reno >tcp_congestion_control"], namespace=self)
        if inside.wait() != 0:
            raise RuntimeError("the other host's network cannot be set up")

    def fileno(self):
        return self.namespace

    def close(self):
        subprocess.run(["ip", "link", "del", "near"], check=True)
        os.close(self.namespace)
        end(self.holder)


def start(argv, core=None, namespace=None, **options):
    """A child on one core that dies with this process; in the network namespace of another host, or in a new one (CLONE_NEWNET)."""
    def before():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if namespace is not None and (libc.unshare(namespace) if isinstance(namespace, int) else libc.setns(namespace.fileno(), CLONE_NEWNET)):
            raise OSError(ctypes.get_errno(), "a network namespace needs root")
        if core is not None:
            os.sched_setaffinity(0, {core})
    return subprocess.Popen([str(word) for word in argv], preexec_fn=before, **options)


def end(process, patience=10):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def tree(pid):
    """The process and its descendants."""
    children = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        children += [int(word) for word in (task / "children").read_text().split()]
    return [pid] + [below for child in children for below in tree(child)]


def tasks(pids):
    return [task for pid in pids for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]


def cpu_of(pids):
    """Seconds that these processes ran, by the scheduler's nanoseconds; the softirq work of their own sends is in it."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks(pids)) / 1e9


def pin(pids, core):
    for task in tasks(pids):
        os.sched_setaffinity(int(task.name), {core})


def pss_of(pids):
    """Bytes of memory that these processes have, shared pages by share."""
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def machine_time():
    """(busy, stolen) seconds of all cores since boot."""
    user, nice, system, _, _, irq, softirq, steal, *_ = map(int, pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:])
    return (user + nice + system + irq + softirq) / TICK, steal / TICK


def describe():
    """Lines on the machine and the versions, for the report."""
    def first_line(*argv):
        done = subprocess.run(argv, capture_output=True, text=True)
        return (done.stdout or done.stderr).splitlines()[0]
    model = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown CPU")
    here = pathlib.Path(__file__).parent
    git = shutil.which("git")
    asked = subprocess.run([git, "-c", "safe.directory=*", "describe", "--always", "--dirty", "--exclude=*"], cwd=here,
                           capture_output=True, text=True) if git else None
    revision = asked.stdout.strip() if asked and asked.returncode == 0 else "unknown"
    return {"machine": f"{os.cpu_count()} cores, {model}", "kernel": os.uname().release, "Loam": revision,
            "HAProxy": first_line("haproxy", "-v").split()[2], "nginx": first_line("nginx", "-v").split("/")[1],
            "wrk": first_line("wrk", "-v").split()[1], **envoy_version()}


def envoy_version():
    """Of the binary that PEER_ENVOY names."""
    if not (envoy := os.environ.get("PEER_ENVOY")):
        return {}
    said = subprocess.run([envoy, "--version"], check=True, capture_output=True, text=True).stdout
    return {"Envoy": said.split("version: ")[1].split("/")[1]}
