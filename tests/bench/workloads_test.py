#!/usr/bin/env python3
"""The workloads of bench/workloads: each runs with any number of threads, does the same every time, and notices damage."""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("BURSAR_SOURCE_ROOT") or pathlib.Path(__file__).resolve().parents[2])
PROGRAMS = pathlib.Path(os.environ.get("BURSAR_BUILD_ROOT") or ROOT / "build") / "bench/workloads"
LIBRARY = os.environ.get("BURSAR_LIBRARY") or str(ROOT / "build/libbursar.so")
HANDS_OUT_TWICE = os.environ.get("HANDS_OUT_TWICE", "")

for directory in ("compare", "measure"):
    sys.path.insert(0, str(ROOT / "bench" / directory))
import workloads  # noqa: E402

SMOKE_PERCENT = "1"
RUN_SECONDS_MAX = 60
THREADS = (1, 2, 4)
METRIC = re.compile(r"metric [a-z0-9_]+ -?[0-9.]+ \S+")

# All that can be asked for: (program, variant).
PROGRAM_VARIANTS = sorted({(case.program, case.variant) for case in workloads.CASES})


def run(program, threads, variant="", **environment):
    command = [PROGRAMS / program, str(threads), SMOKE_PERCENT, *filter(None, [variant])]
    return subprocess.run(command, env={"PATH": os.environ["PATH"], **environment}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=RUN_SECONDS_MAX)


class TheList(unittest.TestCase):
    def test_every_workload_is_a_case(self):
        sources = {path.stem for pattern in ("*.c", "*.cpp") for path in (ROOT / "bench/workloads").glob(pattern)}
        self.assertEqual(sources, {program for program, _ in PROGRAM_VARIANTS})

    def test_every_case_asks_a_question(self):
        for case in workloads.CASES:
            self.assertRegex(case.question, r"^[A-Z][^\n]*\?( \([^)]+\))?$", case.name)

    def test_names_are_unique_and_plain(self):
        names = [case.name for case in workloads.CASES]
        self.assertEqual(len(set(names)), len(names))
        for name in names:
            self.assertRegex(name, r"^[a-z0-9.-]+$")


class Running(unittest.TestCase):
    def check_all(self, **environment):
        runs = [(program, threads, variant) for program, variant in PROGRAM_VARIANTS for threads in THREADS]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for arguments, done in zip(runs, pool.map(lambda arguments: run(*arguments, **environment), runs)):
                with self.subTest(arguments):
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    for line in done.stdout.splitlines():
                        self.assertRegex(line, METRIC)

    def test_on_glibc(self):
        self.check_all()

    def test_on_bursar(self):
        self.check_all(LD_PRELOAD=LIBRARY)

    def test_the_metrics_are_those_of_the_case(self):
        for case in workloads.CASES:
            with self.subTest(case.name):
                printed = run(case.program, case.threads, case.variant).stdout.splitlines()
                self.assertEqual({line.split()[1]: line.split()[3] for line in printed}, case.metric_units)


class TheSameWork(unittest.TestCase):
    def account_of(self, program, variant):
        with tempfile.TemporaryDirectory() as directory:
            report = pathlib.Path(directory) / "report"
            run(program, 1, variant, LD_PRELOAD=LIBRARY, BURSAR=f"stats=json,out={report}")
            account = json.loads(report.read_text())
            return account["calls"], account["requested_bytes"], account["peak_live_bytes"]

    def test_every_time(self):
        for program, variant in PROGRAM_VARIANTS:
            with self.subTest(program):
                self.assertEqual(self.account_of(program, variant), self.account_of(program, variant))


@unittest.skipUnless(HANDS_OUT_TWICE, "the faulty malloc is built by meson")
class Damage(unittest.TestCase):
    def test_a_block_handed_out_twice_is_noticed(self):
        for program in ("lifo", "fifo", "replace_mix", "scaling", "thread_turnover", "producer_consumer"):
            with self.subTest(program):
                done = run(program, 1, LD_PRELOAD=HANDS_OUT_TWICE)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"^wrong: .* lost ")

    def test_a_wrong_command_line_is_noticed(self):
        for threads in ("0", "x", "1000"):
            self.assertEqual(run("reuse", threads).returncode, 2)


if __name__ == "__main__":
    unittest.main()
