#!/usr/bin/env python3
"""A run of more processes than there is room for ledgers at a time: all are in the report, and few files are there."""

import json
import subprocess
import unittest

import full_disk_test
import tool
import views

# Some more than stay until the run's end, and than a ledger directory may have at a time below.
PROCESSES = 90
FILES_MAX = 30
LOOP = 'i=0; while [ $i -lt "$0" ]; do "$@"; i=$((i + 1)); done; '


def without_times(value):
    """Of a report in JSON, all that two runs of the same have alike; the shell counts process ids, which have now more, now fewer digits."""
    if isinstance(value, list):
        return sorted((without_times(each) for each in value), key=json.dumps)
    if isinstance(value, dict):
        return {key: without_times(each) for key, each in value.items()
                if key not in ("begun_ns", "wall_ns", "wall_ns_per_task", "thread_id", "label")}
    return value


class ManyProcesses(views.ViewTest):
    def report_of(self, *options):
        program = ["sh", "-c", LOOP, PROCESSES, tool.product("SHOWN_TASKS"), "GET:3:7:1000", "PUT:2:11:100"]
        out = self.directory / "report.json"
        done = self.bursar("run", "--stats=json", "-o", out, *options, "--", *program)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(out.read_text())

    def test_are_told_as_if_all_ledgers_were_kept(self):
        kept = self.report_of("--ledgers", self.directory / "kept")
        collected = self.report_of()
        self.assert_nothing_left()
        row, = collected["others"]
        self.assertEqual((row["program"], row["processes"]), ("shown_tasks", PROCESSES))
        kinds = {kind["kind"]: kind for kind in collected["tree"]["task_kinds"]}
        self.assertEqual((kinds["GET"]["tasks_ended"], kinds["PUT"]["tasks_ended"]), (3 * PROCESSES, 2 * PROCESSES))
        for key in ("others", "others_without_room", "others_ended_while_starting", "tree"):
            self.assertEqual(without_times(collected[key]), without_times(kept[key]), key)

    def start_and_wait(self, *options):
        """A run whose program waits when its children have ended."""
        program = ["sh", "-c", LOOP + "read -r line", str(PROCESSES), tool.product("KNOWN_CALLS"), "malloc:10:100"]
        process = subprocess.Popen([self.command, "run", "--stats=json", "-o", "report", *options, "--", *program],
                                   stdin=subprocess.PIPE, env=self.environment(), cwd=self.directory)
        self.addCleanup(self.end, process)
        return process

    def others_of(self, process):
        process.stdin.close()
        self.assertEqual(process.wait(tool.SECONDS_MAX), 1)  # of `read` at the end of the input
        row, = json.loads((self.directory / "report").read_text())["others"]
        return row["processes"], row["allocations"]

    def test_leave_few_files_while_the_program_runs(self):
        process = self.start_and_wait()
        self.wait_for(self.files, "a ledger")
        self.wait_for(lambda: self.children_of(process) == [], "the children to end")
        self.wait_for(lambda: len(self.files()) <= FILES_MAX, "few files")
        self.assertEqual(self.others_of(process), (PROCESSES, 10 * PROCESSES))

    def files(self):
        return list(self.runtime_directory.glob("bursar-??????/*"))

    @staticmethod
    def children_of(process):
        """Of the shell, once it is there; until then, something that is not empty."""
        def of(process_id):
            with open(f"/proc/{process_id}/task/{process_id}/children", encoding="ascii") as file:
                return [int(word) for word in file.read().split()]
        shells = of(process.pid)
        if not shells:
            return None
        with open(f"/proc/{shells[0]}/syscall", encoding="ascii") as file:
            waits_for_input = file.read().startswith("0 0x0 ")
        return of(shells[0]) if waits_for_input else None

    def test_that_are_kept_all_stay(self):
        process = self.start_and_wait("--ledgers", self.directory / "kept")
        self.assertEqual(self.others_of(process), (PROCESSES, 10 * PROCESSES))
        self.assertEqual(len(list((self.directory / "kept").iterdir())), PROCESSES + 1)

    def test_that_execute_programs_are_told_with_all_of_them(self):
        program = ["sh", "-c", LOOP, PROCESSES, tool.product("KNOWN_CALLS"), "fork", "malloc:10:100", "exec", "malloc:20:100", "exec"]
        done = self.bursar("run", "--stats=json", "-o", "report", "--", *program)
        self.assertEqual(done.returncode, 0, done.stderr)
        row, = json.loads((self.directory / "report").read_text())["others"]
        # The parent, the child, and the two programs that it executes.
        self.assertEqual((row["processes"], row["allocations"]), (4 * PROCESSES, 30 * PROCESSES))

    def test_lose_none_on_a_small_disk(self):
        if not full_disk_test.can_mount():
            self.skipTest("only root may mount, and not everywhere")
        # Each ledger takes 40 KiB and more: all of them have twice the room that there is.
        program = ["sh", "-c", LOOP, 400, tool.product("KNOWN_CALLS"), "malloc:10:100"]
        (self.directory / "small").mkdir()
        script = 'mount -t tmpfs -o size=8m none small && exec "$@"'
        words = ["unshare", "-m", "sh", "-c", script, "sh", "env", f"XDG_RUNTIME_DIR={self.directory}/small", self.command, "run",
                 "--stats=json", "-o", "report", "--", *program]
        done = subprocess.run([*map(str, words)], env=self.environment(), cwd=self.directory, capture_output=True, text=True,
                              timeout=tool.SECONDS_MAX)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = json.loads((self.directory / "report").read_text())
        row, = report["others"]
        self.assertEqual((row["processes"], row["allocations"]), (400, 4000))
        self.assertEqual((report["others_without_room"], report["others_ended_while_starting"]), (0, 0))


