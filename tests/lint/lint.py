"""Everything that `./dev lint` looks at: `lint.py [changed] [--jobs N]`. Ends with one line and a status that is not 0 when anything is wrong."""
import argparse
import concurrent.futures
import hashlib
import json
import shlex
import subprocess
import sys

import check_layers
import check_sizes

ROOT = check_sizes.ROOT
FOLDERS = ["proxy", "shadow", "rollout", "db", "tests"]


def sources(changed):
    """C++ files, all or those that differ from main's."""
    if not changed:
        return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in {".h", ".cpp"})
    listing = subprocess.run(["git", "diff", "--name-only", "--diff-filter=d", "main", "--", "*.h", "*.cpp"], cwd=ROOT, text=True,
                             capture_output=True, check=True).stdout
    return [ROOT / name for name in listing.split()]


def output_of(argv):
    done = subprocess.run([str(word) for word in argv], cwd=ROOT, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def check_format(files):
    return output_of(["clang-format", "--dry-run", "-Werror", *files]) if files else ""


def preprocessed(entry):
    """What the compiler sees of a translation unit, and the rules it is judged by, as a hash."""
    words = [word for word in shlex.split(entry["command"]) if word != "-c" and not word.endswith("ccache")]
    words[words.index("-o") + 1] = "-"
    done = subprocess.run([*words, "-E", "-P"], cwd=entry["directory"], capture_output=True)
    rules = (ROOT / ".clang-tidy").read_bytes()
    return hashlib.sha256(rules + done.stdout).hexdigest() if done.returncode == 0 else None


def tidy(entry, database):
    """clang-tidy's complaints on one unit; one that was clean and has not changed since is not asked again."""
    seen = preprocessed(entry)
    mark = ROOT / "build" / "lint" / str(seen)
    if seen and mark.exists():
        return ""
    complaint = output_of(["clang-tidy", "--quiet", "-p", database.parent, "--extra-arg=-Wno-unknown-warning-option", entry["file"]])
    if not complaint:
        mark.parent.mkdir(exist_ok=True)
        mark.touch()
    return complaint


def check_tidy(files, jobs):
    """Every translation unit of ours among `files`; headers are seen through them. Tests are held to format and sizes alone: GoogleTest's
    macros make the half of a tree's work, and of its noise."""
    database = ROOT / "build" / "dev" / "compile_commands.json"
    wanted = [entry for entry in json.loads(database.read_text()) if ROOT.joinpath(entry["file"]) in files and not ROOT.joinpath(entry["file"]).is_relative_to(ROOT / "tests")]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        return "".join(pool.map(lambda entry: tidy(entry, database), wanted))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scope", nargs="?", choices=["all", "changed"], default="all")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    files = sources(options.scope == "changed")
    checks = {"layers": lambda: "\n".join(check_layers.violations()), "sizes": lambda: "\n".join(check_sizes.violations()),
              "format": lambda: check_format(files), "tidy": lambda: check_tidy(files, options.jobs)}
    failed = []
    for name, check in checks.items():
        if complaint := check():
            print(complaint)
            failed.append(name)
    print(f"lint: {len(files)} files, " + (f"failed: {' '.join(failed)}" if failed else "clean"))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
