#!/usr/bin/env python3
"""Ledgers that are written on arm64, under qemu, and read here: the format is the same."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import emulated


class Ledgers(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.ledger = pathlib.Path(temporary.name) / "ledger"

    def report_of(self, guest, *arguments, status=0):
        done = emulated.run(emulated.GUESTS / guest, *arguments, BURSAR=f"ledger={self.ledger}")
        self.assertEqual(done.returncode, status, done.stderr)
        report = subprocess.run([os.environ["BURSAR_COMMAND"], "report", "--json", self.ledger], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, text=True, timeout=emulated.SECONDS_MAX, check=True)
        return json.loads(report.stdout), done.stdout

    def test_calls_are_counted(self):
        report, _ = self.report_of("known_calls", "malloc:1000:100", "calloc:10:24", "churn:10000:40", "threads:5:64")
        # The C library makes some blocks for threads.
        for call, least, most in (("malloc", 11_005, 11_020), ("calloc", 10, 30), ("free", 10_000, 10_020)):
            self.assertTrue(least <= report["calls"][call] <= most, report["calls"])

    def test_sigkill_takes_nothing_away(self):
        report, _ = self.report_of("known_calls", "malloc:1000:100", "kill:9", status=-9)
        self.assertEqual((report["calls"]["malloc"], report["live_blocks"]), (1000, 1000))

    def test_the_runtime_tells(self):
        report, printed = self.report_of("runtime_figures", "exit")
        self.assertEqual(report["runtime"], json.loads(printed))
        self.assertEqual(report["runtime"]["interned_strings"], 2)


if __name__ == "__main__":
    unittest.main()
