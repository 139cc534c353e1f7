"""A folder includes only what stands to its left (DESIGN section 3). Prints `file:line: what` for each include that does not."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')
PROXY = [{"base"}, {"io"}, {"tls", "http"}, {"upstream"}, {"relay", "route"}, {"filter"}, {"filters"}, {"serve", "wire"}, {"server"}]
ALWAYS = {"proxy/wire": {"proxy/base"}, "proxy/guard": {"proxy/base", "proxy/io"}}
SHADOW = {"decode": set(), "graph": set(), "observe": {"decode", "graph"}, "record": {"graph"}, "report": {"graph", "observe"},
          "mirror": {"decode"}, "compare": {"decode"}}
TOP = ["proxy", "shadow", "rollout", "db"]


def folder_of(path):
    """`proxy/io` of `proxy/io/loop.h`; the top folder alone where there is no second."""
    return "/".join(pathlib.PurePosixPath(path).parts[:2][:len(pathlib.PurePosixPath(path).parts) - 1])


def allowed(source, target):
    """Whether a file of folder `source` may include one of folder `target`."""
    if source == target:
        return True
    if source in ALWAYS:
        return target in ALWAYS[source]
    here, there = source.split("/"), target.split("/")
    if here[0] != there[0]:
        return TOP.index(there[0]) < TOP.index(here[0])
    if here[0] == "proxy":
        if target == "proxy/guard":
            return source == "proxy/server"
        rank = {name: place for place, names in enumerate(PROXY) for name in names}
        return rank[there[1]] < rank[here[1]]
    if here[0] == "shadow":
        return there[1] in SHADOW[here[1]]
    return True


def violations(root=ROOT):
    for top in TOP:
        for path in sorted([*(root / top).rglob("*.h"), *(root / top).rglob("*.cpp")]):
            name = path.relative_to(root).as_posix()
            if path.name == "main.cpp":
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                found = INCLUDE.match(line)
                if not found or found[1].split("/")[0] not in TOP:
                    continue
                source, target = folder_of(name), folder_of(found[1])
                try:
                    fine = allowed(source, target)
                except (KeyError, IndexError):
                    yield f"{name}:{number}: {source} or {target} has no place in the layers"
                    continue
                if not fine:
                    yield f"{name}:{number}: {source} may not include {target}"


if __name__ == "__main__":
    found = list(violations())
    print("\n".join(found) if found else "layers: as designed")
    sys.exit(1 if found else 0)
