#!/usr/bin/env python3
"""What reports tell of a program with tasks: at its end, of its ledger by file and by process id, over a tree of processes."""

import json
import os
import shutil
import struct
import subprocess
import time
import unittest

import tool


class Requests(tool.ToolTest):
    def setUp(self):
        super().setUp()
        self.program = tool.product("REQUESTS")

    def tasks_of(self, text):
        """The part of a report that tells of tasks."""
        return text[text.index("\n  allocations per "):]

    def start(self, *words, env=None):
        """The program, waiting in the middle of a task."""
        process = subprocess.Popen([*words, self.program, "wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=env or self.environment())
        for stream in (process.stdin, process.stdout, process.stderr):
            self.addCleanup(stream.close)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def end(self, process):
        process.communicate("\n", timeout=tool.SECONDS_MAX)
        self.assertEqual(process.returncode, 0)

    def preloaded(self, **changes):
        return self.environment(LD_PRELOAD=tool.product("BURSAR_LIBRARY"), **changes)


class Reports(Requests):
    def test_kinds_of_tasks_are_told_exactly(self):
        report = self.run_json(self.program)
        kinds = {row["kind"]: row for row in report["task_kinds"]}
        search, upload = kinds["GET /search"], kinds["POST /upload"]
        self.assertEqual((search["tasks_begun"], search["tasks_ended"], search["tasks_running"]), (2000, 2000, 0))
        self.assertEqual(search["allocations"], (2000 - 41) * 71 + 40 * 2000 + 4000)
        self.assertEqual(search["allocations_per_task"]["highest"], 4000)
        self.assertAlmostEqual(search["allocations_per_task"]["median"], 71, delta=71 / 8)
        self.assertAlmostEqual(search["allocations_per_task"]["p99"], 2000, delta=2000 / 8)
        self.assertEqual(search["retained_bytes"], 12288)
        self.assertEqual(search["peak_live_bytes_per_task"]["highest"], 4000 * 12288)
        self.assertEqual((upload["allocations"], upload["retained_bytes"]), (200 * 7, 0))
        self.assertEqual(report["worst_by_peak"][0]["label"], "GET /search?q=77")
        self.assertEqual(report["worst_by_allocations"][0]["allocations"], 4000)
        self.assertEqual(report["running_tasks"], [])
        threads = {row["name"]: row for row in report["thread_kinds"]}
        self.assertEqual(threads["worker-*"]["threads"], 4)

    def test_the_process_and_the_command_write_the_same(self):
        ledger, at_exit = self.directory / "ledger", self.directory / "report"
        subprocess.run([self.program], env=self.preloaded(BURSAR=f"stats,out={at_exit},ledger={ledger}"), check=True,
                       timeout=tool.SECONDS_MAX)
        told = self.bursar("report", ledger).stdout
        self.assertEqual(self.tasks_of(told), self.tasks_of(at_exit.read_text()))

    def test_a_killed_program_tells_in_the_middle_of_what_it_ended(self):
        done = self.bursar("run", "--", self.program, "die")
        self.assertEqual(done.returncode, 128 + 9)
        self.assertRegex(done.stderr, r"\n  ended in the middle of .*\n  index 7 +reindex +4\.\d+ MiB +1 +4\.\d+ MiB\n")

    def test_no_line_is_longer_than_a_hundred_columns(self):
        done = self.bursar("run", "-o", "report", "--", self.program)
        self.assertEqual(done.returncode, 0)
        lines = (self.directory / "report").read_text().splitlines()[1:]  # the first has the path
        self.assertLessEqual(max(map(len, lines)), 100)


class ByProcess(Requests):
    def test_a_running_process_is_found_by_its_id(self):
        run = self.start(self.command, "run", "--")
        entry, = self.runtime_directory.glob("bursar-??????/*")
        told = self.bursar("report", entry.name)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertEqual(told.stdout.splitlines()[1], "  still running")
        self.assertRegex(told.stdout, r"\n  running tasks .*\n  index 7 +reindex ")
        report = json.loads(self.bursar("report", "--json", entry.name).stdout)
        self.assertIs(report["is_alive"], True)
        self.assertGreater(report["peak_rss_bytes"], 0)
        self.end(run)

    def test_a_process_that_ended_is_found_by_the_file_it_left(self):
        process = self.start(env=self.preloaded(BURSAR=f"ledger={self.runtime_directory}/bursar-%p"))
        self.assertEqual(self.bursar("report", process.pid).stdout.splitlines()[1], "  still running")
        self.end(process)
        told = self.bursar("report", process.pid)
        self.assertIn(f"(process {process.pid})\n", told.stdout)
        self.assertIn("\n  POST /upload ", told.stdout)

    def test_a_killed_process_is_found_before_its_parent_has_asked_for_its_status(self):
        process = self.start(env=self.preloaded(BURSAR=f"ledger={self.runtime_directory}/bursar-%p"))
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        told = self.bursar("report", process.pid)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        self.assertEqual(told.stdout.splitlines()[1], "  gone before its end: killed, or by _exit")
        process.wait(timeout=tool.SECONDS_MAX)

    def test_a_process_that_ended_by_itself_is_found_before_its_parent_has_asked(self):
        process = self.start(env=self.preloaded(BURSAR=f"ledger={self.runtime_directory}/bursar-%p"))
        process.stdin.write("\n")
        process.stdin.flush()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        told = self.bursar("report", process.pid)
        self.assertEqual((told.returncode, told.stderr), (0, ""))
        process.wait(timeout=tool.SECONDS_MAX)

    def test_a_process_without_a_ledger_is_told(self):
        done = self.bursar("report", "1")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr, r"^bursar: process 1 has no ledger in \$XDG_RUNTIME_DIR, /run/user, /dev/shm or /tmp"
                                      r"[^\n]*: name the file\n$")

    def test_several_ledgers_of_a_process_are_named(self):
        process = self.start(env=self.preloaded(BURSAR=f"ledger={self.runtime_directory}/bursar-%p"))
        self.end(process)
        first = self.runtime_directory / f"bursar-{process.pid}"
        second = self.runtime_directory / "bursar-abcdef" / str(process.pid)
        second.parent.mkdir()
        shutil.copy(first, second)
        self.assert_fault(self.bursar("report", process.pid), 2,
                          f"process {process.pid} has several ledgers: name one of {first}, {second}")

    def test_an_id_that_was_given_out_again_is_told(self):
        old = self.start(env=self.preloaded(BURSAR=f"ledger={self.directory}/old"))
        old.kill()
        old.wait(timeout=tool.SECONDS_MAX)
        time.sleep(0.5)  # more than the ages of processes are known by
        young = subprocess.Popen(["sleep", "60"])
        self.addCleanup(young.wait)
        self.addCleanup(young.kill)
        ids = [struct.pack("<II", process.pid, os.getpid()) for process in (old, young)]
        left = self.runtime_directory / f"bursar-{young.pid}"
        left.write_bytes((self.directory / "old").read_bytes().replace(ids[0], ids[1], 1))
        self.assert_fault(self.bursar("report", young.pid), 2,
                          f"process {young.pid} keeps no ledger now; an earlier program or process of this id left {left}: "
                          "name it")
        self.assertEqual(self.bursar("report", left).stdout.splitlines()[1], "  gone before its end: killed, or by _exit")

    def test_a_file_with_the_name_of_a_number_is_a_file(self):
        (self.directory / "1").write_text("no ledger")
        self.assert_fault(self.bursar("report", "1"), 2, "1: is no ledger of bursar: it begins with other bytes")

    def test_what_is_no_ledger_is_passed_over(self):
        (self.runtime_directory / "bursar-1").write_text("no ledger")
        (self.runtime_directory / "bursar-abcdef").symlink_to("/proc")
        (self.runtime_directory / "bursar-abcdeg").mkdir()
        (self.runtime_directory / "bursar-abcdeg" / "1").symlink_to("/dev/zero")
        self.assertEqual(self.bursar("report", "1").returncode, 2)


class Trees(Requests):
    def test_tasks_of_all_processes_are_told_together(self):
        script = f"{self.program}; {self.program}; exit 0"
        report = self.run_json("sh", "-c", script)
        kinds = {row["kind"]: row for row in report["tree"]["task_kinds"]}
        self.assertEqual((kinds["GET /search"]["tasks_ended"], kinds["POST /upload"]["tasks_ended"]), (4000, 400))
        self.assertEqual(kinds["GET /search"]["allocations"], 2 * ((2000 - 41) * 71 + 40 * 2000 + 4000))
        self.assertEqual(kinds["GET /search"]["retained_bytes"], 2 * 12288)
        self.assertEqual([row["label"] for row in report["tree"]["worst_by_peak"][:2]], ["GET /search?q=77"] * 2)
        done = self.bursar("run", "--", "sh", "-c", script)
        self.assertIn("\n  tasks of 2 processes, told together\n\n  allocations per GET /search: ", done.stderr)

    def test_what_children_inherit_is_told_once(self):
        report = self.run_json(self.program, "fork")
        init = {row["kind"]: row for row in report["tree"]["task_kinds"]}["init"]
        alone = {row["kind"]: row for row in report["task_kinds"]}["init"]
        self.assertEqual(sum(other["processes"] for other in report["others"]), 8)
        self.assertGreaterEqual(alone["retained_bytes"], 10_000_000)
        for figure in ("retained_bytes", "live_bytes", "live_blocks"):
            self.assertEqual(init[figure], alone[figure], figure)

    def test_the_tasks_of_the_program_alone_are_told_once(self):
        done = self.bursar("run", "--", self.program)
        self.assertEqual(done.stderr.count("allocations per GET /search"), 1)
        self.assertNotIn("told together", done.stderr)

    def test_tasks_of_one_process_are_not_told_together(self):
        done = self.bursar("run", "--", "sh", "-c", f"{self.program}; exit 0")
        self.assertEqual(done.stderr.count("allocations per GET /search"), 1)
        self.assertNotIn("told together", done.stderr)

    def test_of_processes_that_are_tasks_the_worst_is_named_with_its_program(self):
        done = self.bursar("run", "--tasks=process", "--", "sh", "-c", "ls / >/dev/null; ls / >/dev/null; exit 0")
        self.assertRegex(done.stderr, r"the highest peak was [^,]+, in (sh|ls) \(process \d+\)\n")

    def test_a_program_is_a_kind_where_the_process_is_the_task(self):
        report = self.run_json("sh", "-c", "ls / >/dev/null; ls / >/dev/null; exit 0",
                               env=self.environment(BURSAR="tasks=process"))
        kinds = {row["kind"]: row for row in report["tree"]["task_kinds"]}
        others = {row["program"]: row for row in report["others"]}
        self.assertEqual((kinds["ls"]["tasks_ended"], others["ls"]["processes"]), (2, 2))
        self.assertEqual(kinds["ls"]["allocations"], others["ls"]["allocations"])
        self.assertEqual(kinds["ls"]["peak_live_bytes_per_task"]["highest"], others["ls"]["peak_live_bytes"])
        self.assertRegex(report["tree"]["worst_by_peak"][0]["label"], r"^process \d+$")


if __name__ == "__main__":
    unittest.main()
