#!/usr/bin/env python3
"""`bursar export`: what other tools make of it, and where it goes."""

import json
import os
import stat
import subprocess
import threading
import unittest

import tool
import views


class Export(views.ViewTest):
    def test_json_is_that_of_the_report(self):
        path = self.ledger_of("kept", "GET:10:3:100")
        done = self.bursar("export", "--to", "json", path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, self.bursar("report", "--json", path).stdout)
        self.assertEqual(json.loads(done.stdout)["task_kinds"][-1]["tasks_ended"], 10)

    def test_prometheus_takes_its_metrics(self):
        path = self.ledger_of("kept", "GET /a\"b\\c:10:3:100", "PUT:1:1:5")
        text = self.bursar("export", "--to", "openmetrics", path).stdout
        self.assertTrue(text.endswith("# EOF\n"))
        # promtool reads the older text format, which knows no "# EOF", no units, and counters by their full names alone.
        older = "".join(line + "\n" for line in text.splitlines() if line != "# EOF" and not line.startswith("# UNIT"))
        done = subprocess.run(["promtool", "check", "metrics"], input=older, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=tool.SECONDS_MAX)
        self.assertNotIn("error while linting", done.stdout)
        self.assertIn(done.returncode, (0, 3), done.stdout)  # 3: it would name things otherwise

    def test_of_a_running_process(self):
        process = self.start("GET:10:3:100", "wait")
        done = self.bursar("export", "--to", "json", process.pid)
        self.assertEqual(json.loads(done.stdout)["process_id"], process.pid)

    def test_an_unknown_format_lists_those_there_are(self):
        self.assert_fault(self.bursar("export", "--to", "pprof", "any"), 2,
                          "export: there is no format pprof; there are: openmetrics, json")

    def test_faults_are_one_line(self):
        path = self.ledger_of("kept", "GET:1:1:1")
        for words, line in ((("any",), "--to is required; see bursar export --help"),
                            (("--to", "json"), "FILE|PID is required; see bursar export --help"),
                            (("--to", "json", "none"), "none: cannot be opened: No such file or directory"),
                            (("--to", "json", path, "-o", "no/such/file"),
                             "no/such/file: cannot be written: No such file or directory"),
                            (("--to", "json", path, "-o", self.directory), f"{self.directory}: cannot be written: Is a directory"),
                            (("--to", "json", path, "-o", "/dev/full"),
                             "/dev/full: cannot be written: No space left on device")):
            with self.subTest(words=words):
                self.assert_fault(self.bursar("export", *words), 2, line)

    def test_the_file_is_replaced_at_once(self):
        path = self.ledger_of("kept", "GET:1:1:1")
        whole = self.bursar("export", "--to", "json", path).stdout
        target, link = self.directory / "target.json", self.directory / "link.json"
        target.write_text("old")
        link.symlink_to(target)
        with open(target) as held:
            done = self.bursar("export", "--to", "json", path, "--output", link)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            self.assertEqual(held.read(), "old")
        self.assertEqual((link.is_symlink(), target.read_text()), (True, whole))
        mask = os.umask(0)
        os.umask(mask)
        self.assertEqual(stat.S_IMODE(target.stat().st_mode), 0o666 & ~mask)
        self.assertEqual(sorted(each.name for each in self.directory.iterdir()), ["kept", "link.json", "runtime", "target.json"])

    def test_a_pipe_is_written_to_as_it_is(self):
        path = self.ledger_of("kept", "GET:1:1:1")
        pipe = self.directory / "pipe"
        os.mkfifo(pipe)
        read = []
        reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
        reader.start()
        self.assertEqual(self.bursar("export", "--to", "json", path, "-o", pipe).returncode, 0)
        reader.join(tool.SECONDS_MAX)
        self.assertEqual(read, [self.bursar("export", "--to", "json", path).stdout])
        self.assertTrue(stat.S_ISFIFO(pipe.stat().st_mode))


if __name__ == "__main__":
    unittest.main()
