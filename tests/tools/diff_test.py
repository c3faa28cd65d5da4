#!/usr/bin/env python3
"""`bursar diff` on ledgers and reports of real programs."""

import json
import re
import unittest

import terminal
import tool
import views


class Diff(views.ViewTest):
    def setUp(self):
        super().setUp()
        self.before = self.ledger_of("before", "GET:100:8:1000", "PUT:10:5:64")
        self.after = self.ledger_of("after", "GET:100:12:1000", "NEW:3:1:5000")

    def test_tells_what_grew_by_kind(self):
        done = self.bursar("diff", self.before, self.after)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?m)^  GET\n    allocations per task, median +8 +12 +\+4 +\+50\.0 %\n")
        self.assertRegex(done.stdout, r"(?m)^  NEW \(new\)\n    tasks +0 +3 +\+3 +new\n")
        self.assertRegex(done.stdout, r"(?m)^  PUT \(gone\): 10 tasks, 50 allocations, \S+ KiB handed out\n")
        self.assertRegex(done.stdout, r"(?m)^  allocations +8\d\d +1,2\d\d ")
        self.assertNotIn("\x1b", done.stdout)

    def test_fails_over_a_percentage_and_names_each_figure(self):
        done = self.bursar("diff", "--fail-over", "20", self.before, self.after)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(re.findall(r"(?m)^bursar: (.+?) grew from .*, more than 20 % allow$", done.stderr),
                         ["allocations", "allocated_bytes", "peak_live_bytes", "allocations_per_task of GET", "peak_per_task of GET"])
        self.assertIn("bursar: allocations_per_task of GET grew from 8 to 12 (+50.0 %), more than 20 % allow\n", done.stderr)
        self.assertEqual(self.bursar("diff", "--fail-over", "60", self.before, self.after).returncode, 0)
        self.assertEqual(self.bursar("diff", "--fail-over", "0", self.after, self.after).returncode, 0)

    def test_judges_only_what_is_asked_for(self):
        done = self.bursar("diff", "--fail-over=20", "--only", "allocations_per_task", "--only", "allocations", self.before,
                           self.after)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 2), done.stderr)

    def test_leaves_small_changes_away(self):
        text = self.bursar("diff", "--min-bytes", "100K", self.before, self.after).stdout
        self.assertIn("\n  GET\n", text)
        self.assertNotIn("PUT", text)

    def test_json_has_the_same_and_what_was_exceeded(self):
        done = self.bursar("diff", "--json", "--fail-over", "45", "--only", "allocations_per_task", self.before, self.after)
        report = json.loads(done.stdout)
        kinds = {kind["name"]: kind for kind in report["kinds"]}
        self.assertEqual(kinds["GET"]["allocations_per_task"], {"a": 8, "b": 12, "growth": 4, "percent": 50.0})
        self.assertEqual((kinds["NEW"]["in"], kinds["PUT"]["in"]), ("new", "gone"))
        self.assertEqual([(each["figure"], each["kind"]) for each in report["exceeded"]], [("allocations_per_task", "GET")])

    def test_reports_in_json_say_the_same_as_their_ledgers(self):
        reports = []
        for path in (self.before, self.after):
            reports.append(self.directory / (path.parent.name + ".json"))
            reports[-1].write_text(self.bursar("report", "--json", path).stdout)
        of_ledgers = json.loads(self.bursar("diff", "--json", self.before, self.after).stdout)
        of_reports = json.loads(self.bursar("diff", "--json", *reports).stdout)
        for part in ("totals", "kinds", "size_classes", "threads"):
            self.assertEqual(of_reports[part], of_ledgers[part], part)
        mixed = json.loads(self.bursar("diff", "--json", reports[0], self.after).stdout)
        self.assertEqual(mixed["kinds"], of_ledgers["kinds"])

    def test_a_running_process_is_compared_by_its_id(self):
        process = self.start("GET:100:8:1000", "wait")
        done = self.bursar("diff", "--fail-over", "1", "--only", "allocations_per_task", self.before, process.pid)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"\nB  shown_tasks (process {process.pid})  ", done.stdout)

    def test_faults_are_one_line(self):
        (self.directory / "cut.json").write_text('{"ledger_version": 4, ')
        (self.directory / "other.json").write_text('{"a": 1}')
        for words, line in (
                (("none", self.after), "none: cannot be opened: No such file or directory"),
                ((self.before, "/dev/null"), "/dev/null: is not a regular file, so it is no ledger"),
                ((self.before, "other.json"), "other.json: is JSON, but no report of bursar"),
                ((self.before,), "B is required; see bursar diff --help"),
                (("--fail-over", "-1", "a", "b"), "--fail-over: -1 is no percentage from 0 on; see bursar diff --help"),
                (("--fail-over", "0x10", "a", "b"), "--fail-over: 0x10 is no percentage from 0 on; see bursar diff --help"),
                (("--fail-over", "nan", "a", "b"), "--fail-over: nan is no percentage from 0 on; see bursar diff --help"),
                (("--only", "allocations", "a", "b"), "--only requires --fail-over; see bursar diff --help")):
            with self.subTest(words=words):
                self.assert_fault(self.bursar("diff", *words), 2, line)
        done = self.bursar("diff", self.before, "cut.json")
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), done.stderr)
        self.assertTrue(done.stderr.startswith("bursar: cut.json: is no report of bursar in JSON: "), done.stderr)

    def test_colours_are_for_terminals_alone(self):
        for changes, coloured in (({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": 1}, False)):
            with self.subTest(changes=changes):
                shown = terminal.Terminal([self.command, "diff", self.before, self.after], self.environment(**changes))
                self.addCleanup(shown.close)
                self.assertEqual(shown.end(), 0)
                self.assertEqual(b"\x1b[31m" in shown.written, coloured)


if __name__ == "__main__":
    unittest.main()
