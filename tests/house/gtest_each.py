#!/usr/bin/env python3
"""Runs every test of a GoogleTest program in a process of its own and reports in TAP.

gtest_each.py [--jobs N] [--skips FILE] PROGRAM [ARGUMENT...]

FILE has a test to be skipped a line, as a pattern of the shell, and behind it the reason.
"""

import argparse
import concurrent.futures
import fnmatch
import pathlib
import subprocess
import sys

TEST_SECONDS_MAX = 120


def names_of(command):
    listing = subprocess.run(command + ["--gtest_list_tests"], check=True, stdout=subprocess.PIPE, text=True).stdout
    names, suite = [], ""
    for line in listing.splitlines():
        text = line.split("#")[0].rstrip()
        if line.startswith("  "):
            names.append(suite + text.strip())
        elif text.endswith("."):
            suite = text
    return names


def skips_of(path):
    """Patterns and reasons."""
    lines = [] if path is None else pathlib.Path(path).read_text().splitlines()
    return [line.split(maxsplit=1) for line in lines if line.strip() and not line.startswith("#")]


def run(command, name, skips):
    for pattern, reason in skips:
        if fnmatch.fnmatchcase(name, pattern):
            return f"skipped {reason}", b""
    try:
        done = subprocess.run(command + [f"--gtest_filter={name}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, timeout=TEST_SECONDS_MAX)
    except subprocess.TimeoutExpired as expired:
        return "failed", (expired.output or b"") + f"\nno end after {TEST_SECONDS_MAX} s\n".encode()
    if done.returncode != 0:
        return "failed", done.stdout + f"\nexit status {done.returncode}\n".encode()
    if b"[  SKIPPED ]" in done.stdout:
        return "skipped", done.stdout
    # A filter that matches nothing also exits with 0.
    return ("passed" if b"[  PASSED  ] 1 test" in done.stdout else "failed"), done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--skips")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    names = [name for name in names_of(arguments.command) if not name.split(".")[-1].startswith("DISABLED_")]
    print(f"1..{len(names)}", flush=True)
    failures = 0 if names else 1
    skips = skips_of(arguments.skips)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        outcomes = pool.map(lambda name: run(arguments.command, name, skips), names)
        for number, (name, (outcome, output)) in enumerate(zip(names, outcomes), 1):
            if outcome == "failed":
                failures += 1
                for line in output.decode(errors="replace").splitlines():
                    print("#", line)
                sys.stderr.write(output.decode(errors="replace"))
            skipped = f" # SKIP{outcome.removeprefix('skipped')}" if outcome.startswith("skipped") else ""
            print(f"{'not ok' if outcome == 'failed' else 'ok'} {number} {name}{skipped}", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
