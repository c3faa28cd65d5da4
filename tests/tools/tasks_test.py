#!/usr/bin/env python3
"""The account by task is exact: programs that do a known amount of work in tasks, threads and turns."""

import json
import signal
import subprocess
import unittest

import tool

BLOCK_BYTES = 112  # of 100
NO_TASK = "bursar: bursar_task_end: no task has this handle: it was never given out, or has ended; ignored (end each once)\n"


class TasksTest(tool.ToolTest):
    guest = "KNOWN_TASKS"

    def run_guest(self, *words, options="", status=0):
        """What the guest says on standard error; its ledgers lie in self.directory."""
        libraries = [tool.product("BURSAR_LIBRARY")]
        if "tasks=loop" in options:
            libraries.insert(0, tool.product("BURSAR_LOOP_LIBRARY"))
        settings = f"ledger={self.directory}/%p.ledger" + (f",{options}" if options else "")
        environment = self.environment(LD_PRELOAD=":".join(libraries), BURSAR=settings)
        done = subprocess.run([tool.product(self.guest), *map(str, words)], env=environment, capture_output=True,
                              text=True, timeout=tool.SECONDS_MAX, cwd=self.directory)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        return done.stderr

    def reports(self):
        """Of all processes, the first one first."""
        reports = []
        for path in self.directory.glob("*.ledger*"):
            done = self.bursar("report", "--json", path)
            self.assertEqual(done.returncode, 0, done.stderr)
            reports.append(json.loads(done.stdout))
        return sorted(reports, key=lambda report: report["process_id"])

    def report_of(self, *words, errors="", **options):
        self.assertEqual(self.run_guest(*words, **options), errors)
        report, = self.reports()
        return report

    def kinds(self, report):
        return {row["kind"]: row for row in report["task_kinds"]}

    def assert_kind(self, report, name, **figures):
        """The figures by name; with live blocks, which have the bytes that go with them; what is not named is not looked at."""
        row = self.kinds(report)[name]
        self.assertEqual({figure: row[figure] for figure in figures}, figures, name)
        self.assertEqual(row["live_bytes"], row["live_blocks"] * BLOCK_BYTES, name)

    def assert_consistent(self, report):
        """What all kinds did is what the process did."""
        for figure in ("allocations", "frees", "allocated_bytes", "freed_bytes", "live_blocks", "live_bytes"):
            self.assertEqual(sum(row[figure] for row in report["task_kinds"]), report[figure], figure)


