#!/usr/bin/env python3
"""`bursar run` as a guest among programs: exit status, signals, environment, where reports and ledgers go."""

import os
import pathlib
import shutil
import signal
import subprocess
import time
import unittest

import tool


class ExitStatus(tool.ToolTest):
    def test_is_the_programs(self):
        for status in (0, 1, 42, 255):
            done = self.bursar("run", "--", "sh", "-c", f"exit {status}")
            self.assertEqual(done.returncode, status)
            self.assertIn(f"  exit status {status:>17}\n", done.stderr)
            self.assert_nothing_left()

    def test_is_128_and_the_signal(self):
        for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGINT):
            done = self.bursar("run", "--", "sh", "-c", f"kill -{int(number)} $$")
            self.assertEqual(done.returncode, 128 + number)
            self.assertIn(f"  killed by signal {int(number):>12}    {number.name}\n", done.stderr)
            self.assert_nothing_left()

    def test_tells_what_could_not_be_run(self):
        script = self.directory / "script"
        script.write_text("#!/nowhere/interpreter\n")
        script.chmod(0o755)
        for word, status, fault in (("no-such-program", 127, "no such program in PATH"),
                                    ("/no/such/program", 127, "No such file or directory"),
                                    (str(script), 127, "the interpreter that it names does not exist"),
                                    (str(self.directory), 126, "Permission denied"),
                                    ("/etc/passwd", 126, "Permission denied")):
            with self.subTest(word=word):
                self.assert_fault(self.bursar("run", "--", word), status, f"cannot run '{word}': {fault}")
                self.assert_fault(self.bursar("run", "--no-stats", word), status, f"cannot run '{word}': {fault}")
        self.assert_nothing_left()

    def test_words_of_the_program_are_its_own(self):
        for words in (("run", "--", "echo", "--help", "--", "-o"), ("run", "echo", "--help", "--", "-o")):
            done = self.bursar(*words)
            self.assertEqual((done.returncode, done.stdout), (0, "--help -- -o\n"))


class Signals(tool.ToolTest):
    def start(self, script, **options):
        """A shell under `bursar run`, waited for until it has said "ready"."""
        process = subprocess.Popen([self.command, "run", "--", "sh", "-c", script], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=self.environment(), **options)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def end_of(self, process):
        _, errors = process.communicate(timeout=tool.SECONDS_MAX)
        self.assert_nothing_left()
        return process.returncode, errors

    def test_are_passed_on(self):
        # The shell's trap runs once its child, here a builtin that returns now and then, has ended.
        for name in ("TERM", "HUP", "USR1", "USR2"):
            process = self.start(f"trap 'echo got {name} >&2; exit 7' {name}; echo ready; while :; do sleep 0.05; done")
            process.send_signal(getattr(signal, "SIG" + name))
            status, errors = self.end_of(process)
            self.assertEqual(status, 7, errors)
            self.assertIn(f"got {name}\n", errors)
            self.assertIn("  exit status ", errors)

    def test_that_a_terminal_sends_to_both_are_left_to_the_program(self):
        for number in (signal.SIGINT, signal.SIGQUIT):
            process = self.start("trap 'exit 9' INT QUIT; echo ready; while :; do sleep 0.05; done", start_new_session=True)
            os.killpg(process.pid, number)
            status, errors = self.end_of(process)
            self.assertEqual(status, 9, errors)
            self.assertIn("bursar: sh -c ", errors)

    def test_reach_the_program_as_they_were(self):
        done = self.bursar("run", "--", "grep", "-E", "Sig(Blk|Ign)", "/proc/self/status")
        plain = subprocess.run(["grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"], stdout=subprocess.PIPE, text=True,
                               timeout=tool.SECONDS_MAX, check=True)
        self.assertEqual(done.stdout, plain.stdout)

    def test_kill_takes_no_count_away(self):
        report = self.run_json(tool.product("KNOWN_CALLS"), "malloc:1234:100", f"kill:{int(signal.SIGKILL)}",
                               status=128 + signal.SIGKILL)
        self.assertEqual((report["ending"], report["term_signal"], report["exit_status"]), ("killed", 9, None))
        self.assertEqual((report["allocations"], report["live_blocks"]), (1234, 1234))
        self.assertGreater(report["peak_rss_bytes"], 0)