class Numbers(views.ViewTest):
    def test_that_were_free_again_do_not_hide_the_program_that_runs(self):
        script = self.directory / "script"
        script.write_text(f"#!/bin/sh\nexec {tool.product('SHOWN_TASKS')} wait\n")
        script.chmod(0o755)
        process = self.start(program=script)
        shell, guest = (self.runtime_directory / f"bursar-{process.pid}{number}" for number in ("", ".1"))
        self.wait_for(lambda: guest.exists() and self.bursar("report", guest).returncode == 0, "the second ledger")
        # As if the number 0 had been free when the guest began.
        shell.rename(self.directory / "shell")
        guest.rename(shell)
        (self.directory / "shell").rename(guest)
        done = self.bursar("report", "--json", process.pid)
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual((report["program"], report["is_alive"]), (tool.product("SHOWN_TASKS"), True))


class NoRoom(tool.ToolTest):
    def run_children(self, *options):
        """A program that fills the disk of its ledger before it makes three children."""
        if not full_disk_test.can_mount():
            self.skipTest("only root may mount, and not everywhere")
        (self.directory / "small").mkdir()
        script = 'mount -t tmpfs -o size=4m none small && exec "$@"'
        words = ["unshare", "-m", "sh", "-c", script, "sh", "env", f"XDG_RUNTIME_DIR={self.directory}/small", self.command, "run",
                 *options, "-o", "report", "--", tool.product("FILLING"), "children", "3", "small/filler"]
        done = subprocess.run(words, env=self.environment(), cwd=self.directory, capture_output=True, text=True,
                              timeout=tool.SECONDS_MAX)
        self.assertEqual((done.returncode, done.stdout), (7, "done\n"), done.stderr)
        return (self.directory / "report").read_text()

    def test_for_the_ledgers_of_children_is_told(self):
        text = self.run_children()
        self.assertIn("\n  had no room for their ledgers: 3 processes are not counted\n", text)
        self.assertNotIn("ended while they started", text)

    def test_for_the_ledgers_of_children_is_told_in_json(self):
        report = json.loads(self.run_children("--stats=json"))
        self.assertEqual((report["others"], report["others_without_room"], report["others_ended_while_starting"]), ([], 3, 0))


if __name__ == "__main__":
    unittest.main()
