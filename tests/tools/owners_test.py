#!/usr/bin/env python3
"""Whose word is taken for a process: a file with a ledger's name that another user wrote tells of that user's processes alone."""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import time
import unittest

import full_disk_test
import serving
import tool

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "only root may be another user")
class Owners(serving.ServingTest):
    def setUp(self):
        super().setUp()
        # Everybody's, as /dev/shm and /tmp are.
        self.directory.chmod(0o711)
        self.runtime_directory.chmod(0o1777)
        self.program = tool.product("SHOWN_TASKS")

    def guest_of(self, *as_user):
        """A process that runs until it is killed, when it has its ledger."""
        variables = [f"LD_PRELOAD={tool.product('BURSAR_LIBRARY')}", f"BURSAR=ledger={self.runtime_directory}/bursar-%p"]
        process = self.start(*as_user, "env", *variables, self.program, "wait", stdin=subprocess.PIPE)
        self.wait_for("a ledger", lambda: self.program in self.bursar("report", "--json", process.pid).stdout)
        return process

    def forge(self, process, name):
        """A copy of its ledger that tells of a program `forged`, and belongs to nobody."""
        path = self.runtime_directory / name
        ledger = (self.runtime_directory / f"bursar-{process.pid}").read_bytes()
        program = self.program.encode()
        self.assertIn(program, ledger)
        path.write_bytes(ledger.replace(program, b"/bin/forged".ljust(len(program), b"\0"), 1))
        path.chmod(0o644)
        os.chown(path, NOBODY, NOBODY)
        return path

    def test_a_forged_ledger_does_not_stand_for_a_process_of_root(self):
        process = self.guest_of()
        self.forge(process, f"bursar-{process.pid}.1")
        done = self.bursar("report", "--json", process.pid)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["program"], self.program)

    def test_a_forged_ledger_alone_is_none(self):
        process = self.guest_of()
        self.forge(process, f"bursar-{process.pid}.1")
        (self.runtime_directory / f"bursar-{process.pid}").unlink()
        done = self.bursar("report", process.pid)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertRegex(done.stderr, rf"^bursar: process {process.pid} has no ledger in .* \(\d+ belongs? to others and cannot be read\): ")

    def test_top_does_not_show_it(self):
        process = self.guest_of()
        self.forge(process, f"bursar-{process.pid}.1")
        for directory in ((), (self.runtime_directory,)):
            lines = self.bursar("top", "--once", "--interval", "0.1", *directory).stdout.splitlines()
            self.assertNotIn("forged", "\n".join(lines))
            self.assertIn("others cannot be read)", lines[0])
            self.assertEqual([line.split()[1] for line in lines if line.split()[:1] == [str(process.pid)]], ["shown_tasks"])

    def programs_served(self, answer):
        return [ledger["program"] for ledger in answer["ledgers"]]

    def test_serve_does_not_show_it(self):
        process = self.guest_of()
        self.forge(process, f"bursar-{process.pid}.1")
        answer = self.serve("--ledgers", self.runtime_directory).json("/api/ledgers")
        self.assertEqual((self.programs_served(answer), answer["of_others"]), ([self.program], 1))

    def test_a_ledger_that_is_named_for_its_writer_and_tells_of_another_is_a_fault(self):
        process = self.guest_of()
        idle = self.start(*AS_NOBODY, "sleep", "1000")
        self.wait_for("setpriv to have changed its user",
                      lambda: f"Uid:\t{NOBODY}\t{NOBODY}" in pathlib.Path(f"/proc/{idle.pid}/status").read_text(encoding="ascii"))
        path = self.forge(process, f"bursar-{idle.pid}")
        answer = self.serve("--ledgers", self.runtime_directory).json("/api/ledgers")
        self.assertEqual(self.programs_served(answer), [self.program])
        self.assertEqual(answer["unreadable"], [{
            "path": str(path), "fault": f"{path}: is not believed: it belongs to user {NOBODY}, and tells of process {process.pid}, "
                                        "which is another's"}])

    def test_a_process_of_another_user_is_believed_of_itself_while_it_is_there(self):
        process = self.guest_of(*AS_NOBODY)
        process.kill()
        process.wait(timeout=tool.SECONDS_MAX)
        done = self.bursar("report", process.pid)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("has no ledger in", done.stderr)

    def test_what_is_left_is_believed_where_nobody_else_could_write(self):
        if not full_disk_test.can_mount():
            self.skipTest("only root may mount, and not everywhere")
        process = self.guest_of(*AS_NOBODY)
        process.kill()
        process.wait(timeout=tool.SECONDS_MAX)
        home = f"/run/user/{NOBODY}"
        for mode, status in (("700", 0), ("777", 2)):
            script = (f"mount -t tmpfs -o mode=755 none /run && mkdir -p {home} && chown {NOBODY} {home} && chmod {mode} {home} && "
                      f'cp -a {self.runtime_directory}/* {home} && exec "$@"')
            done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", self.command, "report", str(process.pid)],
                                  env=self.environment(XDG_RUNTIME_DIR="/nowhere"), capture_output=True, text=True,
                                  timeout=tool.SECONDS_MAX)
            self.assertEqual(done.returncode, status, done.stderr)

    def test_another_user_hears_that_there_may_be_a_ledger(self):
        old = self.guest_of()
        time.sleep(0.5)  # more than the ages of processes are known by
        young = self.guest_of()
        old_ledger = (self.runtime_directory / f"bursar-{old.pid}").read_bytes()
        ids = [struct.pack("<II", process.pid, os.getpid()) for process in (old, young)]
        left = self.runtime_directory / f"bursar-{young.pid}.1"
        left.write_bytes(old_ledger.replace(ids[0], ids[1], 1))
        left.chmod(0o644)
        done = subprocess.run([*AS_NOBODY, self.command, "report", str(young.pid)], env=self.environment(), capture_output=True, text=True,
                              timeout=tool.SECONDS_MAX, cwd="/")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr, rf"^bursar: process {young.pid} keeps no ledger now that can be read "
                                      rf"\(\d+ belongs? to others and cannot be read\); an earlier program or process of this id left {left}: name it\n$")


if __name__ == "__main__":
    unittest.main()