class ByApi(TasksTest):
    def test_blocks_are_credited_to_the_kind_that_allocated_them(self):
        threads, tasks = 8, 500
        report = self.report_of("shared", threads, tasks)
        for kind in ("even", "odd"):
            ended = threads // 2 * tasks
            self.assert_kind(report, kind, tasks_begun=ended, tasks_ended=ended, allocations=5 * ended, frees=4 * ended,
                             live_blocks=ended)
            row = self.kinds(report)[kind]
            self.assertEqual(row["allocations_per_task"], {"median": 5, "p90": 5, "p99": 5, "highest": 5, "total": 5 * ended})
            self.assertEqual(row["allocated_bytes_per_task"]["highest"], 5 * BLOCK_BYTES)
            self.assertEqual(row["peak_live_bytes_per_task"]["highest"], 4 * BLOCK_BYTES)
            self.assertLessEqual(row["retained_bytes_per_task"]["highest"], 4 * BLOCK_BYTES)
        self.assert_consistent(report)

    def test_more_threads_than_have_counters_of_their_own(self):
        threads, tasks = 300, 20
        report = self.report_of("shared", threads, tasks)
        for kind in ("even", "odd"):
            ended = threads // 2 * tasks
            self.assert_kind(report, kind, tasks_ended=ended, allocations=5 * ended, frees=4 * ended, live_blocks=ended)
        self.assert_consistent(report)

    def test_a_thread_switches_between_tasks(self):
        report = self.report_of("switch")
        self.assert_kind(report, "one", tasks_ended=1, allocations=100, live_blocks=100)
        self.assert_kind(report, "two.inner", tasks_ended=1, allocations=200)
        self.assert_kind(report, "two", tasks_ended=1, allocations=3)
        self.assertEqual(self.kinds(report)["one"]["peak_live_bytes_per_task"]["highest"], 100 * BLOCK_BYTES)
        self.assert_consistent(report)

    def test_tasks_go_through_a_pool_of_threads(self):
        threads = 6
        report = self.report_of("pool", threads)
        self.assert_kind(report, "pooled", tasks_begun=40, tasks_ended=40, allocations=40 * (1 + 10 * threads), live_blocks=40)
        self.assertEqual(self.kinds(report)["server"]["tasks_ended"], 1)
        self.assertEqual(self.kinds(report)["pooled"]["allocations_per_task"]["highest"], 1 + 10 * threads)
        self.assertEqual(report["running_tasks"], [])
        self.assert_consistent(report)

    def test_a_thread_that_ends_ends_the_tasks_that_it_is_in(self):
        report = self.report_of("thread_end")
        self.assert_kind(report, "outer", tasks_ended=1, allocations=2, tasks_running=0)
        self.assert_kind(report, "inner", tasks_ended=1, allocations=3, tasks_running=0)
        # The one it had left goes on in another thread.
        self.assert_kind(report, "suspended", tasks_ended=1, allocations=5)

    def test_what_is_no_task_is_told_once_and_ignored(self):
        report = self.report_of("misuse", errors=NO_TASK)
        self.assert_kind(report, "stale", tasks_begun=1, tasks_ended=1)
        self.assertEqual(self.kinds(report)["main"]["tasks_ended"], 1)

    def test_names_of_all_sorts(self):
        report = self.report_of("names")
        self.assert_kind(report, "(unnamed)", tasks_ended=2, allocations=3)
        self.assert_kind(report, "h" * 63, tasks_ended=1, allocations=3)
        self.assert_kind(report, "?[2J???", tasks_ended=1, allocations=4)
        self.assert_kind(report, "größe", tasks_ended=1, allocations=5)
        self.assertEqual([row["label"] for row in report["worst_by_allocations"]], ["größe", "?[2J???", "h" * 47, "", ""])

    def test_a_hundred_thousand_kinds(self):
        report = self.report_of("kinds", 100_000)
        self.assertEqual(len(report["task_kinds"]), 1024)
        self.assert_kind(report, "kind 0", tasks_ended=1, allocations=1)
        self.assert_kind(report, "(other kinds)", tasks_ended=100_000 - 1022, allocations=100_000 - 1022, live_blocks=0)
        self.assert_consistent(report)

    def test_seventy_thousand_tasks_at_a_time(self):
        report = self.report_of("alive", 70_000)
        self.assert_kind(report, "alive", tasks_begun=65_535, tasks_ended=65_535, allocations=65_535)
        self.assertEqual(report["running_tasks"], [])

    def test_a_million_tasks_have_a_small_ledger(self):
        report = self.report_of("million", 1_000_000)
        self.assert_kind(report, "short", tasks_ended=1_000_000, allocations=1_000_001, frees=1_000_000, live_blocks=1)
        self.assertEqual(self.kinds(report)["short"]["retained_bytes_per_task"]["highest"], 2 * BLOCK_BYTES)
        path, = self.directory.glob("*.ledger")
        self.assertLess(path.stat().st_blocks * 512, 3 << 20)
        self.assert_consistent(report)

    def test_killed_within_a_task(self):
        report = self.report_of("killed", status=-signal.SIGKILL)
        self.assert_kind(report, "request", tasks_begun=7, tasks_ended=6, tasks_running=1, allocations=14, live_blocks=14)
        task, = report["running_tasks"]
        self.assertEqual((task["kind"], task["label"], task["allocations"]), ("request", "the last one", 2))

    def test_exec_from_a_thread_within_a_task(self):
        self.run_guest("exec")
        reports = {len(report["task_kinds"]): report for report in self.reports()}
        self.assertEqual(len(reports), 2)
        self.assert_kind(reports[2], "before", tasks_begun=1, tasks_running=1, allocations=3)
        self.assert_kind(reports[5], "größe", tasks_ended=1, allocations=5)


