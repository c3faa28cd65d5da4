#!/usr/bin/env python3
"""Runs the tests of a unittest file and reports in TAP, so that each counts: unittest_each.py FILE"""

import importlib.util
import pathlib
import sys
import unittest


class TapResult(unittest.TestResult):
    """Writes a line for every test; what failed is told above its line."""

    def __init__(self):
        super().__init__()
        self.number = 0
        self.faults = {}

    def note(self, test, error):
        self.faults.setdefault(test.id(), []).append(self._exc_info_to_string(error, test))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test, err)
        if not isinstance(test, unittest.TestCase):  # the set-up of a class or of the file
            self.write(test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.faults.setdefault(test.id(), []).append(f"{subtest}\n{self._exc_info_to_string(err, test)}")

    def write(self, test):
        self.number += 1
        name = ".".join(test.id().split(".")[-2:])
        faults = self.faults.get(test.id(), [])
        reason = next((reason for skipped, reason in self.skipped if skipped is test), None)
        for line in "".join(faults).splitlines():
            print("#", line)
        sys.stderr.write("".join(faults))
        print(f"{'not ok' if faults else 'ok'} {self.number} {name}" + (f" # SKIP {reason}" if reason is not None else ""),
              flush=True)

    def stopTest(self, test):
        self.write(test)
        super().stopTest(test)


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    sys.path.insert(0, str(path.parent))
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module
    specification.loader.exec_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = TapResult()
    suite.run(result)
    print(f"1..{result.number}")
    return 0 if result.wasSuccessful() and result.number else 1


if __name__ == "__main__":
    sys.exit(main())
