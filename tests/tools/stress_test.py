#!/usr/bin/env python3
"""After anything at random, by many threads, tasks and children, all sums of the account agree to the last block and byte."""

import json
import os
import random
import subprocess
import sys
import unittest

import tool

SEED = int(os.environ.get("BURSAR_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
STEPS = int(os.environ.get("BURSAR_TEST_STEPS", 200_000))  # of each thread
SECONDS_MAX = max(tool.SECONDS_MAX, STEPS / 500)


def setUpModule():
    print(f"seed: BURSAR_TEST_SEED={SEED}", file=sys.stderr)


class Stress(tool.ToolTest):
    def run_guest(self, threads, forks, options="", libraries=("BURSAR_LIBRARY",), steps=STEPS):
        environment = self.environment(LD_PRELOAD=":".join(map(tool.product, libraries)),
                                       BURSAR=f"ledger={self.directory}/ledger{options}")
        done = subprocess.run([tool.product("STRESSED"), str(SEED), str(threads), str(steps), str(forks)], env=environment,
                              capture_output=True, text=True, timeout=SECONDS_MAX, cwd=self.directory)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""), f"seed {SEED}")

    def reports(self):
        for path in sorted(self.directory.glob("ledger*")):
            done = self.bursar("report", "--json", path)
            self.assertEqual((done.returncode, done.stderr), (0, ""), path)
            yield json.loads(done.stdout)

    def assert_sums_agree(self, report):
        where = f"seed {SEED}, process {report['process_id']}"

        def agree(table, *figures):
            sums = {figure: sum(row[figure] for row in report[table]) for figure in figures}
            self.assertEqual(sums, {figure: report[figure] for figure in figures}, f"{where}: {table}")

        agree("task_kinds", "allocations", "frees", "allocated_bytes", "freed_bytes", "live_blocks", "live_bytes")
        agree("thread_kinds", "allocations", "frees", "allocated_bytes", "freed_bytes")
        agree("size_classes", "allocations", "frees", "requested_bytes", "allocated_bytes")
        calls = report["calls"]
        self.assertGreaterEqual(sum(calls.values()), report["allocations"], where)
        self.assertGreaterEqual(report["peak_live_bytes"] + 16384 * 64, report["live_bytes"], where)
        for row in report["task_kinds"]:
            self.assert_kind_is_sound(row, f"{where}: {row['kind']}")

    def assert_kind_is_sound(self, row, where):
        self.assertEqual(row["tasks_begun"], row["tasks_ended"] + row["tasks_running"] + row["tasks_without_record"], where)
        for figure in ("allocations_per_task", "allocated_bytes_per_task", "retained_bytes_per_task"):
            self.assertLessEqual(row[figure]["median"], row[figure]["highest"], where)
        self.assertLessEqual(row["allocations_per_task"]["total"], row["allocations"], where)
        self.assertLessEqual(row["allocated_bytes_per_task"]["total"], row["allocated_bytes"], where)

    def assert_all_agree(self, *arguments, **options):
        self.run_guest(*arguments, **options)
        count = 0
        for report in self.reports():
            self.assert_sums_agree(report)
            count += 1
        return count

    def test_one_thread(self):
        self.assertEqual(self.assert_all_agree(1, 0), 1)

    def test_many_threads(self):
        self.assertEqual(self.assert_all_agree(12, 0, steps=STEPS // 3), 1)

    def test_many_threads_that_fork(self):
        self.assertGreater(self.assert_all_agree(6, 12, steps=STEPS // 2), 1)

    def test_threads_as_tasks(self):
        self.assert_all_agree(8, 4, options=",tasks=thread", steps=STEPS // 3)

    def test_a_process_as_task(self):
        self.assert_all_agree(4, 4, options=",tasks=process,budget=8G", steps=STEPS // 3)

    def test_more_threads_than_have_counters_of_their_own(self):
        self.assert_all_agree(300, 0, steps=3000)

    def test_every_task_in_an_arena(self):
        self.assert_all_agree(6, 4, options=",arena=tasks", steps=STEPS // 3)

    def test_another_page_source(self):
        self.assert_all_agree(6, 4, libraries=("BURSAR_JEMALLOC_LIBRARY",), steps=STEPS // 3)


if __name__ == "__main__":
    unittest.main()
