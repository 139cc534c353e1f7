"""Everything that `./dev lint` looks at: `lint.py [changed] [--jobs N]`. Ends with one line and a status that is not 0 when anything is wrong."""
import argparse
import subprocess
import sys

import check_layers
import check_names
import check_sizes
import tidy

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


def check_tidy(files, jobs):
    """Every translation unit of ours among `files`; headers are seen through them. Tests are held to format and sizes alone: GoogleTest's
    macros make the half of a tree's work, and of its noise."""
    clang_tidy = tidy.Tidy(ROOT, ROOT / "build" / "dev", ROOT / "build" / "lint")
    return clang_tidy.complaints(clang_tidy.units(lambda file: file in files and not file.is_relative_to(ROOT / "tests")), jobs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scope", nargs="?", choices=["all", "changed"], default="all")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    files = sources(options.scope == "changed")
    checks = {"layers": lambda: "\n".join(check_layers.violations()), "sizes": lambda: "\n".join(check_sizes.violations()),
              "names": lambda: "\n".join(check_names.violations()),
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
