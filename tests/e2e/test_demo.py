"""The demo's brownfield without Loam, and that it leaves nothing behind."""
import subprocess

from brownfield import Brownfield
from demo_bed import demo, place


def test_the_brownfield_comes_and_goes():
    """Up, up again, status, down, down again; every edge is called."""
    with place("brownfield.py") as directory:
        demo("brownfield.py", "up", directory)
        demo("brownfield.py", "up", directory)
        subprocess.run(["sleep", "3"], check=True)
        shown = demo("brownfield.py", "status", directory)
        counts = Brownfield(directory).counts()
        assert len(counts) == 13 and all(edge in shown for edge in counts)
        assert {edge: count["broken"] for edge, count in counts.items() if count["broken"]} == {}
        assert all(count["connections"] > 0 for count in counts.values())
        demo("brownfield.py", "down", directory)