class ForkWithinATask(TasksTest):
    def setUp(self):
        super().setUp()
        self.assertEqual(self.run_guest("fork"), NO_TASK)
        self.parent, self.child = self.reports()

    def test_the_parent_goes_on(self):
        self.assert_kind(self.parent, "inner", tasks_ended=1, allocations=4, live_blocks=4)
        self.assert_kind(self.parent, "outer", tasks_ended=1, allocations=2)
        self.assert_kind(self.parent, "suspended", tasks_ended=1, allocations=1)
        self.assert_kind(self.parent, "of another thread", tasks_running=1, allocations=1)
        self.assertNotIn("of the child", self.kinds(self.parent))
        self.assert_consistent(self.parent)

    def test_the_child_has_the_tasks_of_its_thread(self):
        self.assert_kind(self.child, "inner", tasks_begun=1, tasks_ended=1, allocations=10, frees=1, live_blocks=12)
        self.assert_kind(self.child, "outer", tasks_begun=1, tasks_ended=1, allocations=20, live_blocks=22)
        self.assert_kind(self.child, "suspended", tasks_begun=1, tasks_ended=1, allocations=30, live_blocks=31)
        self.assert_kind(self.child, "of the child", tasks_begun=1, tasks_ended=1, allocations=5)

    def test_the_child_inherits_what_lives_of_others(self):
        self.assert_kind(self.child, "of another thread", tasks_begun=0, allocations=0, live_blocks=1)
        self.assertEqual(self.child["running_tasks"], [])
        live = sum(row["live_bytes"] for row in self.child["task_kinds"])
        self.assertEqual(live, self.child["live_bytes"])


class HandedOver(TasksTest):
    guest = "HANDED_TASKS"

    def test_a_request_may_end_before_its_part_does_in_another_thread(self):
        rounds = 20
        report = self.report_of("parts", rounds)
        self.assert_kind(report, "request", tasks_begun=3 * rounds, tasks_ended=3 * rounds)
        self.assert_kind(report, "part", tasks_ended=3 * rounds, allocations=7 * 3 * rounds, live_blocks=0)
        self.assertEqual(self.kinds(report)["part"]["allocations_per_task"]["highest"], 7)
        self.assertGreaterEqual(self.kinds(report)[None]["allocations"], 50)
        self.assert_consistent(report)

    def test_an_end_may_race_with_a_part_that_ends(self):
        count = 100_000
        report = self.report_of("racing_ends", count)
        for kind in ("request", "part"):
            self.assert_kind(report, kind, tasks_begun=count, tasks_ended=count)
        self.assertEqual(report["running_tasks"], [])

    def test_a_task_may_end_in_another_thread(self):
        count = 20
        report = self.report_of("moved", count)
        row = self.kinds(report)["moved"]
        self.assertEqual((row["tasks_begun"], row["tasks_ended"]), (count, count))
        self.assertEqual(report["running_tasks"], [])
        self.assertGreaterEqual(self.kinds(report)[None]["allocations"], (5 + 7) * count)
        self.assert_consistent(report)


