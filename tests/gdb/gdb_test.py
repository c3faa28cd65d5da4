#!/usr/bin/env python3
"""The gdb commands tell the truth, of a process at a breakpoint and of the core file it leaves.

Environment: BURSAR_TEST_LIBRARY, BURSAR_TEST_BLOCKS (the program of blocks.c), BURSAR_SOURCE_ROOT.
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("BURSAR_SOURCE_ROOT") or pathlib.Path(__file__).resolve().parents[2])
SIZES = 48
FREED = 8
REMOTE = [i for i in range(0, 332, 13) if not 64 <= i < 96]  # those between stay where they are freed
RETURNED = 640
GDB_SECONDS_MAX = 240

ASKED = ["in_use", "in_use + 5", "in_bin", "in_queue", "in_arena", "in_arena + 9", "freed_in_arena", "large", "large + 70000",
         "mapping", "mapping + 2000000", "kept_mapping", "freed_large", "in_rest", "stray", "gathered_in_parcel",
         "gathered_in_chain", "orphaned", "returned[0]", "returned[1]", "&foreign", "1", "-1", "in_use + 30000", "main"]
ASKED += [f"sized[{i}]" for i in range(SIZES)] + [f"freed[{i}]" for i in range(FREED)]
ASKED += [f"remote[{i}]" for i in REMOTE] + ["remote[64]", "remote[95]"]


def gdb(*arguments):
    """What gdb prints for these commands."""
    command = ["gdb", "-nx", "-q", "-batch", "-iex", "set debuginfod enabled off", "-ex", "set startup-with-shell off",
               "-ex", "set width 0", "-ex", f"source {ROOT / 'tools/gdb/bursar_gdb.py'}", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=GDB_SECONDS_MAX)
    return done.stdout


def questions():
    """Each answer comes behind a line with its question."""
    commands = []
    for expression in ASKED:
        commands += ["-ex", f"echo \\n== {expression}\\n", "-ex", f"bursar whose {expression}"]
    commands += ["-ex", "echo \\n== usable\\n", "-ex", "output usable", "-ex", "echo \\n== heap\\n", "-ex", "bursar heap",
                 "-ex", "echo \\n== end\\n"]
    return commands


def answers_in(output):
    parts = re.split(r"^== (.*)\n", output, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2])))


class Answers:
    """What must hold of both; `answers` maps a question to its answer."""

    answers = {}

    def assert_answer(self, expression, pattern, state):
        answer = self.answers[expression]
        self.assertRegex(answer, r"\A0x[0-9a-f]+: " + pattern)
        self.assertRegex(answer, r"\n  state +" + state + r"(\n|\Z)")

    def test_all_questions_are_answered(self):
        self.assertEqual(list(self.answers), ASKED + ["usable", "heap", "end"])
        for question, answer in self.answers.items():
            self.assertNotRegex(answer, r"Exception|Error|Traceback", question)

    def test_a_block_in_use(self):
        self.assert_answer("in_use", r"a block of 112 bytes \(class 7\)\n", "in use")
        self.assertRegex(self.answers["in_use"], r"\n  owner +heap 0x[0-9a-f]+, thread 1\b")

    def test_an_address_inside_a_block(self):
        self.assert_answer("in_use + 5", r"5 bytes into a block of 112 bytes \(class 7\) at 0x[0-9a-f]+\n", "in use")
        start = self.answers["in_use"].split(":")[0]
        self.assertIn(f" at {start}\n", self.answers["in_use + 5"])

    def test_the_block_that_comes_next(self):
        self.assert_answer("in_bin", r"a block of 112 bytes", "free, in the bin of its heap, the next to be handed out")

    def test_a_block_just_freed(self):
        self.assert_answer("in_queue", r"a block of 112 bytes", "free, in the queue of its slab")
        self.assertRegex(self.answers["in_queue"], r"\n  slab .* blocks: \d+ carved, 1 of them free in it; current\n")

    def test_blocks_that_went_back_to_their_slab(self):
        for i in range(FREED):
            self.assert_answer(f"freed[{i}]", r"a block of 32768 bytes", "free, in the queue of its slab")

    def test_blocks_put_by_for_an_owner_that_does_not_come(self):
        self.assert_answer("returned[1]", r"a block of 20480 bytes",
                           "free, by another thread, which put it by for its heap to take in")
        self.assert_answer("returned[0]", r"a block of 20480 bytes", "in use")

    def test_a_block_freed_by_another_thread(self):
        for i in REMOTE:  # in parcels, and the last ones in chains
            self.assert_answer(f"remote[{i}]", r"a block of 80 bytes",
                               "free, by another thread; its heap has yet to take it in")

    def test_a_block_another_thread_keeps_to_send(self):
        for name in ("gathered_in_parcel", "gathered_in_chain"):
            self.assert_answer(name, r"a block of 1008 bytes", r"free, by thread 2\b.*, which has yet to send it home")
        self.assertRegex(self.answers["gathered_in_parcel"], r"\n  owner .*, of a thread that ended")
        self.assertRegex(self.answers["gathered_in_chain"], r"\n  owner +heap 0x[0-9a-f]+, thread 1\b")

    def test_a_block_another_thread_keeps_for_itself(self):
        self.assert_answer("stray", r"a block of 20480 bytes", r"free, kept by thread 2\b.* for its own next allocation")
        for i in (64, 95):
            self.assert_answer(f"remote[{i}]", r"a block of 80 bytes", r"free, kept by thread 2\b.*")
        self.assertRegex(self.answers["stray"], r"\n  owner +heap 0x[0-9a-f]+, thread 1\b")

    def test_a_block_behind_a_bin_that_gives_out_few_at_a_time(self):
        self.assert_answer("in_rest", r"a block of 112 bytes",
                           "free, behind the bin of its heap, which gives out a few at a time")
        self.assertRegex(self.answers["in_rest"], r"\n  owner +heap 0x[0-9a-f]+, thread 2\b")

    def test_a_block_of_a_dead_thread(self):
        self.assert_answer("orphaned", r"a block of 2048 bytes", "in use")
        self.assertRegex(self.answers["orphaned"], r"\n  owner .*, of a thread that ended")

    def test_a_block_that_was_never_handed_out(self):
        self.assertRegex(self.answers["in_use + 30000"], r"state +never handed out")

    def test_large_blocks(self):
        self.assert_answer("large", "a large block of 320 KiB\n", "in use")
        self.assert_answer("large + 70000", "70000 bytes into a large block of 320 KiB at ", "in use")
        self.assertRegex(self.answers["large"], r"\n  place +10 granules of the segment at 0x[0-9a-f]+")

    def test_mappings(self):
        self.assert_answer("mapping", "a large block of 5.0 MiB\n", "in use")
        self.assert_answer("mapping + 2000000", "2000000 bytes into a large block of 5.0 MiB at ", "in use")
        self.assertRegex(self.answers["mapping"], r"\n  place +a tract")

    def test_a_place_kept_for_reuse(self):
        self.assert_answer("kept_mapping", "in no block, within the tract at 0x", "freed, kept for the next one until the purge delay is over")

    def test_free_granules(self):
        self.assert_answer("freed_large", "in no block, within the segment at 0x", "freed, .*")

    def test_blocks_of_a_task(self):
        self.assert_answer("in_arena", "a block of 2[0-9]{2} bytes in a task's arena\n", r"in use, by task [1-9]\d*")
        self.assert_answer("in_arena + 9", "9 bytes into a block of 2[0-9]{2} bytes in a task's arena at ", "in use.*")
        self.assert_answer("freed_in_arena", "a block of 3[0-9]{2} bytes in a task's arena\n", "free")

    def test_foreign_addresses(self):
        for expression in ("&foreign", "1", "-1", "main"):
            self.assertRegex(self.answers[expression], r": foreign, no block of this heap\Z", expression)

    def test_sizes_are_those_of_the_library(self):
        usable = [int(number) for number in re.findall(r"\d+", self.answers["usable"])]
        self.assertEqual(len(usable), SIZES)
        for i, count in enumerate(usable):
            headline = self.answers[f"sized[{i}]"].split("\n")[0]
            wanted = f"a block of {count} bytes" if count <= 32 * 1024 else f"a large block of {count / 1024:.4g} KiB"
            self.assertIn(wanted, headline)

    def test_the_summary(self):
        text = self.answers["heap"]
        self.assertRegex(text, r"\Asegments +\d+ of 2.0 MiB, ")
        self.assertRegex(text, r"\nlarge .*; 1 in tracts, 5.0 MiB; 0 with mappings of their own, 0 bytes\n")
        self.assertRegex(text, r"\nkept +places of freed blocks: 1, 3.0 MiB\n")
        self.assertRegex(text, r"\nchunks +1 of task arenas, 0 for signal handlers\n")
        self.assertRegex(text, r"\n0x[0-9a-f]+ +owned .* thread 1\b.*\n0x[0-9a-f]+ +owned .* thread 2\b")
        self.assertRegex(text, r"\n0x[0-9a-f]+ +orphaned .* -\Z")

    def test_the_summary_counts_blocks_in_use(self):
        rows = {row[1]: row for row in re.findall(r"^ *(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$",
                                                  self.answers["heap"], re.MULTILINE)}
        # Nothing but the program's own blocks is of these sizes: 1000 bytes gathered, 2000 bytes orphaned.
        usable = [int(number) for number in re.findall(r"\d+", self.answers["usable"])]
        self.assertEqual(int(rows["1008"][4]), usable.count(1008))
        self.assertEqual(int(rows["2048"][4]), usable.count(2048) + 1)
        self.assertEqual(int(rows["32768"][4]), usable.count(32768))
        self.assertEqual(int(rows["20480"][4]), usable.count(20480) + RETURNED // 4)


class LiveProcess(Answers, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)
        core = pathlib.Path(cls.directory.name) / "core"
        program = os.environ["BURSAR_TEST_BLOCKS"]
        # With a purge delay that no machine exceeds.
        stopped = ["-ex", f"set environment LD_PRELOAD {os.environ['BURSAR_TEST_LIBRARY']}",
                   "-ex", "set environment BURSAR purge=600000", "-ex", "break stop_here", "-ex", "run"]
        live = gdb(*stopped, *questions(), "-ex", f"generate-core-file {core}", "-ex", "kill", program)
        cls.answers = answers_in(live.replace(f"\nSaved corefile {core}", ""))
        if not core.exists():
            raise AssertionError(f"no core file; gdb said:\n{live}")
        CoreFile.answers = answers_in(gdb(*questions(), program, str(core)))
        cls.before_start = gdb("-ex", "bursar heap", program)

    def test_without_a_process_the_command_says_what_is_missing(self):
        self.assertIn("is libbursar loaded, with debug information?", self.before_start)


class CoreFile(Answers, unittest.TestCase):
    """Of the core file that LiveProcess leaves."""


def load_tests(loader, _tests, _pattern):
    """The process comes first: it leaves the core file."""
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (LiveProcess, CoreFile))


if __name__ == "__main__":
    unittest.main()
