"""The demo under Loam for a while: `soak.py MINUTES`. Fails when a program dies, grows, leaks descriptors, or a caller notices anything."""
import pathlib
import sys
import time

from brownfield import DIRECTORY
from demo import Demo
from processes import ProcessTable

WARM_UP = 120  # seconds until what a program holds has settled
GROWTH_KIB, GROWTH_DESCRIPTORS = 16 * 1024, 50


def held(pid):
    """Resident memory in KiB and open descriptors of a process."""
    status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]), len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


def watch(table, minutes):
    """Samples Loam's programs every 30 s; returns what is wrong, a line each."""
    names, first = list(table.entries), {}
    started = time.monotonic()
    while time.monotonic() - started < max(minutes * 60, WARM_UP + 30):
        time.sleep(30)
        for name in names:
            if (pid := table.pid(name)) is None:
                return [f"{name} ended: {table.log(name)[-500:]}"]
            memory, descriptors = held(pid)
            if time.monotonic() - started < WARM_UP or name not in first:
                first[name] = (memory, descriptors)
            print(f"{time.monotonic() - started:6.0f} s  {name:20} {memory:8} KiB {descriptors:5} descriptors", flush=True)
            last = (memory - first[name][0], descriptors - first[name][1])
            if last[0] > GROWTH_KIB or last[1] > GROWTH_DESCRIPTORS:
                return [f"{name} grew by {last[0]} KiB and {last[1]} descriptors"]
    return []


def main():
    demo = Demo(DIRECTORY)
    try:
        demo.up(rate=40, rare=5)
        complaints = watch(ProcessTable(pathlib.Path(DIRECTORY) / "loam"), float(sys.argv[1]))
        complaints += [f"{edge}: {count['broken']} broken calls" for edge, count in demo.field.counts().items() if count["broken"]]
    finally:
        demo.down()
    print("\n".join(complaints) or "soak: clean")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