class LastProgram(tool.ToolTest):
    """A program that executes another, which keeps no ledger."""

    def lines(self, *words):
        done = self.bursar("run", "-o", "report", "--", *words)
        return done.returncode, (self.directory / "report").read_text().splitlines()

    def assert_ended_as(self, name, *words, status=0):
        found, lines = self.lines(*words)
        self.assertEqual((found, lines[1]), (status, f"  ended as {name}: unless it renamed itself, it executed a program that left no ledger "
                                                     "and is not counted"))

    def test_without_the_environment_is_told(self):
        self.assert_ended_as("sh", "env", "-i", "sh", "-c", "exit 3", status=3)
        self.assert_ended_as("sh", "env", "-i", "sh", "-c", "kill -9 $$", status=137)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "only root may become another user")
    def test_of_a_user_who_may_not_enter_the_directory_is_told(self):
        self.assert_ended_as("env", "setpriv", "--reuid=65534", "--clear-groups", "env", "--version")

    def test_that_is_static_is_told(self):
        self.assert_ended_as("known_calls_sta", "sh", "-c", f"exec {tool.product('KNOWN_CALLS_STATIC')}")

    def test_is_told_in_json(self):
        self.assertEqual(self.run_json("env", "-i", "sh", "-c", "exit 3", status=3)["ended_as"], "sh")
        self.assertIsNone(self.run_json("sh", "-c", "exit 3", status=3)["ended_as"])

    def test_that_keeps_one_or_ends_without_exit_is_not(self):
        script = self.directory / "a script"
        script.write_text("#!/bin/sh\nkill -9 $$\n")
        script.chmod(0o755)
        for words in (("sh", "-c", "exec true"), ("sh", "-c", "kill -9 $$"), (script,), ("env", "sh", "-c", "kill -9 $$"),
                      (tool.product("KNOWN_CALLS"), "malloc:1:1", "exec", "kill:9")):
            _, lines = self.lines(*words)
            self.assertNotIn("ended as", lines[1], words)


