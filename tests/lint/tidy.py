"""clang-tidy over translation units, many at a time: it looks at every declaration of every header that a unit includes, so units of one folder
are looked at as one, where they compile as one. What is found so is asked once more of each unit by itself."""
import collections
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shlex
import subprocess

TOGETHER = 12  # units at most; beyond, less is shared and two cores are kept busy worse
ERROR = re.compile(r"^(/[^:\n]+):\d+:\d+: (?:fatal )?error:", re.M)


class Unit:
    """One entry of the compilation database: its file, and the flags that it is compiled with."""

    def __init__(self, entry):
        words = [word for word in shlex.split(entry["command"]) if word != "-c" and not word.endswith("ccache")]
        output = words.index("-o")
        self.file = pathlib.Path(entry["file"])
        self.object = words[output + 1]
        self.flags = tuple(word for word in words[1:output] if not word.startswith("-W"))


class Tidy:
    """`tree` is the root of the sources, `build` a configured build folder of it, `marks` where it remembers what was clean."""

    def __init__(self, tree, build, marks):
        self.tree, self.build, self.marks = tree, build, marks
        self.rules = (tree / ".clang-tidy").read_bytes()
        self.hashes = {}
        self.dependencies = self.read_dependencies()

    def units(self, wanted):
        """The units whose file `wanted` takes."""
        database = json.loads((self.build / "compile_commands.json").read_text())
        return [Unit(entry) for entry in database if wanted(pathlib.Path(entry["file"]))]

    def read_dependencies(self):
        """Object -> the files that it was made of when it was built last, as ninja keeps them."""
        listing = subprocess.run(["ninja", "-C", self.build, "-t", "deps"], capture_output=True, text=True).stdout
        found, files = {}, []
        for line in listing.splitlines():
            if line.startswith("    "):
                files.append(line.strip())
            elif ": #deps" in line:
                files = found.setdefault(line.split(":")[0], [])
        return found

    def mark(self, unit):
        """Where it is noted that this unit was clean, in this state of all that it includes; None where it was never built."""
        files = self.dependencies.get(unit.object)
        if not files:
            return None
        whole = hashlib.sha256(self.rules + repr(unit.flags).encode())
        for name in files:
            whole.update(self.hash(name))
        return self.marks / whole.hexdigest()

    def hash(self, name):
        if name not in self.hashes:
            path = self.build / name
            self.hashes[name] = hashlib.sha256(path.read_bytes()).digest() if path.exists() else b"gone"
        return self.hashes[name]

    def complaints(self, units, jobs):
        """What clang-tidy has to say on them. Units that were clean and have not changed since are not looked at."""
        marks = {unit: self.mark(unit) for unit in units}
        fresh = [unit for unit in units if not (marks[unit] and marks[unit].exists())]
        self.marks.mkdir(parents=True, exist_ok=True)
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            found = list(pool.map(lambda group: self.complaint(group, marks), groups_of(fresh)))
        return "".join(found)

    def complaint(self, group, marks):
        """On a group: as one where that compiles; the others by themselves, or as ever smaller ones."""
        if len(group) == 1:
            return self.judged(group, marks)
        with Together(self.marks, group) as together:
            strangers = together.conflicting()
            friends = [unit for unit in group if unit not in strangers]
        if not strangers:
            return self.judged(group, marks)
        if not friends:
            friends, strangers = group[:len(group) // 2], group[len(group) // 2:]
        return self.complaint(friends, marks) + self.complaint(strangers, marks)

    def judged(self, group, marks):
        with Together(self.marks, group) as together:
            said = together.tidied()
        if said and len(group) > 1:
            return "".join(self.judged([unit], marks) for unit in group)
        if not said:
            for unit in group:
                if marks[unit]:
                    marks[unit].touch()
        return said


class Together:
    """A source that includes the units of a group one after the other, with a compilation database of its own, for a `with` block."""

    def __init__(self, folder, group):
        self.group = group
        self.folder = folder / f"together-{hashlib.sha256(repr([unit.file for unit in group]).encode()).hexdigest()[:16]}"
        self.source = self.folder / "together.cpp" if len(group) > 1 else group[0].file

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        if len(self.group) > 1:
            self.source.write_text("".join(f'#include "{unit.file}"\n' for unit in self.group))
        command = ["clang++", *self.group[0].flags, "-c", str(self.source)]
        (self.folder / "compile_commands.json").write_text(
            json.dumps([{"directory": str(self.folder), "file": str(self.source), "command": shlex.join(command)}]))
        return self

    def __exit__(self, *_):
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()

    def conflicting(self):
        """The units that do not compile after those before them: the same name in an unnamed namespace, say."""
        done = subprocess.run(["clang++", "-fsyntax-only", "-w", "-ferror-limit=0", *self.group[0].flags, self.source], capture_output=True, text=True)
        places = {pathlib.Path(place) for place in ERROR.findall(done.stderr)}
        found = [unit for unit in self.group if unit.file in places]
        return found if found or done.returncode == 0 else self.group

    def tidied(self):
        done = subprocess.run(["clang-tidy", "--quiet", "-p", self.folder, self.source], capture_output=True, text=True)
        return "" if done.returncode == 0 else done.stdout + done.stderr


def groups_of(units):
    """Units of one folder with the same flags, `TOGETHER` at most."""
    alike = collections.defaultdict(list)
    for unit in units:
        alike[unit.file.parent, unit.flags].append(unit)
    return [found[start:start + TOGETHER] for found in alike.values() for start in range(0, len(found), TOGETHER)]
