#!/usr/bin/env python3
"""Adds up meson's JUnit reports and closes with one line: N passed, N failed.

count_results.py REPORT...
A test that reports its cases counts once a case, any other counts once. Exit status 1 when anything
failed or nothing ran.
"""

import sys
import xml.etree.ElementTree


def cases_of(report):
    """Yields (name, outcome) for every case of a report."""
    for suite in xml.etree.ElementTree.parse(report).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            name = f"{suite.get('name')}: {case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None:
                yield name, "failed"
            elif case.find("skipped") is not None:
                yield name, "skipped"
            else:
                yield name, "passed"


def main():
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for report in sys.argv[1:]:
        for name, outcome in cases_of(report):
            counts[outcome] += 1
            if outcome != "passed":
                print(f"{outcome}: {name}")
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return 1 if counts["failed"] or not counts["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
