#!/usr/bin/env python3
"""The command's own words: help, version, faults of use, `bursar report` on files that are no ledgers."""

import json
import os
import random
import subprocess
import unittest

import tool


class Command(tool.ToolTest):
    def test_help_is_everywhere_and_names_the_usage(self):
        for words, usage in (((), "bursar SUBCOMMAND [OPTIONS] ..."),
                             (("run",), "bursar run [OPTIONS] [--] COMMAND [ARGUMENT...]"),
                             (("report",), "bursar report [OPTIONS] FILE|DIRECTORY|PID")):
            for option in ("--help", "-h"):
                done = self.bursar(*words, option)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertIn(f"Usage: {usage}\n", done.stdout)

    def test_version_is_the_projects(self):
        for words in ((), ("run",), ("report",)):
            done = self.bursar(*words, "--version")
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (0, f"bursar {os.environ['BURSAR_PROJECT_VERSION']}\n", ""))

    def test_wrong_use_is_one_line(self):
        for words, status, line in (
                ((), 2, "what to do? see bursar --help"),
                (("fly",), 2, "no subcommand 'fly'; see bursar --help"),
                (("report",), 2, "FILE|DIRECTORY|PID is required; see bursar report --help"),
                (("report", "--format", "xml", "x"), 2,
                 "--format: xml not in {json,openmetrics,text}; see bursar report --help"),
                (("run",), 125, "run: no command to run; see bursar run --help"),
                (("run", "--"), 125, "run: no command to run; see bursar run --help"),
                (("run", "--fly", "true"), 125, "run: unknown option --fly; see bursar run --help"),
                (("run", "--stats=xml", "true"), 125,
                 "--stats: xml not in {json,openmetrics,text}; see bursar run --help"),
                (("run", "--tasks=request", "true"), 125,
                 "--tasks: request not in {api,loop,process,thread}; see bursar run --help"),
                (("run", "--budget=1.5G", "true"), 125,
                 "--budget: 1.5G is no number of bytes from 64K to 64T, such as 500000, 200M or 2G; see bursar run --help"),
                (("run", "--budget=63K", "true"), 125,
                 "--budget: 63K is no number of bytes from 64K to 64T, such as 500000, 200M or 2G; see bursar run --help"),
                (("run", "--no-stats", "--budget=1M", "true"), 125, "--budget excludes --no-stats; see bursar run --help"),
                (("run", "--no-stats", "--stats", "true"), 125, "--stats excludes --no-stats; see bursar run --help")):
            with self.subTest(words=words):
                self.assert_fault(self.bursar(*words), status, line)


