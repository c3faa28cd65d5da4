#!/usr/bin/env python3
"""Which faults of memory use an allocator notices: 37 kinds in three sizes and five of C++, as others count them.

survey.py [--allocator NAME=LIBRARY]... [--promises LIBRARY]

Builds the programs of survey/, runs each under every allocator named (glibc's own is the first) and prints a table.
A survey judges nobody, with one exception: under the library of --promises, what bursar promises must be caught.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile

SOURCES = pathlib.Path(__file__).resolve().parent / "survey"
COMPILERS = {".c": ["cc", "-std=gnu17"], ".cpp": ["c++", "-std=c++17", "-fsized-deallocation"]}
SIZES = ("8", "4096", "262144")
PROGRAM_SECONDS_MAX = 30
JOBS = 2

# (name in the table, program, what follows the size; sizes for which bursar promises one line and an abort)
KINDS = (
    *((f"write {distance} {unit} {side}, by {how}", "stray_write", (how, side, bytes_), ())
      for how in ("write", "copy")
      for distance, unit, bytes_ in (("1", "byte", "1"), ("32", "bytes", "32"), ("1", "MiB", str(1 << 20)))
      for side in ("past", "before")),
    ("double free at once", "double_free", ("at_once",), SIZES),
    ("double free, another between", "double_free", ("across",), ()),
    ("double free, 1024 pairs later", "double_free", ("delayed",), SIZES),
    ("double free after reuse", "double_free", ("after_reuse",), SIZES),
    ("double free, then 256 Ki pairs", "double_free", ("then_reuse",), SIZES),
    ("free of (void*)1", "stray_free", ("one",), SIZES),
    ("free of alloca", "stray_free", ("alloca",), SIZES),
    ("free of an array on the stack", "stray_free", ("array",), SIZES),
    ("free of a page further", "stray_free", ("page_on",), ("262144",)),
    ("free of a GiB further", "stray_free", ("gigabyte_on",), SIZES),
    ("free of a byte further", "stray_free", ("byte_on",), SIZES),
    ("free of 8 bytes further", "stray_free", ("word_on",), SIZES),
    ("malloc returns the last freed", "reuse", ("same",), ()),
    ("... to half the size", "reuse", ("smaller",), ()),
    ("... realloc (cannot be passed)", "reuse", ("realloc",), ()),
    ("write after free", "after_free", ("write",), ()),
    ("write after free, 256 Ki pairs", "after_free", ("write_then_reuse",), ()),
    ("freed memory keeps its contents", "after_free", ("zeroed",), ()),
    ("new memory has old contents", "fresh_contents", (), ()),
    ("read of no bytes", "no_bytes", ("read",), ()),
    ("read of no bytes, then free", "no_bytes", ("read", "free"), ()),
    ("write of no bytes", "no_bytes", ("write",), ()),
    ("write of no bytes, then free", "no_bytes", ("write", "free"), ()),
    ("malloc(-2) succeeds", "limits", ("impossible",), ()),
    ("the heap is executable", "limits", ("execute",), ()),
)
# (name, argument, whether bursar promises it)
CPP_KINDS = (
    ("delete of 72 bytes for new of 1", "size", True),
    ("new char, delete[] char", "char_as_array", False),
    ("new string, delete[] string", "string_as_array", False),
    ("new[] char, delete char", "array_as_char", True),
    ("new[] string, delete string", "array_as_string", False),
)
LEGEND = "A abort  S fault  x ended in silence  l late: went on, then died  T no end  . not caught"
CAUGHT = "ASx"


def build(directory):
    """Not optimised, as a compiler that sees a fault may do anything."""
    options = ["-O0", "-fno-builtin", "-w"]
    for source in sorted(SOURCES.iterdir()):
        if source.suffix in COMPILERS:
            command = [*COMPILERS[source.suffix], *options, "-o", directory / source.stem, source]
            subprocess.run(command, check=True)


def limit_child():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(command, library):
    """One letter of the legend, and what the program said on stderr."""
    environment = {"PATH": os.defpath, **({"LD_PRELOAD": library} if library else {})}
    try:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=PROGRAM_SECONDS_MAX, preexec_fn=limit_child)
    except subprocess.TimeoutExpired:
        return "T", ""
    said = done.stderr.decode(errors="replace")
    if b"not caught" in done.stdout:
        return ("l" if done.returncode < 0 else "."), said
    if done.returncode == 2:
        raise AssertionError(f"{command} does not know its arguments")
    if done.returncode >= 0:
        return "x", said
    return ("A" if -done.returncode == signal.SIGABRT else "S"), said


def rows(directory):
    """Yields (name, commands, promised commands)."""
    for name, program, rest, promised_sizes in KINDS:
        commands = {size: [str(directory / program), size, *rest] for size in SIZES}
        yield name, list(commands.values()), [commands[size] for size in promised_sizes]
    for name, argument, promised in CPP_KINDS:
        command = [str(directory / "mismatch"), argument]
        yield name, [command], [command] if promised else []


def survey(directory, allocators):
    table = list(rows(directory))
    outcomes = {}
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for allocator, library in allocators.items():
            commands = [command for _, row, _ in table for command in row]
            results = pool.map(lambda command, library=library: run(command, library), commands)
            outcomes[allocator] = {tuple(command): result for command, result in zip(commands, results)}
    return table, outcomes


def print_table(table, outcomes):
    width = max(6, *(len(name) for name in outcomes))
    print(f"{'bytes: 8, 4096, 262144':34}" + "".join(f" {name:>{width}}" for name in outcomes))
    for name, commands, _ in table:
        cells = ("".join(results[tuple(command)][0] for command in commands) for results in outcomes.values())
        print(f"{name:34}" + "".join(f" {cell:>{width}}" for cell in cells))
    total = sum(len(commands) for _, commands, _ in table)
    for title, letters in (("caught", CAUGHT), ("late", "l"), ("no end", "T")):
        counts = (sum(letter in letters for letter, _ in results.values()) for results in outcomes.values())
        print(f"{f'{title}, of {total}':34}" + "".join(f" {count:>{width}}" for count in counts))
    print(LEGEND)


def broken_promises(table, results):
    for name, _, promised in table:
        for command in promised:
            letter, said = results[tuple(command)]
            if letter != "A" or not re.fullmatch(r"bursar: [^\n]*\n", said):
                yield f"{name}: {' '.join(command[1:])}: {letter} {said!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--allocator", action="append", default=[], metavar="NAME=LIBRARY")
    parser.add_argument("--promises", metavar="LIBRARY")
    arguments = parser.parse_args()
    allocators = {"glibc": "", **dict(named.split("=", 1) for named in arguments.allocator)}
    if arguments.promises:
        allocators["bursar"] = arguments.promises
    for name, library in allocators.items():
        if library and not os.path.isfile(library):
            parser.error(f"{name}: no library {library}")
    with tempfile.TemporaryDirectory(prefix="bursar-survey-") as directory:
        build(pathlib.Path(directory))
        table, outcomes = survey(pathlib.Path(directory), allocators)
    print_table(table, outcomes)
    broken = list(broken_promises(table, outcomes["bursar"])) if arguments.promises else []
    for line in broken:
        print("promised, not kept:", line)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
