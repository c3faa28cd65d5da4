#!/usr/bin/env python3
"""clang-format over every source, clang-tidy over the library and the tools: format_and_lint.py [FILE...]"""

import concurrent.futures
import os
import subprocess
import sys

import house

LINTED = ("allocator", "interpose", "runtime", "tools")
COMPILE = ["-std=c++20", "-D_GNU_SOURCE", f"-I{house.ROOT}", f"-I{house.ROOT}/runtime/include"]


def format_faults(paths):
    done = subprocess.run(["clang-format", "--dry-run", "--Werror", "--style=file", *paths], cwd=house.ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout if done.returncode else ""


def lint_faults(path):
    done = subprocess.run(["clang-tidy", "--quiet", path, "--", *COMPILE], cwd=house.ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    return (done.stdout or done.stderr) if done.returncode else ""


def main():
    named = set(sys.argv[1:])
    formatted = [str(path) for path in house.sources() if not named or str(path) in named]
    linted = [str(path) for path in house.sources(*LINTED, suffixes=(".cpp",)) if not named or str(path) in named]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        format_work = pool.submit(format_faults, formatted)
        lint = list(pool.map(lint_faults, linted))
        faults = [text for text in [format_work.result(), *lint] if text]
    print("\n".join(faults), end="")
    print(f"format and lint: {len(formatted)} files formatted, {len(linted)} linted, "
          f"{'no fault' if not faults else f'faults in {len(faults)} places'}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
