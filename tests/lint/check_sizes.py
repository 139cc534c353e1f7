"""Files have at most 400 lines, functions at most 60, and no type or file has a name that says nothing. Prints `file:line: what`."""
import ast
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ["proxy", "shadow", "rollout", "db", "dashboard", "tests"]
FILE_LINES, FUNCTION_LINES = 400, 60
EMPTY_WORDS = "Manager|Helper|Utils?|Common|Misc|Data|Info|Impl|Base"
TYPE = re.compile(rf"^\s*(?:template\s*<.*>\s*)?(?:class|struct|enum(?:\s+class)?|using)\s+(?:\[\[\w+\]\]\s+)?(\w*?(?:Manager|Helper|Utils?|Misc|Impl)|{EMPTY_WORDS})\b(?!\s*::)")
FILE = re.compile(rf"(?i)^({EMPTY_WORDS})$|_(manager|helper|utils?|misc|impl)$")
NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'', re.S)
NOT_FUNCTION = re.compile(r"^\s*(?:namespace|class|struct|enum|union|extern|template\s*<[^()]*>\s*(?:class|struct))\b[^()]*$|=\s*$")


def without_noise(text):
    """The source with comments and literals blanked, line breaks kept."""
    return NOISE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def cpp_functions(text):
    """(first line, length) of each function body's whole definition, lambdas counted with the function they stand in."""
    text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", lambda found: "\n" * found[0].count("\n"), without_noise(text), flags=re.M)
    stack, start, line = [], None, 1
    opening = ""
    for letter in text:
        if letter == "\n":
            line += 1
        if letter == "{":
            inside = any(kind for kind, _ in stack)
            is_function = not inside and "(" in opening and not NOT_FUNCTION.match(opening)
            stack.append((is_function, start or line))
            opening, start = "", None
        elif letter == "}":
            if stack:
                is_function, first = stack.pop()
                if is_function:
                    yield first, line - first + 1
            opening, start = "", None
        elif letter == ";":
            opening, start = "", None
        else:
            if start is None and not letter.isspace():
                start = line
            opening += letter


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def violations(root=ROOT):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in {".h", ".cpp", ".py"}:
                yield from (f"{path.relative_to(root)}:{line}: {what}" for line, what in check(path))


def check(path):
    text = path.read_text()
    lines = text.splitlines()
    if len(lines) > FILE_LINES:
        yield len(lines), f"{len(lines)} lines, at most {FILE_LINES}"
    if FILE.search(path.stem):
        yield 1, "the file's name says nothing"
    functions = python_functions if path.suffix == ".py" else cpp_functions
    for line, length in functions(text):
        if length > FUNCTION_LINES:
            yield line, f"a function of {length} lines, at most {FUNCTION_LINES}"
    if path.suffix != ".py":
        for number, line in enumerate(without_noise(text).splitlines(), 1):
            if found := TYPE.match(line):
                yield number, f"the name {found[1]} says nothing"


if __name__ == "__main__":
    found = list(violations())
    print("\n".join(found) if found else "sizes and names: as agreed")
    sys.exit(1 if found else 0)
