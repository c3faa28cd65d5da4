#!/usr/bin/env python3
"""The real programs of the bench, a little of each: they run on bursar, and answer as they do on glibc."""

import dataclasses
import json
import os
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("BURSAR_SOURCE_ROOT") or pathlib.Path(__file__).resolve().parents[2])
BUILD = pathlib.Path(os.environ.get("BURSAR_BUILD_ROOT") or ROOT / "build")
LIBRARY = os.environ.get("BURSAR_LIBRARY") or str(BUILD / "libbursar.so")
for directory in ("compare", "measure"):
    sys.path.insert(0, str(ROOT / "bench" / directory))

from launcher import Context, RunFailed, Sample  # noqa: E402: the path comes first
from program import Program, amount, installed  # noqa: E402
from program_server import check_mapped  # noqa: E402
from programs import CASES  # noqa: E402
from selection import missing_packages  # noqa: E402

SCALE = 0.02


class OnDirectory(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="bursar-programs-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.context = Context(BUILD, self.directory / "inputs", BUILD / "bench/measure/measure", run_seconds_max=60)

    def prepared(self, case):
        case.prepare(self.context.inputs / case.name)
        return case


class Programs(OnDirectory):
    """A test for each program: test_NAME, made below."""

    def check(self, case):
        missing = missing_packages(case)
        if missing:
            self.skipTest(f"not installed: {' '.join(missing)}")
        _, plain = self.prepared(case).run_and_answer(self.context, None, SCALE)
        self.assertNotEqual(plain, "")
        reports = self.directory / "reports"
        reports.mkdir()
        for directory in (self.directory, reports):  # A server may write its report as another user.
            directory.chmod(0o777)
        counted = dataclasses.replace(case, environment={**case.environment, "BURSAR": f"stats=json,out={reports}/%p"})
        sample, answer = counted.run_and_answer(self.context, LIBRARY, SCALE)
        self.assertEqual(answer, plain)
        self.assertGreater(sample.peak_rss_kib, 0)
        allocations = [json.loads(report.read_text())["allocations"] for report in reports.iterdir()]
        self.assertGreater(max(allocations, default=0), 1000, "the program hardly allocated from the library")


def add_tests():
    for case in CASES:
        setattr(Programs, f"test_{case.name.replace('-', '_')}", lambda self, case=case: self.check(case))


add_tests()


@dataclasses.dataclass(frozen=True)
class Fake(Program):
    """A program whose answer the test gives as its library."""

    def run_in(self, directory, context, library, scale):
        return Sample(1.0, 1.0, 0.0, 1, 1), library


class Answers(OnDirectory):
    def setUp(self):
        super().setUp()
        self.case = self.prepared(Fake("fake"))

    def test_the_same_answer_is_a_sample(self):
        samples = [self.case.run(self.context, "seven", 1) for _ in range(2)]
        self.assertEqual(samples[0], samples[1])

    def test_another_answer_is_a_failure(self):
        self.case.run(self.context, "seven", 1)
        with self.assertRaisesRegex(RunFailed, "eight.*seven"):
            self.case.run(self.context, "eight", 1)

    def test_no_answer_is_a_failure(self):
        with self.assertRaisesRegex(RunFailed, "no answer"):
            self.case.run(self.context, "", 1)

    def test_another_scale_has_another_answer(self):
        self.case.run(self.context, "seven", 1)
        self.case.run(self.context, "eight", 0.5)

    def test_a_new_series_forgets_answers(self):
        self.case.run(self.context, "seven", 1)
        self.prepared(self.case).run(self.context, "eight", 1)


class Parts(unittest.TestCase):
    def test_a_server_without_the_library_is_a_failure(self):
        check_mapped(os.getpid(), "libc.so.6")
        with self.assertRaisesRegex(RunFailed, "without /nowhere/libother.so"):
            check_mapped(os.getpid(), "/nowhere/libother.so")

    def test_a_missing_program_is_a_failure(self):
        with self.assertRaisesRegex(RunFailed, "no-such-program is not installed"):
            installed("no-such-program")

    def test_no_scale_leaves_nothing_to_do(self):
        self.assertEqual([amount(200, scale) for scale in (1, 0.1, 0.0001)], [200, 20, 1])

    def test_every_script_exists_and_is_used(self):
        scripts = {script for case in CASES for script in case.scripts}
        self.assertEqual(scripts, {path.name for path in (ROOT / "bench/programs").iterdir()})

    def test_a_case_depends_on_its_scripts_and_modules(self):
        context = Context(BUILD, BUILD, BUILD)
        for case in CASES:
            files = case.files(context)
            self.assertTrue(all(path.is_file() for path in files), files)
            self.assertTrue({"program.py", *case.scripts} <= {path.name for path in files}, files)


if __name__ == "__main__":
    unittest.main()
