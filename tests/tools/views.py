"""What the tests of top, diff and export share: programs with tasks, ended or running."""

import os
import subprocess
import time

import tool


class ViewTest(tool.ToolTest):
    def ledger_of(self, name, *arguments, program="SHOWN_TASKS"):
        """The ledger of a program that has ended."""
        directory = self.directory / name
        done = self.bursar("run", "--ledgers", directory, "-o", os.devnull, "--", tool.product(program), *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        path, = directory.iterdir()
        return path

    def start(self, *arguments, program=None):
        """A program that runs until its standard input ends, with its ledger where all are looked for."""
        process = subprocess.Popen([program or tool.product("SHOWN_TASKS"), *arguments], stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL,
                                   env=self.environment(LD_PRELOAD=tool.product("BURSAR_LIBRARY"),
                                                        BURSAR=f"ledger={self.runtime_directory}/bursar-%p"))
        self.addCleanup(self.end, process)
        self.wait_for(lambda: self.bursar("report", process.pid).returncode == 0, "a ledger")
        return process

    @staticmethod
    def end(process):
        process.stdin.close()
        try:
            process.wait(tool.SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait_for(self, is_true, what, seconds=tool.SECONDS_MAX):
        end = time.monotonic() + seconds
        while not is_true():
            self.assertLess(time.monotonic(), end, f"waited for {what}")
            time.sleep(0.02)
