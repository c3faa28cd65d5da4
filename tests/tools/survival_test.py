#!/usr/bin/env python3
"""However a program ends and whatever it does to itself, its ledger reads, and the program is as it would be without one."""

import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

import tool

BLOCK_BYTES = 112  # of 100
WORK_BLOCKS = 1000


class SurvivalTest(tool.ToolTest):
    def setUp(self):
        super().setUp()
        # A directory that other users may reach, as the guests that become another must.
        self.directory.chmod(0o711)

    def run_guest(self, *words, status=0, errors="", prefix=(), settings="", libraries=("BURSAR_LIBRARY",), guest="ENDINGS",
                  **options):
        environment = self.environment(LD_PRELOAD=":".join(map(tool.product, libraries)),
                                       BURSAR=f"ledger={self.directory}/ledger" + settings)
        # The loader of the prefix's programs is to leave them alone.
        command = [*prefix, "env", *(f"{name}={environment.pop(name)}" for name in ("LD_PRELOAD", "BURSAR")),
                   tool.product(guest)] if prefix else [tool.product(guest)]
        done = subprocess.run([*command, *map(str, words)], env=environment, capture_output=True, text=True,
                              timeout=tool.SECONDS_MAX, cwd=self.directory, **options)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        if errors is not None:
            self.assertEqual(done.stderr, errors)
        return done.stderr

    def reports(self):
        """Of all processes and lives, the first one first."""
        reports = []
        # The first has no number.
        for path in sorted(self.directory.glob("ledger*"), key=lambda path: int(path.suffix[1:] or 0)):
            done = self.bursar("report", "--json", path)
            self.assertEqual((done.returncode, done.stderr), (0, ""), path)
            reports.append(json.loads(done.stdout))
        return reports

    def kind(self, report, name):
        row, = (row for row in report["task_kinds"] if row["kind"] == name)
        return row

    def outside(self, report):
        return self.kind(report, None)

    def assert_kind(self, report, name, **figures):
        row = self.kind(report, name)
        self.assertEqual({figure: row[figure] for figure in figures}, figures, name)

    def assert_consistent(self, report):
        for figure in ("allocations", "frees", "allocated_bytes", "freed_bytes", "live_blocks", "live_bytes"):
            self.assertEqual(sum(row[figure] for row in report["task_kinds"]), report[figure], figure)


class Endings(SurvivalTest):
    def assert_ends(self, how, status, **figures):
        self.run_guest(how, status=status)
        report, = self.reports()
        figures = {"allocations": WORK_BLOCKS, "live_blocks": WORK_BLOCKS} | figures
        self.assert_kind(report, "work", tasks_begun=1, **figures)
        self.assert_consistent(report)
        return report

    def test_by_exit(self):
        self.assertEqual(self.assert_ends("by_exit", 3)["ending"], "at_exit")

    def test_by_exit_within_a_task_where_each_thread_is_one(self):
        self.run_guest("by_exit", status=3, settings=",tasks=thread")
        report, = self.reports()
        self.assert_kind(report, "endings", tasks_begun=1, tasks_ended=1, tasks_running=0)
        self.assert_kind(report, "work", tasks_begun=1, tasks_running=1, allocations=WORK_BLOCKS, live_blocks=WORK_BLOCKS)
        self.assert_consistent(report)

    def test_at_once(self):
        for how in ("at_once", "quickly"):
            with self.subTest(how=how):
                self.assertEqual(self.assert_ends(how, 3, tasks_running=1)["ending"], "unfinished")
                (self.directory / "ledger").unlink()

    def test_by_a_signal(self):
        for how, number in (("by_abort", signal.SIGABRT), ("by_segv", signal.SIGSEGV), ("by_kill", signal.SIGKILL)):
            with self.subTest(how=how):
                self.assertEqual(self.assert_ends(how, -number, tasks_running=1)["ending"], "unfinished")
                (self.directory / "ledger").unlink()

    def test_by_exit_in_a_thread(self):
        # The C library makes a block for a new thread.
        report = self.assert_ends("in_a_thread", 3, allocations=WORK_BLOCKS + 1, live_blocks=WORK_BLOCKS + 1, tasks_running=1)
        self.assert_kind(report, "of the thread", allocations=10)
        self.assertEqual(report["ending"], "at_exit")

    def test_by_exit_in_a_thread_after_the_first_has_ended(self):
        self.run_guest("after_main", status=3)
        report, = self.reports()
        self.assert_kind(report, "work", tasks_running=0, tasks_ended=1)
        # The C library loads another for that.
        self.assertIn(self.kind(report, "work")["live_blocks"] - WORK_BLOCKS, range(20))
        self.assert_consistent(report)
        self.assertEqual(report["ending"], "at_exit")

    def test_by_exec_begins_a_ledger_more(self):
        for how in ("by_exec", "by_exec_in_a_thread"):
            with self.subTest(how=how):
                self.run_guest(how, status=3)
                before, after = self.reports()
                self.assertEqual(before["process_id"], after["process_id"])
                self.assertEqual([report["ending"] for report in (before, after)], ["unfinished", "at_exit"])
                # One is the C library's for the thread.
                self.assertIn(self.kind(before, "work")["allocations"] - WORK_BLOCKS, (0, 1))
                self.assert_kind(after, "work", allocations=WORK_BLOCKS)
                for path in self.directory.glob("ledger*"):
                    path.unlink()


