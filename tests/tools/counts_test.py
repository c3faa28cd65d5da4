#!/usr/bin/env python3
"""The counts of `bursar run` are exact: programs that make a known number of calls, trees of processes, threads."""

import os
import re
import shutil
import signal
import unittest

import tool


class Counts(tool.ToolTest):
    def setUp(self):
        super().setUp()
        self.program = tool.product("KNOWN_CALLS")

    def classes(self, report):
        """Allocations, requested bytes and live blocks by block size."""
        return {row["block_bytes"]: (row["allocations"], row["requested_bytes"], row["live_blocks"])
                for row in report["size_classes"]}

    def test_nothing_is_counted_that_the_program_does_not_call(self):
        report = self.run_json(self.program)
        self.assertEqual((report["allocations"], report["frees"], report["live_bytes"]), (0, 0, 0))
        self.assertEqual(set(report["calls"].values()), {0})
        self.assertEqual(report["size_classes"], [])
        self.assertEqual((report["ending"], report["exit_status"]), ("exited", 0))
        self.assertEqual(report["others"], [])
        self.assert_nothing_left()

    def test_calls_bytes_and_blocks(self):
        report = self.run_json(self.program, "malloc:1000:100", "calloc:10:24", "aligned:3:640", "churn:100000:40")
        self.assertEqual(report["calls"], {"malloc": 101000, "calloc": 10, "realloc": 0, "aligned": 3, "new": 0,
                                           "free": 100000})
        self.assertEqual((report["allocations"], report["frees"], report["live_blocks"]), (101013, 100000, 1013))
        self.assertEqual(report["requested_bytes"], 1000 * 100 + 10 * 24 + 3 * 640 + 100000 * 40)
        self.assertEqual(report["live_bytes"], report["allocated_bytes"] - report["freed_bytes"])
        classes = self.classes(report)
        self.assertEqual(classes[112], (1000, 100000, 1000))
        self.assertEqual(classes[32], (10, 240, 10))
        self.assertEqual(classes[48], (100000, 4000000, 0))
        self.assertEqual(report["threads"], 1)

    def test_large_blocks(self):
        report = self.run_json(self.program, "malloc:3:1000000", "churn:5:2000000")
        self.assertEqual(self.classes(report), {0: (8, 13000000, 3)})
        self.assertGreaterEqual(report["live_bytes"], 3000000)
        self.assertGreaterEqual(report["peak_live_bytes"], 5000000)

    def test_the_peak_is_the_highest_not_the_last(self):
        report = self.run_json(self.program, "malloc:100:1000", "churn:1:5000000", "malloc:100:1000")
        self.assertGreaterEqual(report["peak_live_bytes"], 5100000)
        self.assertLess(report["live_bytes"], 300000)
        self.assertGreater(report["peak_live_ns"], 0)
        self.assertLess(report["peak_live_ns"], report["wall_ns"])

    def test_when_a_peak_was_is_not_guessed(self):
        report = self.run_json(self.program, "malloc:1:300000", "malloc:1:5000")
        self.assertEqual((report["peak_live_bytes"], report["peak_live_ns"]), (report["live_bytes"], None))
        told = self.bursar("run", "--", self.program, "malloc:1:300000", "malloc:1:5000").stderr
        self.assertRegex(told, r"\n  peak live heap +\d+ KiB\n")

    def test_the_peak_of_one_thread_is_exact(self):
        self.assertEqual(self.run_json(self.program, "malloc:1:200", "churn:3:5000")["peak_live_bytes"], 208 + 5120)
        self.assertEqual(self.run_json(self.program, "malloc:3000:100", "churn:3:400")["peak_live_bytes"], 3000 * 112 + 400)

    def test_realloc_is_one_call_and_its_old_block_is_freed(self):
        report = self.run_json(self.program, "grow:5:100")
        self.assertEqual(report["calls"]["realloc"], 5)
        self.assertEqual(report["calls"]["free"], 0)
        self.assertEqual(report["allocations"] - report["frees"], 1)
        self.assertEqual(report["live_blocks"], 1)

    def test_blocks_of_threads_that_ended_stay_in_the_account(self):
        # Each thread costs the C library a block or two, which only the number of threads changes.
        one = self.run_json(self.program, "threads:1:5000")
        many = self.run_json(self.program, "threads:41:5000")
        self.assertEqual((one["threads"], many["threads"]), (2, 42))
        self.assertEqual(self.classes(many)[5120][2] - self.classes(one)[5120][2], 40)

    def test_more_threads_than_slots_are_all_counted(self):
        report = self.run_json(self.program, "threads:600:5000")
        self.assertEqual(self.classes(report)[5120][2], 600)
        self.assertEqual(report["threads"], 601)

    def test_the_same_under_jemalloc(self):
        out = self.directory / "report"
        done = self.bursar("run", "--jemalloc", "-o", out, self.program, "malloc:1000:100", "malloc:2:5000000")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(out.read_text(), r"\n  allocations +1,002 ")

    def test_a_forked_child_counts_for_itself(self):
        report = self.run_json(self.program, "malloc:100:100", "fork", "malloc:23:100")
        self.assertEqual((report["allocations"], report["live_blocks"]), (100, 100))
        self.assertEqual([(row["program"], row["processes"], row["allocations"]) for row in report["others"]],
                         [(os.path.basename(self.program), 1, 23)])

    def test_the_program_is_the_last_that_the_process_executed(self):
        report = self.run_json(self.program, "malloc:5:100", "exec", "malloc:7:100", "exec", "malloc:11:100", "exit:3",
                               status=3)
        self.assertEqual(report["allocations"], 11)
        name = os.path.basename(self.program)
        self.assertEqual([(row["program"], row["processes"], row["allocations"]) for row in report["others"]], [(name, 2, 12)])

    def test_a_program_executed_by_a_link_has_its_name(self):
        link = self.directory / "linked"
        link.symlink_to(tool.product("KNOWN_CALLS"))
        self.assertEqual(self.run_json(link, "malloc:3:40")["program"], str(link))

    def test_a_script_has_its_own_name(self):
        script = self.directory / "script"
        script.write_text("#!/bin/sh\nexit 0\n")
        script.chmod(0o755)
        self.assertEqual(self.run_json(script)["program"], str(script))

    def test_a_program_executed_by_a_relative_path_has_its_whole_one(self):
        program = self.directory / "here"
        shutil.copy(tool.product("KNOWN_CALLS"), program)
        self.assertEqual(self.run_json("./here", "malloc:3:40")["program"], str(program))

    def test_a_killed_child_is_counted_too(self):
        report = self.run_json(self.program, "fork", "malloc:50:100", f"kill:{int(signal.SIGKILL)}")
        self.assertEqual([row["allocations"] for row in report["others"]], [50])

    def test_a_shells_children_are_listed_by_program(self):
        programs = [self.directory / f"guest{number}" for number in range(12)]
        for copy in programs:
            shutil.copy(self.program, copy)
        script = "; ".join(f"{copy} malloc:{10 + number}:100" for number, copy in enumerate(programs))
        script += f"; {programs[11]} malloc:1000:100; exit 0"
        done = self.bursar("run", "--", "sh", "-c", script)
        self.assertEqual(done.returncode, 0)
        table = done.stderr.split("\n\n")[-1].splitlines()
        self.assertEqual(table[0].split(), ["other", "programs", "processes", "allocations", "handed", "out", "peak", "live", "heap"])
        self.assertEqual(table[1].split()[:3], ["guest11", "2", "1,021"])
        self.assertEqual([line.split()[:3] for line in table[2:11]],
                         [[f"guest{number}", "1", str(10 + number)] for number in range(10, 1, -1)])
        self.assertEqual(table[11:], ["  and 2 more"])

    def test_a_static_program_says_why_there_is_no_report(self):
        done = self.bursar("run", "--", tool.product("KNOWN_CALLS_STATIC"), "malloc:1:1", "exit:6")
        self.assertEqual((done.returncode, done.stdout), (6, ""))
        lines = done.stderr.splitlines()
        self.assertRegex(lines[0], r"^bursar: \S+ malloc:1:1 exit:6 \(process \d+\)$")
        self.assertEqual([line.split("  ")[1] for line in lines[1:-1]], ["exit status", "wall time", "peak RSS", "page faults"])
        self.assertEqual(lines[-1], "  nothing counted: it is static or setuid, could not load the library, or had no room for its ledger")
        report = self.run_json(tool.product("KNOWN_CALLS_STATIC"), "exit:6", "\udcff", status=6)
        self.assertTrue(report["arguments"].endswith(" exit:6 '\ufffd'"), report["arguments"])
        self.assertEqual((report["ledger_version"], report["exit_status"], report["others"]), (None, 6, []))

    def test_the_text_has_the_same_counts(self):
        done = self.bursar("run", self.program, "malloc:1234:100")
        rows = {match[1]: match[2] for match in re.finditer(r"^  (\w[\w ]*?) {2,}(\S+)", done.stderr, re.MULTILINE)}
        self.assertEqual((rows["allocations"], rows["frees"], rows["exit status"]), ("1,234", "0", "0"))
        self.assertIn("\n      112 B           1,234 ", done.stderr)


if __name__ == "__main__":
    unittest.main()