class Report(tool.ToolTest):
    def ledger(self):
        """A ledger of a real process."""
        ledgers = self.directory / "ledgers"
        done = self.bursar("run", "--ledgers", ledgers, "-o", os.devnull, "--", tool.product("KNOWN_CALLS"),
                           "malloc:1000:100", "churn:500:40")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        paths = list(ledgers.iterdir())
        self.assertEqual(len(paths), 1, paths)
        return paths[0]

    def test_faults_of_files_are_one_line(self):
        fifo = self.directory / "fifo"
        os.mkfifo(fifo)
        empty = self.directory / "empty"
        empty.touch()
        for path, fault in ((self.directory / "none", "cannot be opened: No such file or directory"),
                            (self.directory, "is a directory, and has no ledger in it"),
                            (fifo, "is not a regular file, so it is no ledger"),
                            ("/dev/zero", "is not a regular file, so it is no ledger"),
                            (empty, "is empty: its process had no room for it there, or ended before it had begun"),
                            (self.command, "is no ledger of bursar: it begins with other bytes")):
            with self.subTest(path=path):
                self.assert_fault(self.bursar("report", path), 2, f"{path}: {fault}")

    def test_where_one_ledger_is_meant_a_directory_is_told_by_one_of_them(self):
        path = self.ledger()
        self.assert_fault(self.bursar("export", "--to", "json", path.parent), 2,
                          f"{path.parent}: is a directory: name one of the ledgers in it, such as {path}")

    def test_names_in_faults_do_not_steer_the_terminal(self):
        for words, line in ((("report", "\x1b[31mfoo\nbar"), "?[31mfoo?bar: cannot be opened: No such file or directory"),
                            (("diff", "\x1b[31mfoo", "b"), "?[31mfoo: cannot be opened: No such file or directory"),
                            (("\x1b[31mfoo",), "no subcommand '?[31mfoo'; see bursar --help"),
                            (("report", b"\xff".decode(errors="surrogateescape"), "b"), None),
                            (("top", "--once", "gr\u00f6\u00dfe"), "gr\u00f6\u00dfe: cannot be opened: No such file or directory")):
            with self.subTest(words=words):
                done = self.bursar(*words)
                self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
                self.assertNotRegex(done.stderr[:-1], "[\x00-\x1f\udc80-\udcff]")
                if line is not None:
                    self.assertEqual(done.stderr, f"bursar: {line}\n")

    def test_a_ledger_is_printed_again_in_every_format(self):
        path = self.ledger()
        text = self.bursar("report", path)
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        self.assertTrue(text.stdout.startswith(f"bursar: {tool.product('KNOWN_CALLS')} (process {path.name})\n"), text.stdout)
        self.assertIn("\n      112 B           1,000     97.7 KiB ", text.stdout)
        self.assertEqual(self.bursar("report", "--json", path).stdout, self.bursar("report", "--format=json", path).stdout)
        self.assertTrue(self.bursar("report", "--format", "openmetrics", path).stdout.endswith("# EOF\n"))

    def test_a_ledger_of_a_killed_process_says_so(self):
        self.bursar("run", "--ledgers", "ledgers", "--", tool.product("KNOWN_CALLS"), "malloc:7:100", "kill:9")
        path, = (self.directory / "ledgers").iterdir()
        lines = self.bursar("report", path).stdout.splitlines()
        self.assertEqual(lines[1], "  gone before its end: killed, or by _exit")
        self.assertIn("  live                    784 B    7 blocks", lines)
        self.assertEqual(json.loads(self.bursar("report", "--json", path).stdout)["ending"], "unfinished")

    def test_a_ledger_of_a_killed_process_tells_the_last_activity_it_knows_of(self):
        self.bursar("run", "--ledgers", "ledgers", "--", tool.product("KNOWN_CALLS"), "malloc:7:100000", "kill:9")
        path, = (self.directory / "ledgers").iterdir()
        self.assertRegex(self.bursar("report", path).stdout.splitlines()[2],
                         r"^  last activity +[\d.]+ [mun]?s    of which the ledger has the time; it may have gone on$")

    def test_a_ledger_of_a_killed_process_that_knows_of_none_does_not(self):
        self.bursar("run", "--ledgers", "ledgers", "--", tool.product("KNOWN_CALLS"), "malloc:7:100", "kill:9")
        path, = (self.directory / "ledgers").iterdir()
        self.assertNotIn("last activity", self.bursar("report", path).stdout)

    def test_no_place_for_the_report_is_told(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([self.command, "report", self.ledger()], stdout=full, stderr=subprocess.PIPE, text=True,
                                  timeout=tool.SECONDS_MAX)
        self.assertEqual((done.returncode, done.stderr),
                         (2, "bursar: cannot write to standard output: No space left on device\n"))

    def test_damaged_ledgers_give_a_line_or_a_report(self):
        seed = int(os.environ.get("BURSAR_TEST_SEED") or random.randrange(2**32))
        chance = random.Random(seed)
        whole = self.ledger().read_bytes()
        damaged = self.directory / "damaged"
        for number in range(60):
            data = bytearray(whole[:chance.randrange(len(whole))] if number % 3 == 0 else whole)
            for _ in range(chance.randrange(1, 6)):
                if data:
                    data[chance.randrange(min(len(data), 2048))] ^= 1 << chance.randrange(8)
            damaged.write_bytes(data)
            done = self.bursar("report", damaged)
            told = f"BURSAR_TEST_SEED={seed} number {number}: {done}"
            if done.returncode == 0:
                self.assertEqual(done.stderr, "", told)
                self.assertTrue(done.stdout.startswith("bursar: "), told)
            else:
                self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (2, "", 1), told)
                self.assertTrue(done.stderr.startswith(f"bursar: {damaged}: "), told)


if __name__ == "__main__":
    unittest.main()