class ByThread(TasksTest):
    def test_threads_whose_names_differ_in_digits_are_of_one_kind(self):
        report = self.report_of("named_threads", 20, 50, options="tasks=thread")
        self.assert_kind(report, "worker-*", tasks_begun=20, tasks_ended=20, allocations=20 * 50, live_blocks=20 * 50)
        self.assert_kind(report, "inner", tasks_ended=20, allocations=20 * 3, live_blocks=0)
        self.assertEqual(self.kinds(report)["worker-*"]["allocations_per_task"]["highest"], 50)
        labels = {task["label"] for task in report["worst_by_peak"] if task["kind"] == "worker-*"}
        self.assertTrue(labels and labels <= {f"worker-{i}" for i in range(20)}, labels)
        self.assertEqual(report["task_source"], "thread")
        self.assert_consistent(report)

    def test_the_main_thread_is_one(self):
        report = self.report_of("named_threads", 1, 1, options="tasks=thread")
        self.assertEqual(report["running_tasks"], [])
        self.assertIn("known_tasks", [task["label"] for task in report["worst_by_allocations"]])
        row = self.kinds(report)["known_tasks"]
        self.assertEqual((row["tasks_begun"], row["tasks_ended"], row["tasks_running"]), (1, 1, 0))
        self.assertEqual(row["allocations_per_task"]["highest"], row["allocations"])
        self.assertGreater(row["wall_ns_per_task"]["highest"], 0)
        self.assert_consistent(report)

    def test_more_threads_than_have_counters_of_their_own(self):
        report = self.report_of("named_threads", 300, 20, options="tasks=thread")
        self.assert_kind(report, "worker-*", tasks_begun=300, tasks_ended=300, allocations=300 * 20, live_blocks=300 * 20)
        self.assert_consistent(report)

    def test_a_thread_is_of_the_kind_that_its_last_name_says(self):
        report = self.report_of("renamed_threads", 10, options="tasks=thread")
        kinds = self.kinds(report)
        # The allocation after which the new name is seen still counts under the former one.
        self.assert_kind(report, "early-*", tasks_begun=0, tasks_ended=0, allocations=10 * 9)
        self.assert_kind(report, "late-*", tasks_begun=10, tasks_ended=10, allocations=10 * 999)
        self.assert_consistent(report)

    def test_a_thread_that_only_churns_is_seen_under_its_name(self):
        report = self.report_of("churning_threads", 10, options="tasks=thread")
        self.assert_kind(report, "early-*", tasks_begun=0, tasks_ended=0, allocations=10 * 9, live_blocks=0)
        self.assert_kind(report, "late-*", tasks_begun=10, tasks_ended=10, allocations=10 * 9999, live_blocks=0)

    def test_a_name_that_comes_last_counts_the_task(self):
        report = self.report_of("named_at_the_end", 5, options="tasks=thread")
        self.assert_kind(report, "late-*", tasks_begun=5, tasks_ended=5)
        self.assertEqual(self.kinds(report)["known_tasks"]["tasks_begun"], 1)
        self.assert_consistent(report)

    def test_outside_of_the_tasks_it_declares_a_thread_is_in_its_own(self):
        report = self.report_of("nested", options="tasks=thread")
        self.assert_kind(report, "pool-*", tasks_ended=1, allocations=8)
        self.assert_kind(report, "request", tasks_ended=1, allocations=6)

    def test_a_child_goes_on_in_the_task_of_its_thread(self):
        self.run_guest("fork", options="tasks=thread")
        child = self.reports()[1]
        self.assert_kind(child, "outer", tasks_begun=1, tasks_ended=1, allocations=20)
        row = self.kinds(child)["known_tasks"]
        self.assertEqual((row["tasks_begun"], row["tasks_ended"], row["tasks_running"]), (1, 1, 0))


class ByProcess(TasksTest):
    def test_the_process_is_the_task(self):
        report = self.report_of("switch", options="tasks=process")
        self.assertEqual(report["task_source"], "process")
        self.assert_kind(report, "one", tasks_ended=1, allocations=100)
        self.assert_consistent(report)


class ByTurn(TasksTest):
    def test_each_turn_is_a_task(self):
        report = self.report_of("turns", 100, options="tasks=loop")
        self.assert_kind(report, "reactor-*: turn", tasks_begun=100, tasks_ended=100, allocations=300, live_blocks=300)
        self.assert_kind(report, "request", tasks_ended=100, allocations=300, live_blocks=0)
        self.assertEqual(self.kinds(report)[None]["allocations"], 2)
        self.assertEqual(report["running_tasks"], [])
        self.assert_consistent(report)

    def test_without_the_option_there_are_none(self):
        report = self.report_of("turns", 100)
        self.assertNotIn("reactor-*: turn", self.kinds(report))


class WithoutAnAccount(TasksTest):
    def test_tasks_work_as_well(self):
        for words in (["switch"], ["pool", 4], ["thread_end"], ["names"], ["kinds", 2000], ["alive", 70_000],
                      ["shared", 4, 100], ["turns", 5], ["million", 100_000]):
            with self.subTest(words):
                done = subprocess.run([tool.product(self.guest), *map(str, words)], timeout=tool.SECONDS_MAX,
                                      env=self.environment(LD_PRELOAD=tool.product("BURSAR_LIBRARY")),
                                      capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_misuse_is_told_as_well(self):
        for words, lines in ((["misuse"], NO_TASK), (["fork"], NO_TASK)):
            done = subprocess.run([tool.product("KNOWN_TASKS"), *words], timeout=tool.SECONDS_MAX, capture_output=True,
                                  env=self.environment(LD_PRELOAD=tool.product("BURSAR_LIBRARY")), text=True)
            self.assertEqual((done.returncode, done.stderr), (0, lines), words)


if __name__ == "__main__":
    unittest.main()
