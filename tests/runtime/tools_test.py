#!/usr/bin/env python3
"""heaptrack and Valgrind see what is inside arenas and pools."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

GUEST = os.environ["WATCHED_GUEST"]


def run(*command, **options):
    environment = dict(os.environ)
    environment.pop("LD_PRELOAD", None)
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=120, env=environment, **options)


class Tools(unittest.TestCase):
    def test_heaptrack_counts_what_is_cut_from_an_arena_and_a_pool(self):
        if shutil.which("heaptrack") is None:
            self.skipTest("no heaptrack")
        with tempfile.TemporaryDirectory() as directory:
            record = pathlib.Path(directory) / "record"
            done = run("heaptrack", "-o", record, GUEST)
            self.assertEqual(done.returncode, 0, done.stdout)
            # Taken as it came, or compressed by what was at hand.
            written = next(pathlib.Path(directory).glob("record*"))
            report = run("heaptrack_print", written).stdout
        self.assertIn("cut_from_the_arena", report)
        self.assertIn("take_from_the_pool", report)
        total = int(re.search(r"calls to allocation functions: (\d+)", report)[1])
        self.assertGreaterEqual(total, 1500)

    def valgrind(self, *arguments):
        if shutil.which("valgrind") is None:
            self.skipTest("no valgrind")
        return run("valgrind", "-q", "--error-exitcode=99", GUEST, *arguments)

    def test_valgrind_has_nothing_to_say_of_a_program_in_order(self):
        done = self.valgrind()
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_valgrind_tells_a_read_after_reset(self):
        done = self.valgrind("read-after-reset")
        self.assertEqual(done.returncode, 99, done.stdout)
        self.assertIn("Invalid read of size 1", done.stdout)

    def test_valgrind_tells_a_read_after_a_release(self):
        done = self.valgrind("read-after-release")
        self.assertEqual(done.returncode, 99, done.stdout)
        self.assertIn("Invalid read of size 4", done.stdout)


if __name__ == "__main__":
    sys.exit(unittest.main())