class OutOfMemory(SurvivalTest):
    def assert_work_is_there(self):
        report, = self.reports()
        work = self.kind(report, "work")
        self.assertGreater(work["allocations"], WORK_BLOCKS + 100)
        self.assertGreater(work["live_bytes"], 10_000_000)
        self.assertEqual(work["frees"], 0)
        self.assertEqual(self.kind(report, "work")["tasks_running"], 1)
        # The kernel may come within a call.
        self.assertLessEqual(abs(sum(row["allocations"] for row in report["task_kinds"]) - report["allocations"]), 1)

    def test_a_program_that_gets_no_more_address_space_and_aborts(self):
        self.run_guest("without_address_space", status=-signal.SIGABRT)
        self.assert_work_is_there()

    def test_a_program_that_gets_no_more_data_and_aborts(self):
        self.run_guest("without_data", status=-signal.SIGABRT)
        self.assert_work_is_there()

    def memory_group(self):
        """A control group of 64 MiB for this test, or none where there can be none."""
        for parent, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
            group = pathlib.Path(parent) / f"bursar-test-{os.getpid()}"
            try:
                group.mkdir()
            except OSError:
                continue
            self.addCleanup(group.rmdir)
            try:
                (group / limit).write_text("64M")
                return group
            except OSError:
                continue
        self.skipTest("no control group with a limit of memory can be made here")

    def test_the_kernel_kills_a_program_that_takes_too_much(self):
        group = self.memory_group()
        script = 'echo $$ > "$1"; shift; exec "$@"'
        self.run_guest("without_memory", status=-signal.SIGKILL, prefix=("sh", "-c", script, "sh", group / "cgroup.procs"))
        self.assert_work_is_there()


class UnderWay(SurvivalTest):
    """What a program does to itself while it is counted."""

    def assert_goes_on(self, how, after=10, outside=0, status=0, errors=""):
        self.run_guest(how, status=status, errors=errors)
        report, = self.reports()
        self.assert_kind(report, "work", allocations=2 * WORK_BLOCKS, tasks_ended=1)
        self.assert_kind(report, "after", allocations=after, tasks_ended=1)
        self.assertGreaterEqual(self.outside(report)["allocations"], outside)
        self.assert_consistent(report)
        self.assertEqual(report["ending"], "at_exit")

    def test_all_descriptors_are_closed(self):
        self.assert_goes_on("close_all")

    def test_the_range_of_descriptors_is_closed(self):
        self.assert_goes_on("close_the_range", outside=10)

    @unittest.skipIf(os.geteuid() != 0, "only root may change the root")
    def test_the_root_is_another(self):
        self.assert_goes_on("change_the_root", outside=10)

    @unittest.skipIf(os.geteuid() != 0, "only root may become another user")
    def test_the_user_is_another(self):
        self.assert_goes_on("change_the_user", outside=10)

    def test_files_may_not_grow(self):
        self.assert_goes_on("limit_files", outside=400)

    def test_the_ledger_is_removed(self):
        self.run_guest("remove_the_ledger")
        self.assertEqual(self.reports(), [])


