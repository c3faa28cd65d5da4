"""Runs a program as it is and under the library, and compares everything it says.

Each test of this folder is a plain unittest file. The library comes in BURSAR_TEST_LIBRARY; the tests are
the same for every library that replaces malloc, so they can be tried on any other one. BURSAR_TEST_OPTIONS, when
set, becomes BURSAR for the programs; with stats in it, every program must also leave whole reports.
"""

import dataclasses
import difflib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

WORKLOADS = pathlib.Path(__file__).resolve().parent / "workloads"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
COMMAND_SECONDS_MAX = 200
DIFFERENCE_LINES_MAX = 40


@dataclasses.dataclass(frozen=True)
class Outcome:
    status: str
    stdout: str
    stderr: str

    def text(self):
        return f"status: {self.status}\n-- stdout --\n{self.stdout}\n-- stderr --\n{self.stderr}"

    def excerpt(self):
        return f"status: {self.status}\nstdout: ...{self.stdout[-1500:]}\nstderr: {self.stderr[:1500]}"


def find(name):
    """The distribution's own program before any other of that name; a program that is missing is a failure."""
    path = shutil.which(name, path=SYSTEM_PATH) or shutil.which(name)
    if path is None:
        raise AssertionError(f"{name} is not installed")
    return path


def library():
    path = os.environ.get("BURSAR_TEST_LIBRARY", "")
    if not os.path.isfile(path):
        raise AssertionError(f"BURSAR_TEST_LIBRARY={path!r} names no file")
    return os.path.realpath(path)


def status_of(returncode):
    return f"exit {returncode}" if returncode >= 0 else signal.Signals(-returncode).name


class PreloadCase(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="bursar-programs-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)

    def with_library(self):
        """What makes a program run under the library."""
        options = os.environ.get("BURSAR_TEST_OPTIONS")
        if not options:
            return {"LD_PRELOAD": library()}
        (self.root / "reports").mkdir(exist_ok=True)
        return {"LD_PRELOAD": library(), "BURSAR": f"{options},out={self.root}/reports/%n.%p"}

    def assert_reports_are_whole(self):
        if "stats=json" not in os.environ.get("BURSAR_TEST_OPTIONS", ""):
            return
        reports = list((self.root / "reports").iterdir())
        self.assertNotEqual(reports, [], "no process left a report")
        for report in reports:
            try:
                json.loads(report.read_text())
            except ValueError as fault:
                self.fail(f"{report.name} is not JSON: {fault}\n{report.read_text(errors='replace')[:500]}")

    def environment(self, directory, extra):
        """Nothing of the caller's environment that could make the two runs, or two machines, differ."""
        return {
            "PATH": SYSTEM_PATH, "HOME": str(directory), "TMPDIR": str(directory), "WORK": str(directory),
            "LC_ALL": "C.UTF-8", "TZ": "UTC", **extra,
        }

    def run_in_fresh_directory(self, command, *, stdin="", **extra):
        """Both runs see a directory of the same name, since a name's length alone can change what a program prints."""
        directory = self.root / "work"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=directory,
            env=self.environment(directory, extra), start_new_session=True)
        try:
            stdout, stderr = process.communicate(stdin.encode(), timeout=COMMAND_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = process.communicate()
            self.fail(f"still running after {COMMAND_SECONDS_MAX} s: {command}\n"
                      f"{stdout.decode(errors='replace')}\n{stderr.decode(errors='replace')}")
        return Outcome(status_of(process.returncode), stdout.decode(errors="replace"), stderr.decode(errors="replace"))

    def assert_same(self, command, *, same=lambda text: text, **extra):
        """The program exits with 0 and says the same with and without the library; `same` hides what may differ."""
        command = [find(command[0]), *command[1:]]
        plain = self.run_in_fresh_directory(command, **extra)
        self.assertEqual(plain.status, "exit 0", f"{command} fails without the library:\n{plain.excerpt()}")
        preloaded = self.run_in_fresh_directory(command, **self.with_library(), **extra)
        left, right = (same(outcome.text()).splitlines() for outcome in (plain, preloaded))
        lines = list(difflib.unified_diff(left, right, "without", "with the library", lineterm="", n=2))
        if lines:
            shown = "\n".join(lines[:DIFFERENCE_LINES_MAX])
            self.fail(f"{command} behaves differently ({len(lines)} lines of difference):\n{shown}")
        self.assert_reports_are_whole()
        return preloaded

    def assert_serves_malloc(self, command):
        """The dynamic linker binds every reference to malloc and free in the process to the library.

        A program that takes the address of malloc lends the process its own stub for it, which leads to the library.
        """
        output = self.root / "bindings"
        command = [find(command[0]), *command[1:]]
        outcome = self.run_in_fresh_directory(command, LD_PRELOAD=library(), LD_BIND_NOW="1", LD_DEBUG="bindings",
                                              LD_DEBUG_OUTPUT=str(output))
        self.assertEqual(outcome.status, "exit 0", f"{command} under LD_DEBUG=bindings:\n{outcome.excerpt()}")
        pattern = re.compile(r" to (\S+) \[\d+\]: normal symbol `(?:malloc|calloc|realloc|free)'")
        providers = set()
        for path in self.root.glob("bindings.*"):
            providers |= {os.path.realpath(found) for found in pattern.findall(path.read_text(errors="replace"))}
        self.assertIn(library(), providers, f"{command} does not take malloc from the library")
        self.assertLessEqual(providers, {library(), os.path.realpath(command[0])}, f"{command} takes malloc elsewhere")


class TapResult(unittest.TestResult):
    """One line a test in the Test Anything Protocol, so that each is counted; a failure is explained in comments."""

    def __init__(self):
        super().__init__()
        self.explanation = ""

    def startTest(self, test):
        super().startTest(test)
        self.explanation = ""

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.explanation = self.failures[-1][1]

    def addError(self, test, err):
        super().addError(test, err)
        self.explanation = self.errors[-1][1]

    def stopTest(self, test):
        super().stopTest(test)
        for line in self.explanation.splitlines():
            print("#", line)
        outcome = "not ok" if self.explanation else "ok"
        print(f"{outcome} {self.testsRun} {test.id().removeprefix('__main__.')}", flush=True)


def main():
    """Runs the tests of the calling file, or those named on its command line."""
    sys.stdout.reconfigure(errors="replace")
    module = sys.modules["__main__"]
    loader = unittest.TestLoader()
    tests = loader.loadTestsFromNames(sys.argv[1:], module) if sys.argv[1:] else loader.loadTestsFromModule(module)
    print(f"1..{tests.countTestCases()}\n# library: {library()}", flush=True)
    sys.exit(0 if tests.run(TapResult()).wasSuccessful() and tests.countTestCases() else 1)
