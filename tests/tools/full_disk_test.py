#!/usr/bin/env python3
"""Where the ledger's file system is full, or the ledger cannot be had, the program does as it would without one, and one line says so."""

import json
import os
import pathlib
import shutil
import subprocess
import unittest

import tool

NO_ROOM_FOR_MORE = "bursar: no room for more of the ledger; further threads and tasks are counted together\n"
IN_MEMORY = "; counting in memory only\n"
WORK_BLOCKS = 1000


def can_mount():
    try:
        done = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, timeout=10)
    except OSError:
        return False
    return done.returncode == 0


FILL = "head -c 100M /dev/zero 2>/dev/null > full/filler || true"


def with_a_file_system(make):
    """A script that makes a file system, which is gone with its last process, runs the guest, and copies what it left."""
    return f'set -e; mkdir -p full kept; {make}; set +e; "$@"; status=$?; cp full/ledger* kept 2>/dev/null; exit $status'


@unittest.skipUnless(can_mount(), "only root may mount, and not everywhere")
class Full(tool.ToolTest):
    mount = "mount -t tmpfs -o size=4m none full"

    def run_within(self, script, *words):
        done = subprocess.run(["unshare", "-m", "sh", "-c", with_a_file_system(script), "sh", *map(str, words)],
                              env=self.environment(XDG_RUNTIME_DIR=self.directory / "full"), capture_output=True, text=True,
                              timeout=tool.SECONDS_MAX, cwd=self.directory)
        self.assertEqual((done.returncode, done.stdout), (7, "done\n"), done.stderr)
        return done.stderr

    def run_guest(self, *words, is_full=False):
        guest = ["env", f"LD_PRELOAD={tool.product('BURSAR_LIBRARY')}", f"BURSAR=ledger={self.directory}/full/ledger",
                 tool.product("FILLING")]
        return self.run_within(f"{self.mount}; {FILL}" if is_full else self.mount, *guest, *words)

    def reports(self):
        reports = []
        for path in sorted((self.directory / "kept").iterdir()):
            done = self.bursar("report", "--json", path)
            self.assertEqual((done.returncode, done.stderr), (0, ""), path)
            reports.append(json.loads(done.stdout))
        return reports

    def kinds(self, report):
        return {row["kind"]: row for row in report["task_kinds"]}

    def assert_consistent(self, report):
        for figure in ("allocations", "frees", "allocated_bytes", "live_bytes"):
            self.assertEqual(sum(row[figure] for row in report["task_kinds"]), report[figure], figure)
        self.assertGreaterEqual(self.kinds(report)["work"]["allocations"], WORK_BLOCKS)

    def run_and_fill(self, what, count):
        errors = self.run_guest(what, count, "full/filler")
        self.assertEqual(errors, NO_ROOM_FOR_MORE)
        report, = self.reports()
        self.assert_consistent(report)
        self.assertEqual((report["ending"], report["had_no_room"]), ("at_exit", True))
        text = self.bursar("report", self.directory / "kept" / "ledger").stdout
        self.assertIn("\n  there was no room for more of the ledger: some threads, kinds or tasks are counted together\n", text)
        return report

    def test_at_the_start(self):
        errors = self.run_guest("kinds", 10, is_full=True)
        self.assertEqual(errors, f"bursar: ledger {self.directory}/full/ledger: no room for it on the disk" + IN_MEMORY)
        ledger = self.directory / "kept" / "ledger"
        self.assert_fault(self.bursar("report", ledger), 2,
                          f"{ledger}: is empty: its process had no room for it there, or ended before it had begun")

    def test_where_its_first_page_alone_has_room(self):
        if self.mount != Full.mount:
            self.skipTest("a file system of so few pages is in memory")
        for kib in (16, 20, 24, 28, 32):
            with self.subTest(kib=kib):
                words = ["env", f"LD_PRELOAD={tool.product('BURSAR_LIBRARY')}",
                         f"BURSAR=stats,out=/dev/null,ledger={self.directory}/full/ledger", tool.product("FILLING"), "exits", 1]
                lines = self.run_within(f"mount -t tmpfs -o size={kib}k none full", *words).splitlines(keepends=True)
                in_memory = [line for line in lines if line.endswith(": no room for it on the disk" + IN_MEMORY)]
                self.assertEqual(len(lines), 2, "one of the program, one of its child")
                self.assertEqual(lines[1], in_memory[-1])
                self.assertIn(lines[0], (NO_ROOM_FOR_MORE, in_memory[0]))

    def test_with_room_enough_nothing_is_said(self):
        self.assertEqual(self.run_guest("kinds", 10), "")
        report, = self.reports()
        self.assertFalse(report["had_no_room"])

    def test_while_threads_come(self):
        report = self.run_and_fill("threads", 60)
        self.assertEqual(report["threads"], 61)
        self.assertGreaterEqual(report["allocations"], WORK_BLOCKS + 60 * 10)

    def test_while_kinds_come(self):
        report = self.run_and_fill("kinds", 100)
        self.assertLess(len(report["task_kinds"]), 100)
        self.assertGreaterEqual(report["allocations"], WORK_BLOCKS + 100)

    def test_while_tasks_come(self):
        report = self.run_and_fill("tasks", 2000)
        row = self.kinds(report)["work"]
        self.assertEqual((row["tasks_begun"], row["allocations"], row["live_blocks"]), (2001, WORK_BLOCKS + 2000, WORK_BLOCKS + 2000))
        self.assertGreater(row["tasks_without_record"], 0)
        self.assertEqual(row["tasks_ended"], 2001 - row["tasks_without_record"])

    def test_while_children_come(self):
        lines = self.run_guest("children", 3, "full/filler").splitlines(keepends=True)
        self.assertEqual(len(lines), 3, lines)
        for line in lines:
            self.assertTrue(line.endswith(": no room for it on the disk" + IN_MEMORY), line)
        # Those of the children are empty.
        done = self.bursar("report", "--json", self.directory / "kept" / "ledger")
        self.assert_consistent(json.loads(done.stdout))

    def test_where_a_run_keeps_its_ledgers(self):
        errors = self.run_within(f"{self.mount}; mkdir -p full/run; {FILL}", "env", f"XDG_RUNTIME_DIR={self.directory}/full/run",
                                 self.command, "run", "--", tool.product("FILLING"), "kinds", 2)
        self.assertIn(": no room for it on the disk" + IN_MEMORY, errors)
        self.assertIn("  exit status                 7\n", errors)
        self.assertIn("or had no room for its ledger\n", errors)


