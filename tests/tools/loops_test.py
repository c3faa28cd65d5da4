#!/usr/bin/env python3
"""Programs with event loops run under the library of the turns as they do without, and their turns are counted."""

import json
import subprocess
import unittest

import tool

TURNS = 500
ALLOCATIONS = 10  # of each turn


class Loops(tool.ToolTest):
    def reports_of(self, how):
        environment = self.environment(
            LD_PRELOAD=f"{tool.product('BURSAR_LOOP_LIBRARY')}:{tool.product('BURSAR_LIBRARY')}",
            BURSAR=f"ledger={self.directory}/%p.ledger,tasks=loop")
        done = subprocess.run([tool.product("TURNING"), how], env=environment, capture_output=True, text=True,
                              timeout=tool.SECONDS_MAX, cwd=self.directory)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        reports = []
        for path in self.directory.glob("*.ledger"):
            done = self.bursar("report", "--json", path)
            self.assertEqual(done.returncode, 0, done.stderr)
            reports.append(json.loads(done.stdout))
        for report in reports:
            for figure in ("allocations", "frees", "live_blocks", "live_bytes"):
                self.assertEqual(sum(row[figure] for row in report["task_kinds"]), report[figure], figure)
        return sorted(reports, key=lambda report: report["parent_process_id"] in {row["process_id"] for row in reports})

    def turns(self, report, kind="turning: turn"):
        row, = (row for row in report["task_kinds"] if row["kind"] == kind)
        return row

    def test_two_loops_in_two_threads(self):
        report, = self.reports_of("two")
        row = self.turns(report, "loop-*: turn")
        self.assertEqual((row["tasks_begun"], row["tasks_ended"], row["allocations"]),
                         (2 * TURNS, 2 * TURNS, 2 * TURNS * ALLOCATIONS))
        self.assertEqual(row["allocations_per_task"]["highest"], ALLOCATIONS)

    def test_signal_handlers_that_poll(self):
        report, = self.reports_of("handler")
        row = self.turns(report)
        self.assertGreaterEqual(row["tasks_begun"], 100)
        self.assertLessEqual(row["tasks_running"], 1)
        self.assertEqual(row["tasks_begun"], row["tasks_ended"] + row["tasks_running"])

    def test_threads_that_are_cancelled_while_they_wait(self):
        report, = self.reports_of("cancel")
        row = self.turns(report)
        self.assertEqual(row["tasks_begun"], 10)

    def test_timeouts_and_signals_while_it_waits(self):
        report, = self.reports_of("interrupted")
        row = self.turns(report)
        self.assertEqual((row["tasks_begun"], row["allocations"]), (40, 40 * ALLOCATIONS))

    def test_a_fork_within_a_turn(self):
        parent, child = self.reports_of("fork")
        self.assertEqual(self.turns(parent)["tasks_begun"], 40)
        # It goes on in a turn of its own.
        self.assertEqual(self.turns(child)["tasks_begun"], 21)
        self.assertEqual(self.turns(child)["allocations"] % ALLOCATIONS, 0)


if __name__ == "__main__":
    unittest.main()