class Environment(tool.ToolTest):
    def seen(self, *options, **changes):
        """LD_PRELOAD and BURSAR as a program sees them, and the report."""
        done = self.bursar("run", *options, "--", "sh", "-c", 'echo "$LD_PRELOAD"; echo "$BURSAR"',
                           env=self.environment(**changes))
        self.assertEqual(done.returncode, 0, done.stderr)
        return (*done.stdout.splitlines(), done.stderr)

    def test_names_the_library_and_the_ledger(self):
        preload, setting, _ = self.seen()
        self.assertEqual(preload, tool.product("BURSAR_LIBRARY"))
        self.assertRegex(setting, rf"^ledger={self.runtime_directory}/bursar-\w{{6}}/%p$")

    def test_keeps_what_the_user_set(self):
        preload, setting, _ = self.seen(LD_PRELOAD="libm.so.6", BURSAR="purge=5")
        self.assertEqual(preload, tool.product("BURSAR_LIBRARY") + ":libm.so.6")
        self.assertRegex(setting, r"^purge=5,ledger=/")

    def test_of_another_page_source(self):
        preload, _, report = self.seen("--jemalloc")
        self.assertEqual(preload, tool.product("BURSAR_JEMALLOC_LIBRARY"))
        self.assertRegex(report, r"\n  allocations +[1-9]")

    def test_names_what_tasks_are_and_their_budget(self):
        preload, setting, _ = self.seen("--tasks=thread", "--budget=64M", BURSAR="tasks=api,budget=1G")
        self.assertEqual(preload, tool.product("BURSAR_LIBRARY"))
        self.assertRegex(setting, r"^tasks=api,budget=1G,tasks=thread,budget=67108864,ledger=/")

    def test_for_turns_of_an_event_loop_loads_a_library_more(self):
        preload, setting, _ = self.seen("--tasks=loop", LD_PRELOAD="libm.so.6")
        library = pathlib.Path(tool.product("BURSAR_LIBRARY"))
        self.assertEqual(preload, f"{library.parent}/libbursar-loop.so:{library}:libm.so.6")
        self.assertRegex(setting, r"^tasks=loop,ledger=/")

    def test_the_library_for_turns_lies_beside_that_of_the_heap(self):
        library = self.directory / "libbursar.so"
        library.symlink_to(tool.product("BURSAR_LIBRARY"))
        done = self.bursar("run", "--tasks=loop", "true", env=self.environment(BURSAR_LIBRARY=library))
        self.assert_fault(done, 125, f"--tasks=loop: no libbursar-loop.so beside {library}: install it there")

    def test_without_stats_has_no_ledger_and_no_report(self):
        preload, setting, report = self.seen("--no-stats")
        self.assertEqual((preload, setting, report), (tool.product("BURSAR_LIBRARY"), "", ""))
        self.assert_nothing_left()

    def test_the_rest_is_as_it_was(self):
        before = self.environment(OTHER="a=b\nc")
        done = self.bursar("run", "--no-stats", "env", "-0", env=before)
        after = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
        self.assertEqual(after.pop("LD_PRELOAD"), tool.product("BURSAR_LIBRARY"))
        self.assertEqual(after, before)

    def test_a_directory_that_cannot_be_used_is_passed_over(self):
        with_comma = self.directory / "a,b"
        with_comma.mkdir()
        for directory in (with_comma, self.directory / "missing", "relative"):
            _, setting, report = self.seen(XDG_RUNTIME_DIR=directory)
            self.assertRegex(setting, r"^ledger=/(dev/shm|tmp)/bursar-\w{6}/%p$")
            self.assertRegex(report, r"\n  allocations +[1-9]")
            self.assertFalse(pathlib.Path(setting[len("ledger="):]).parent.exists())

    def test_a_percent_sign_in_the_directory_stands_for_itself(self):
        directory = self.directory / "100%p"
        directory.mkdir()
        _, _, report = self.seen(XDG_RUNTIME_DIR=directory)
        self.assertRegex(report, r"\n  allocations +[1-9]")
        self.assertEqual(list(directory.iterdir()), [])

    def test_a_library_that_cannot_be_preloaded_is_told(self):
        spaced = self.directory / "with space.so"
        spaced.symlink_to(tool.product("BURSAR_LIBRARY"))
        missing = self.directory / "missing.so"
        done = self.bursar("run", "true", env=self.environment(BURSAR_LIBRARY=spaced))
        self.assert_fault(done, 125, f"{spaced}: LD_PRELOAD cannot name a path with a space or a colon: "
                                     "make a link to it elsewhere and name that in BURSAR_LIBRARY")
        done = self.bursar("run", "true", env=self.environment(BURSAR_LIBRARY=missing))
        self.assert_fault(done, 125, f"{missing}: no such library; BURSAR_LIBRARY names it")

    def test_the_library_is_found_beside_the_command_and_in_lib(self):
        library, command = tool.product("BURSAR_LIBRARY"), pathlib.Path(self.command).read_bytes()
        for home, place in (("build", "build/libbursar.so"), ("a/bin", "a/lib/libbursar.so"),
                            ("b/bin", "b/lib/x86_64-linux-gnu/libbursar.so")):
            with self.subTest(place=place):
                copy = self.directory / home / "bursar"
                copy.parent.mkdir(parents=True)
                copy.write_bytes(command)
                copy.chmod(0o755)
                environment = self.environment()
                del environment["BURSAR_LIBRARY"]
                run = [copy, "run", "--no-stats", "printenv", "LD_PRELOAD"]
                done = subprocess.run(run, env=environment, stderr=subprocess.PIPE, text=True, timeout=tool.SECONDS_MAX)
                self.assertEqual((done.returncode, done.stderr), (125, "bursar: libbursar.so is neither beside this "
                                 "command nor in ../lib: name it in BURSAR_LIBRARY\n"))
                (self.directory / place).parent.mkdir(parents=True, exist_ok=True)
                (self.directory / place).symlink_to(library)
                done = subprocess.run(run, env=environment, stdout=subprocess.PIPE, text=True, timeout=tool.SECONDS_MAX)
                self.assertEqual(done.stdout, f"{self.directory / place}\n")


