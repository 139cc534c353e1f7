"""The files of a test binary compile as one (CMake's preset `together`): a function in an unnamed namespace that another of them has too would be
an overload of that one, and mean it where it fits better. Such pairs are listed, but for files that stand APART."""
import collections
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = re.compile(r"^loam_test\s*\(\s*(\w+)(.*?)\)\s*$", re.S | re.M)
SECTIONS = {"SOURCES", "LINKS", "APART", "LABEL", "TIMEOUT"}
# At the first column of its file: a type, a name, a parenthesis.
FUNCTION = re.compile(r"^(?!using|return|struct|class|enum|namespace|static_assert|template|TEST|INSTANTIATE|#|//|\s)[\w:<>,&*\s\[\].]*?[\s&*>](\w+)\(", re.M)


def targets(root):
    """(name, its source files that compile together) of every test binary."""
    for lists in sorted((root / "tests").rglob("CMakeLists.txt")):
        for name, rest in TARGET.findall(lists.read_text()):
            section, found = None, collections.defaultdict(list)
            for word in rest.split():
                if word in SECTIONS:
                    section = word
                else:
                    found[section].append(word)
            yield name, [lists.parent / source for source in found["SOURCES"] if source not in found["APART"]]


def functions(text):
    """Names of the functions in the unnamed namespaces of a file."""
    inside, lines = False, []
    for line in text.splitlines():
        if line.startswith("namespace {"):
            inside = True
        elif line.rstrip() == "}  // namespace":
            inside = False
        elif inside:
            lines.append(line)
    return set(FUNCTION.findall("\n".join(lines)))


def violations(root=ROOT):
    for name, sources in targets(root):
        where = collections.defaultdict(list)
        for source in sources:
            for function in functions(source.read_text()) if source.exists() else ():
                where[function].append(source)
        for function, files in sorted(where.items()):
            if len(files) > 1:
                others = ", ".join(file.name for file in files[1:])
                yield f"{files[0].relative_to(root)}: {function}() of an unnamed namespace is in {others} of {name} too: rename one, or list it as APART"
