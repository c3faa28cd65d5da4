#!/usr/bin/env python3
"""The launcher: what it says of a program, and that it changes only the program."""

import json
import os
import signal
import subprocess
import time
import unittest

from bench_case import BUILD, LAUNCHER, BenchCase

from launcher import RunFailed, launch, start

LIBRARY = str(BUILD / "libbursar.so")
KEYS = {"wall_s", "user_s", "system_s", "page_faults", "peak_rss_kib", "status"}
TOUCHED_KIB = 64 * 1024
PYTHON_KIB_MAX = 32 * 1024


def measured(*arguments):
    return subprocess.run([LAUNCHER, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)


class Measure(BenchCase):
    def output_of(self, *arguments):
        path = self.directory / "stdout"
        done = measured("--stdout", str(path), *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return path.read_text()

    def test_one_line_of_json(self):
        done = measured("--", "/bin/true")
        self.assertEqual(len(done.stdout.splitlines()), 1)
        usage = json.loads(done.stdout)
        self.assertEqual(set(usage), KEYS)
        self.assertEqual(usage["status"], 0)
        self.assertGreater(usage["page_faults"], 0)

    def test_status_is_the_exit_status_or_minus_the_signal(self):
        self.assertEqual(json.loads(measured("--", "/bin/sh", "-c", "exit 7").stdout)["status"], 7)
        self.assertEqual(json.loads(measured("--", "/bin/sh", "-c", "kill -SEGV $$").stdout)["status"], -signal.SIGSEGV)

    def test_a_program_that_is_not_there(self):
        done = measured("--", "/no/such/program")
        self.assertEqual(json.loads(done.stdout)["status"], 127)
        self.assertIn("/no/such/program: No such file or directory", done.stderr)

    def test_preload_and_environment_are_the_programs_alone(self):
        script = 'echo "$LD_PRELOAD $A $B"; tr "\\0" "\\n" < /proc/$PPID/environ'
        said = self.output_of("-e", "A=1", "--preload", LIBRARY, "-e", "B=x=y", "--", "/bin/sh", "-c", script)
        self.assertEqual(said.splitlines()[0], f"{LIBRARY} 1 x=y")
        for line in said.splitlines()[1:]:
            self.assertFalse(line.startswith(("LD_PRELOAD=", "A=", "B=")), line)

    def test_the_preload_takes_the_place_of_the_callers(self):
        said = self.output_of("-e", "LD_PRELOAD=", "--preload", LIBRARY, "--", "/bin/sh", "-c", "echo $LD_PRELOAD")
        self.assertEqual(said.strip(), LIBRARY)

    def test_touched_memory_is_in_the_peak(self):
        usage = json.loads(measured("--", "/usr/bin/python3", "-c", f"block = b'x' * ({TOUCHED_KIB} << 10)").stdout)
        self.assertGreater(usage["peak_rss_kib"], TOUCHED_KIB)
        self.assertLess(usage["peak_rss_kib"], TOUCHED_KIB + PYTHON_KIB_MAX)

    def test_a_callers_size_is_not_in_the_peak(self):
        ballast = b"x" * (TOUCHED_KIB << 10)
        usage = json.loads(measured("--", "/bin/true").stdout)
        self.assertLess(usage["peak_rss_kib"], TOUCHED_KIB // 4)
        self.assertEqual(len(ballast), TOUCHED_KIB << 10)

    def test_processor_time_is_that_of_the_descendants_too(self):
        busy = "/usr/bin/python3 -c 'import time\nwhile time.process_time() < 0.2: pass'"
        usage = json.loads(measured("--", "/bin/sh", "-c", f"{busy}; true").stdout)
        self.assertGreaterEqual(usage["user_s"] + usage["system_s"], 0.15)

    def test_sigterm_is_handed_on(self):
        script = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done"
        launched = start(self.context, ["/bin/sh", "-c", script], None)
        self.addCleanup(launched.kill)
        while b"ready" not in launched.stdout_path.read_bytes():
            time.sleep(0.01)
        launched.terminate()
        self.assertGreater(launched.wait().wall_s, 0)

    def test_wrong_arguments_show_the_usage(self):
        for arguments in ([], ["--"], ["/bin/true"], ["-e", "A", "--", "/bin/true"], ["--preload"]):
            done = measured(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertTrue(done.stderr.startswith("usage: measure"), done.stderr)


class Launch(BenchCase):
    def test_metrics_come_from_standard_output(self):
        said = "echo metric left 12.5 MiB; echo metric of nothing; echo other"
        self.assertEqual(launch(self.context, ["/bin/sh", "-c", said], None).metrics, {"left": 12.5})

    def test_a_failure_tells_status_and_standard_error(self):
        with self.assertRaisesRegex(RunFailed, "exit status 3 it is wrong"):
            launch(self.context, ["/bin/sh", "-c", "echo it is wrong >&2; exit 3"], None)
        with self.assertRaisesRegex(RunFailed, "SIGABRT"):
            launch(self.context, ["/bin/sh", "-c", "kill -ABRT $$"], None)

    def test_what_does_not_end_is_ended_with_all_it_started(self):
        left = self.directory / "pid"
        with self.assertRaisesRegex(RunFailed, "still running after 0.3 s"):
            launch(self.context, ["/bin/sh", "-c", f"sleep 50 & echo $! > {left}; wait"], None, timeout_s=0.3)
        self.assertTrue(ended(int(left.read_text())))

    def test_the_callers_environment_stays_outside(self):
        os.environ["BURSAR"] = "stats"
        self.addCleanup(os.environ.pop, "BURSAR")
        path = self.directory / "environment"
        launch(self.context, ["/usr/bin/env"], None, {"A": "1"}, stdout=path)
        self.assertNotIn("BURSAR", path.read_text())
        self.assertIn("A=1\n", path.read_text())


def ended(process):
    """Within a while; one that nobody has waited for yet has ended too."""
    for _ in range(500):
        try:
            with open(f"/proc/{process}/stat", encoding="ascii") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] in "ZX":
                    return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.01)
    return False


if __name__ == "__main__":
    unittest.main()
