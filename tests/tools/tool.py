"""What the tests of the command share: running it in a directory of their own, bounded in time."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

SECONDS_MAX = 60


def product(variable):
    path = os.environ.get(variable)
    if not path or not os.path.isfile(path):
        raise AssertionError(f"{variable}={path!r} names no file; run this by `./dev test`")
    return path


def end_all_of(process):
    """Ends a process that leads a session of its own, with all that it started: the command cannot pass SIGKILL on."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


class ToolTest(unittest.TestCase):
    """Each test has an empty directory; its ledgers lie below it, so that what is left over is seen."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)
        self.runtime_directory = self.directory / "runtime"
        self.runtime_directory.mkdir(mode=0o700)
        self.command = product("BURSAR_COMMAND")

    def environment(self, **changes):
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("BURSAR", "LD_PRELOAD", "BURSAR_TEST_OPTIONS")}
        environment["XDG_RUNTIME_DIR"] = str(self.runtime_directory)
        # Nothing of the program's language makes its messages other than those the tests know.
        environment["LC_ALL"] = "C"
        environment.update({name: str(value) for name, value in changes.items()})
        return environment

    def bursar(self, *words, env=None, **options):
        options.setdefault("timeout", SECONDS_MAX)
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([self.command, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, errors="surrogateescape", env=env or self.environment(), cwd=self.directory,
                              **options)

    def run_json(self, *words, status=0, env=None):
        """The report, as JSON, of a run that ends with this status."""
        out = self.directory / "report.json"
        done = self.bursar("run", "--stats=json", "-o", out, "--", *words, env=env)
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(out.read_text())

    def assert_fault(self, done, status, line):
        """One line on standard error, nothing on standard output."""
        self.assertEqual((done.returncode, done.stdout, done.stderr), (status, "", f"bursar: {line}\n"))

    def assert_nothing_left(self):
        self.assertEqual(sorted(path.name for path in self.runtime_directory.iterdir()), [])
