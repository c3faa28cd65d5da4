#!/usr/bin/env python3
"""Adds up what `meson test` left in build directories and closes with one line: N passed, N failed.

count_results.py BUILD...
A test that reports its cases counts once a case, any other counts once. Exit status 1 when anything
failed or nothing ran.
"""

import collections
import json
import pathlib
import re
import sys
import xml.etree.ElementTree

# Output of a test may hold characters that XML cannot, and meson writes them all the same.
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

GOOD = {"OK", "EXPECTEDFAIL"}


def outcome_of(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def cases_of(build):
    """Yields (name, outcome) for every case of a build's last test run."""
    logs = pathlib.Path(build) / "meson-logs"
    text = NOT_XML.sub("?", (logs / "testlog.junit.xml").read_text(encoding="utf-8", errors="replace"))
    for suite in xml.etree.ElementTree.fromstring(text).iter("testsuite"):
        for case in suite.findall("testcase"):
            yield f"{suite.get('name')}: {case.get('name')}", outcome_of(case)


def failed_tests_of(build):
    """Tests that did not end well as a whole, such as one that crashed after its last case."""
    for line in (pathlib.Path(build) / "meson-logs/testlog.json").read_text().splitlines():
        test = json.loads(line)
        if test["result"] not in GOOD | {"SKIP"}:
            yield f"{test['name']}: {test['result'].lower()}"


def main():
    counts = collections.Counter()
    for build in sys.argv[1:]:
        failed_cases = 0
        for name, outcome in cases_of(build):
            counts[outcome] += 1
            failed_cases += outcome == "failed"
            if outcome != "passed":
                print(f"{outcome}: {name}")
        failed_tests = list(failed_tests_of(build))
        for name in failed_tests:
            print(f"failed: {name}")
        counts["failed"] += max(0, len(failed_tests) - failed_cases)
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
