"""What the tests of the house share: where things are, and what a source file includes."""

import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(os.environ.get("BURSAR_SOURCE_ROOT") or pathlib.Path(__file__).resolve().parents[2])
SOURCE_DIRECTORIES = ("allocator", "interpose", "runtime", "tools", "tests", "bench")
SOURCE_SUFFIXES = (".h", ".c", ".cpp")

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]')


def sources(*directories, suffixes=SOURCE_SUFFIXES):
    """The source files under these directories of the project, as paths relative to its root."""
    found = []
    for directory in directories or SOURCE_DIRECTORIES:
        for path in sorted((ROOT / directory).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                found.append(path.relative_to(ROOT))
    return found


def includes_of(path):
    """Yields (line number, is_quoted, name) for every include of a file."""
    for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1] == '"', match[2]


def product(variable):
    """The path of a product that meson passes in the environment."""
    path = os.environ.get(variable)
    if not path or not os.path.isfile(path):
        raise AssertionError(f"{variable}={path!r} names no file; run this by `./dev test`")
    return path


def output_of(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=120, **options).stdout