class Streams(tool.ToolTest):
    def test_are_the_programs(self):
        done = subprocess.run([self.command, "run", "-o", "report", "--", "cat"], input="in and out", text=True,
                              stdout=subprocess.PIPE, env=self.environment(), cwd=self.directory, timeout=tool.SECONDS_MAX)
        self.assertEqual((done.returncode, done.stdout), (0, "in and out"))

    def test_that_are_closed_stay_closed_and_hurt_nothing(self):
        script = '"$0" run -o report -- sh -c "ls -l /proc/self/fd > list; exit 3" <&- >&- 2>&-'
        done = subprocess.run(["sh", "-c", script, self.command], env=self.environment(), cwd=self.directory,
                              timeout=tool.SECONDS_MAX)
        self.assertEqual(done.returncode, 3)
        self.assertTrue((self.directory / "report").read_text().startswith("bursar: sh -c "))
        self.assertNotIn("/dev/null", (self.directory / "list").read_text())
        self.assertNotIn("report", (self.directory / "list").read_text())

    def test_a_reader_that_is_gone_does_not_change_the_status(self):
        script = '{ "$0" run sh -c "exit 6"; echo $? > status; } 2>&1 | :'
        subprocess.run(["bash", "-c", script, self.command], env=self.environment(), cwd=self.directory,
                       timeout=tool.SECONDS_MAX, check=True)
        self.assertEqual((self.directory / "status").read_text(), "6\n")
        self.assert_nothing_left()


class Places(tool.ToolTest):
    def test_an_output_that_cannot_be_written_is_told_before_the_program_runs(self):
        done = self.bursar("run", "-o", "/no/such/file", "--", "touch", "made")
        self.assert_fault(done, 125, "/no/such/file: cannot be written: No such file or directory")
        self.assertFalse((self.directory / "made").exists())

    def test_a_full_disk_is_told_and_the_status_stays(self):
        done = self.bursar("run", "-o", "/dev/full", "--", "sh", "-c", "exit 5")
        self.assert_fault(done, 5, "/dev/full: the report could not be written: No space left on device")

    def test_the_report_goes_to_the_file_alone(self):
        done = self.bursar("run", "-o", "report", "--", "echo", "said")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "said\n", ""))
        self.assertTrue((self.directory / "report").read_text().startswith("bursar: echo said (process "))

    def test_ledgers_are_kept_where_the_user_says(self):
        kept = self.directory / "new" / "kept"
        done = self.bursar("run", "--ledgers", "new/kept", "-o", "/dev/null", "--", "sh", "-c", "ls /; ls /; exit 0")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(list(kept.iterdir())), 3)
        again = self.bursar("run", "--ledgers", kept, "--", "true")
        self.assert_fault(again, 125, f"{kept}: is not empty; the ledgers of a run need a directory of their own")

    def test_a_background_process_that_outlives_the_program_is_not_waited_for(self):
        begin = time.monotonic()
        done = self.bursar("run", "-o", "report", "--", "sh", "-c", "sleep 40 >/dev/null 2>&1 & echo $!")
        os.kill(int(done.stdout), signal.SIGKILL)
        self.assertLess(time.monotonic() - begin, 39)
        self.assertEqual(done.returncode, 0)
        self.assert_nothing_left()

    def test_processes_that_outlive_the_run_say_nothing_of_their_ledgers(self):
        said, ended = self.directory / "said", self.directory / "ended"
        script = f"(while [ -e {self.runtime_directory}/bursar-* ]; do sleep 0.05; done; ls / | cat; touch {ended}) >/dev/null 2>{said} &"
        done = self.bursar("run", "-o", "report", "--", "sh", "-c", script)
        self.assertEqual(done.returncode, 0, done.stderr)
        deadline = time.monotonic() + tool.SECONDS_MAX
        while not ended.exists():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        self.assertEqual(said.read_text(), "")

    def test_a_nested_run_has_its_own_report(self):
        inner = self.directory / "inner"
        done = self.bursar("run", "--", self.command, "run", "-o", inner, "--", "sh", "-c", "exit 4")
        self.assertEqual(done.returncode, 4)
        self.assertTrue(inner.read_text().startswith("bursar: sh -c 'exit 4' (process "))
        self.assertIn("  exit status ", done.stderr)
        self.assert_nothing_left()

    def test_arguments_are_told_as_typed_and_cut_to_a_line(self):
        done = self.bursar("run", "--", "true", "it's", "", "a b", "x" * 500)
        line = done.stderr.splitlines()[0]
        self.assertTrue(line.startswith("bursar: true 'it'\\''s' '' 'a b' xxx"), line)
        self.assertRegex(line, r"x\.\.\. \(process \d+\)$")
        self.assertLessEqual(len(line), 120)
        report = self.run_json("true", "\udcff", "x" * 500)
        self.assertEqual(report["arguments"], "true '\ufffd' " + "x" * 500)


if __name__ == "__main__":
    unittest.main()
