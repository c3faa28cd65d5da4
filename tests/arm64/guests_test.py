#!/usr/bin/env python3
"""A guest for arm64 with libbursar.so preloaded, run by qemu: every case that is to be had so. BURSAR_ARM64_GUEST names the guest."""

import fnmatch
import os
import pathlib
import unittest

import emulated

# Flags of cases (tests/interpose/guests/expect.h) that are not for a preload of any kind, or not worth their time here.
PLAIN_ONLY, COSTLY = 8, 16
ABORTS = 4


SKIPS = [line.split(maxsplit=1) for line in pathlib.Path(__file__).with_name("guest_skips.txt").read_text().splitlines()
         if not line.startswith("#")]


class Guests(unittest.TestCase):
    """The tests are added below."""


def test_of(guest, name, flags):
    def test(self):
        for pattern, reason in SKIPS:
            if fnmatch.fnmatchcase(name, pattern):
                self.skipTest(reason)
        done = emulated.run(emulated.GUESTS / guest, name, GUEST_WAY="preload", GUEST_BURSAR=emulated.LIBRARY)
        if done.returncode == 77:
            self.skipTest(done.stderr.strip())
        if "execv of this program" in done.stdout + done.stderr:
            self.skipTest("executes itself, which qemu cannot")
        if flags & ABORTS:
            self.assertEqual(done.returncode, -6, done.stderr)
            self.assertTrue(done.stdout)
            self.assertIn(done.stdout, done.stderr)  # qemu says something of its own behind it
            return
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
    return test


GUEST = os.environ["BURSAR_ARM64_GUEST"]
for line in emulated.run(emulated.GUESTS / GUEST, "--list", LD_PRELOAD="").stdout.splitlines():
    case, case_flags = line.split()
    if not int(case_flags) & (PLAIN_ONLY | COSTLY):
        setattr(Guests, "test_" + case.replace(".", "_"), test_of(GUEST, case, int(case_flags)))


if __name__ == "__main__":
    unittest.main()