@unittest.skipUnless(shutil.which("mkfs.ext4"), "mkfs.ext4 is in e2fsprogs")
class FullDisk(Full):
    """The same where a file's pages are written to a disk. Without a journal, which would take most of it."""

    mount = "truncate -s 16m disk; mkfs.ext4 -q -m 0 -O ^has_journal disk; mount -o loop disk full"

    def setUp(self):
        super().setUp()
        probe = subprocess.run(["unshare", "-m", "sh", "-c", with_a_file_system(self.mount), "sh", "true"], cwd=self.directory,
                               capture_output=True, timeout=tool.SECONDS_MAX)
        if probe.returncode != 0:
            self.skipTest("a file cannot be mounted here")


class Path(tool.ToolTest):
    def setUp(self):
        super().setUp()
        self.directory.chmod(0o711)
        self.path = self.directory / "ledger"

    def run_guest(self, path, user=None):
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        guest = ["env", f"LD_PRELOAD={tool.product('BURSAR_LIBRARY')}", f"BURSAR=ledger={path}", tool.product("FILLING")]
        done = subprocess.run([*as_user, *guest, "kinds", "3"], env=self.environment(), capture_output=True, text=True,
                              timeout=tool.SECONDS_MAX, cwd=self.directory)
        self.assertEqual((done.returncode, done.stdout), (7, "done\n"), done.stderr)
        return done.stderr

    def assert_cannot_be_created(self, path, **options):
        self.assertEqual(self.run_guest(path, **options), f"bursar: ledger {path}: cannot be created" + IN_MEMORY)

    def test_in_no_directory(self):
        self.assert_cannot_be_created("/no/such/directory/ledger")

    def test_a_directory_another_may_write_to(self):
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("only root may become another user")
        self.assert_cannot_be_created(self.path, user=65534)

    def test_what_is_there_stays_as_it_is(self):
        target = self.directory / "target"
        for name, make in (("file", lambda: self.path.write_text("precious")), ("link", lambda: self.path.symlink_to(target)),
                           ("directory", self.path.mkdir), ("pipe", lambda: os.mkfifo(self.path))):
            with self.subTest(name=name):
                make()
                before = self.path.lstat()
                self.assertEqual(self.run_guest(self.path), "")
                self.assertEqual(self.path.lstat(), before)
                self.assertFalse(target.exists())
                # The process's own has a number.
                done = self.bursar("report", "--json", self.directory / "ledger.1")
                self.assertEqual(json.loads(done.stdout)["ending"], "at_exit")
                self.path.rmdir() if name == "directory" else self.path.unlink()
                (self.directory / "ledger.1").unlink()

    def test_only_its_user_may_read_it(self):
        self.assertEqual(self.run_guest(self.path), "")
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            return
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", self.command, "report", self.path],
                              env=self.environment(), capture_output=True, text=True, timeout=tool.SECONDS_MAX, cwd="/")
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (2, "", f"bursar: {self.path}: cannot be opened: Permission denied\n"))


if __name__ == "__main__":
    unittest.main()
