#!/usr/bin/env python3
"""A directory of ledgers where a ledger may be named: what a run left that was killed whole, what is looked at from outside."""

import json
import os
import signal
import subprocess
import unittest

import serving
import tool
import views


class Report(views.ViewTest):
    def kept(self, *steps, status=0):
        """The directory of a run of known_calls."""
        directory = self.directory / "kept"
        done = self.bursar("run", "--ledgers", directory, "-o", os.devnull, "--", tool.product("KNOWN_CALLS"), *steps)
        self.assertEqual((done.returncode, done.stderr), (status, ""))
        return directory

    def report(self, directory):
        done = self.bursar("report", "--json", directory)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(done.stdout)

    def test_tells_what_a_run_left_that_was_killed_with_its_program(self):
        program = ["sh", "-c", f"{tool.product('SHOWN_TASKS')} GET:3:7:1000 open:GET:/held:5000000 wait; exit 1"]
        run = subprocess.Popen([self.command, "run", "--", *program], env=self.environment(), stdin=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(run.stdin.close)
        self.addCleanup(tool.end_all_of, run)

        def directory():
            return next(self.runtime_directory.glob("bursar-??????"), None)

        def has_begun():
            found = directory() and self.bursar("report", "--json", directory())
            return found and found.returncode == 0 and '"/held"' in found.stdout
        self.wait_for(has_begun, "the task")
        os.killpg(run.pid, signal.SIGKILL)
        run.wait(timeout=tool.SECONDS_MAX)
        self.wait_for(lambda: {row["state"] for row in self.report(directory())["ledgers"]} == {"gone"}, "all to be gone")
        row = self.report(directory())["ledgers"][0]
        self.assertEqual(row["program"], tool.product("SHOWN_TASKS"))
        self.assertGreaterEqual(row["peak_live_bytes"], 5_000_000)
        self.assertGreaterEqual(row["live_bytes"], 5_000_000)
        text = self.bursar("report", directory()).stdout
        self.assertTrue(text.startswith(f"bursar: {directory()} (2 ledgers of 2 processes)\n"), text)
        peaks = text[text.index("\n  highest peaks "):].splitlines()
        self.assertRegex(peaks[2], r"^  shown_tasks +\d+ +gone +\d+ +4\.\d+ MiB +4\.\d+ MiB$")
        self.assertRegex(text, r"(?m)^  GET +4 +7 ")
        self.assertIn("/held", text)

    def test_a_process_that_became_another_program_is_one(self):
        report = self.report(self.kept("malloc:10:100", "exec", "malloc:20:100", "exec", "malloc:30:100"))
        self.assertEqual(report["processes"], 1)
        self.assertEqual(sorted((row["allocations"], row["state"]) for row in report["ledgers"]),
                         [(10, "replaced"), (20, "replaced"), (30, "exited")])
        self.assertEqual({row["process_id"] for row in report["ledgers"]}, {report["ledgers"][0]["process_id"]})

    def test_programs_are_summed_over_processes(self):
        report = self.report(self.kept("malloc:10:100", "fork", "malloc:5:100"))
        program, = report["programs"]
        self.assertEqual((report["processes"], program["processes"], program["allocations"]), (2, 2, 15))

    def test_what_is_no_ledger_is_counted(self):
        directory = self.kept("malloc:10:100")
        (directory / "77").write_bytes(b"no ledger")
        (directory / "notes").write_text("of the user")
        self.assertEqual(self.report(directory)["unreadable"], 1)
        text = self.bursar("report", directory).stdout
        self.assertTrue(text.startswith(f"bursar: {directory} (1 ledger of 1 process)\n"), text)

    def test_faults_are_one_line(self):
        path = self.directory / "one"
        path.mkdir()
        self.assert_fault(self.bursar("report", path), 2, f"{path}: is a directory, and has no ledger in it")
        (path / "77").write_bytes(b"no ledger")
        self.assert_fault(self.bursar("report", path), 2, f"{path}/77: is no ledger of bursar: it begins with other bytes")
        kept = self.kept("malloc:10:100")
        ledger, = kept.iterdir()
        self.assert_fault(self.bursar("report", "--format", "openmetrics", kept), 2,
                          f"{kept}: is a directory; openmetrics tells of one process: name one of the ledgers in it, such as {ledger}")

    @unittest.skipIf(os.geteuid() != 0, "needs root to be another user")
    def test_ledgers_of_others_are_a_fault_where_there_are_no_more(self):
        kept = self.kept("malloc:10:100")
        for path in (self.directory, kept):
            path.chmod(0o755)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", self.command,
                               "report", kept], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=tool.SECONDS_MAX, env=self.environment())
        self.assert_fault(done, 2, f"{kept}: its ledgers belong to others and cannot be read")


class Top(views.ViewTest):
    def test_shows_the_ledgers_of_a_directory_and_no_others(self):
        self.start("wait")
        kept = self.directory / "kept"
        kept.mkdir()
        inside = subprocess.Popen([tool.product("SHOWN_TASKS"), "wait"], stdin=subprocess.PIPE,
                                  env=self.environment(LD_PRELOAD=tool.product("BURSAR_LIBRARY"), BURSAR=f"ledger={kept}/%p"))
        self.addCleanup(self.end, inside)
        self.wait_for(lambda: self.bursar("report", kept / str(inside.pid)).returncode == 0, "a ledger")
        done = self.bursar("top", "--once", "--interval", "0.1", kept)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = [line.split() for line in done.stdout.splitlines()[2:]]
        self.assertEqual([(row[0], row[1]) for row in rows], [(str(inside.pid), "shown_tasks")])


class Serve(serving.ServingTest):
    def test_serves_the_ledgers_of_a_directory_and_no_others(self):
        self.guest().run_task("outside", 10, 100)
        kept = self.directory / "kept"
        done = self.bursar("run", "--ledgers", kept, "-o", os.devnull, "--", tool.product("SHOWN_TASKS"), "inside:5:3:100")
        self.assertEqual(done.returncode, 0, done.stderr)
        ledgers = self.serve("--ledgers", kept).json("/api/ledgers")["ledgers"]
        self.assertEqual([ledger["process_id"] for ledger in ledgers], [int(path.name) for path in kept.iterdir()])

    def test_a_directory_that_is_none_is_told_at_the_start(self):
        none = self.directory / "none"
        self.assert_fault(self.bursar("serve", "--listen", "127.0.0.1:0", "--ledgers", none), 2,
                          f"{none}: No such file or directory")


if __name__ == "__main__":
    unittest.main()