class Children(SurvivalTest):
    def run_tree(self, how, count):
        self.run_guest(how)
        deadline = time.monotonic() + tool.SECONDS_MAX
        while len(list(self.directory.glob("ledger*"))) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        reports = self.reports()
        self.assertEqual(len(reports), count)
        for report in reports:
            self.assert_consistent(report)
        return reports

    def test_a_hundred_forks_within_a_task(self):
        parent, *children = self.run_tree("fork_many", 101)
        self.assert_kind(parent, "work", allocations=2 * WORK_BLOCKS, tasks_ended=1)
        self.assertEqual([self.kind(child, "work")["allocations"] for child in children], list(range(100)))
        for child in children:
            self.assertEqual(self.kind(child, "work")["live_blocks"], WORK_BLOCKS + self.kind(child, "work")["allocations"])

    def test_grandchildren_count_for_themselves(self):
        parent, child, grandchild, last = self.run_tree("grandchildren", 4)
        self.assert_kind(parent, "work", allocations=2 * WORK_BLOCKS)
        self.assert_kind(child, "work", allocations=20, live_blocks=WORK_BLOCKS + 20)
        self.assert_kind(grandchild, "work", allocations=30, live_blocks=WORK_BLOCKS + 50)
        self.assert_kind(last, "work", allocations=40, live_blocks=WORK_BLOCKS + 90, tasks_running=1)

    def test_a_child_frees_large_blocks_that_it_inherited(self):
        parent, child = self.run_tree("free_in_a_child", 2)
        self.assert_kind(parent, "work", allocations=WORK_BLOCKS + 3, live_blocks=WORK_BLOCKS + 3)
        self.assert_kind(child, "work", frees=3, live_blocks=WORK_BLOCKS, live_bytes=WORK_BLOCKS * BLOCK_BYTES)

    def test_vfork_and_spawn_leave_the_parent_alone(self):
        parent, by_vfork, by_spawn = self.run_tree("execute_in_children", 3)
        self.assert_kind(parent, "work", allocations=2 * WORK_BLOCKS, frees=0, tasks_ended=1)
        for child in (by_vfork, by_spawn):
            self.assert_kind(child, "work", allocations=WORK_BLOCKS, tasks_begun=1)
            self.assertEqual(child["inherited_bytes"], 0)

    def test_a_daemon_has_an_account(self):
        daemon = self.run_tree("daemon", 3)[-1]
        self.assert_kind(daemon, "work", allocations=WORK_BLOCKS, live_blocks=2 * WORK_BLOCKS, tasks_ended=1)
        self.assertEqual(daemon["ending"], "at_exit")

    def test_threads_fork_while_others_allocate(self):
        reports = self.run_tree("fork_while_others_allocate", 61)
        self.assert_kind(reports[0], "forks", tasks_ended=60, allocations=600)
        self.assert_kind(reports[0], "meanwhile", tasks_ended=3, live_blocks=0)
        for child in reports[1:]:
            self.assert_kind(child, "forks", tasks_begun=1, tasks_ended=1, allocations=7)


class Sandboxes(SurvivalTest):
    """Entered under way, they kill for what they do not know: an account may not ask for more than a heap does."""

    def test_one_that_allows_memory_and_little_else(self):
        self.run_guest("filter", status=7, guest="CONFINED")
        report, = self.reports()
        for kind in ("even", "odd"):
            self.assert_kind(report, kind, tasks_ended=10, allocations=10_000, live_blocks=0)
        self.assert_consistent(report)

    def test_one_in_a_child(self):
        self.run_guest("child", status=7, guest="CONFINED")
        for kind in ("even", "odd"):
            self.assert_kind(self.reports()[1], kind, tasks_ended=10, allocations=10_000, live_blocks=0)

    def test_one_that_allows_nothing(self):
        self.run_guest("strict", status=7, guest="CONFINED")
        report, = self.reports()
        self.assertGreaterEqual(self.outside(report)["allocations"], 20_000)
        self.assert_consistent(report)


class ProcessIds(SurvivalTest):
    def test_a_number_that_another_process_has_by_now(self):
        self.run_guest("by_kill", status=-signal.SIGKILL)
        time.sleep(0.3)
        other = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL)
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        report, = self.reports()
        content = bytearray((self.directory / "ledger").read_bytes())
        number = report["process_id"].to_bytes(4, "little")
        place = content.index(number, 8)
        content[place:place + 4] = other.pid.to_bytes(4, "little")
        (self.directory / "ledger").write_bytes(content)
        report, = self.reports()
        self.assertEqual((report["process_id"], report["ending"]), (other.pid, "unfinished"))
        done = self.bursar("report", self.directory / "ledger")
        self.assertNotIn("still running", done.stdout)


class InBetween(SurvivalTest):
    def test_a_late_complaint_stays_out_of_the_files_of_the_program(self):
        done = subprocess.run([tool.product("ENDINGS"), "complain_late"], cwd=self.directory, capture_output=True, text=True,
                              timeout=tool.SECONDS_MAX, env=self.environment(LD_PRELOAD=tool.product("BURSAR_LIBRARY"),
                                                                             BURSAR="stats,ledger=ledger.%p"))
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("at exit", done.stderr)
        self.assertEqual((self.directory / "data").read_text(), "")

    def test_blocks_of_signal_handlers_are_outside_as_they_come_and_go(self):
        self.run_guest("allocate_while_signals_come")
        report, = self.reports()
        self.assert_consistent(report)
        work = self.kind(report, "work")
        self.assertEqual(work["live_bytes"], work["live_blocks"] * BLOCK_BYTES)
        self.assert_kind(report, None, live_blocks=0, live_bytes=0)

    def test_a_child_whose_fork_nothing_tells_of_counts_in_its_own_ledger_from_its_first_block(self):
        self.run_guest("fork_unseen_in_an_arena")
        parent, child = self.reports()
        self.assert_kind(parent, "in an arena", allocations=1, frees=1, live_blocks=0)
        self.assert_kind(child, "in an arena", allocations=1, frees=1, tasks_begun=1, tasks_ended=1)
        for report in (parent, child):
            self.assert_consistent(report)


if __name__ == "__main__":
    unittest.main()
