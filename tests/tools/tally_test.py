#!/usr/bin/env python3
"""The account of a program that knows what it did, with threads that free one another's blocks: its very numbers."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

import tool

KINDS = ("alpha", "beta", "gamma")
THREADS = 3
OPERATIONS = 20_000
FLUSH_BYTES = 16 * 1024


def flow_of(row):
    return [row["allocations"], row["frees"], row["allocated_bytes"], row["freed_bytes"]]


def sums_of(rows):
    return [sum(values) for values in zip(*map(flow_of, rows))]


def classes_of(report):
    return {row["block_bytes"]: (row["allocations"], row["requested_bytes"], row["frees"]) for row in report["size_classes"]}


class Tally(tool.ToolTest):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("BURSAR_TEST_SEED") or random.randrange(1 << 30))
        self.program = tool.product("TALLY")
        self.hint = f"BURSAR_TEST_SEED={self.seed}"

    def run_tally(self, threads, operations, *words):
        """What the account says, and what the program says itself."""
        out = self.directory / "report.json"
        done = self.bursar("run", "--stats=json", "-o", out, "--", self.program, threads, operations, self.seed, *words)
        self.assertEqual(done.returncode, 0, f"{self.hint}: {done.stderr}")
        return json.loads(out.read_text()), json.loads(done.stdout)

    def run_beside_idle(self, threads, *words):
        """The same, and what libc allocates for its threads and streams when nothing else is done."""
        idle, _ = self.run_tally(threads, 0, *words)
        return *self.run_tally(threads, OPERATIONS, *words), idle

    def assert_totals(self, report, tally, idle):
        self.assertEqual({name: count - idle["calls"][name] for name, count in report["calls"].items()}, tally["calls"], self.hint)
        self.assertEqual([now - before for now, before in zip(flow_of(report), flow_of(idle))], tally["workers"], self.hint)
        self.assertEqual(report["live_bytes"], report["allocated_bytes"] - report["freed_bytes"])
        self.assertEqual(sums_of(report["task_kinds"]), flow_of(report), self.hint)
        self.assertEqual(sums_of(report["thread_kinds"]), flow_of(report), self.hint)

    def assert_kinds(self, report, tally):
        kinds = {row["kind"]: row for row in report["task_kinds"]}
        for number, name in enumerate(KINDS):
            self.assertEqual(flow_of(kinds[name]), tally[name], f"{name}, {self.hint}")
            self.assertEqual((kinds[name]["tasks_begun"], kinds[name]["tasks_ended"]), (tally["tasks"][number],) * 2)


class ExactCounts(Tally):
    def test_one_thread(self):
        report, tally, idle = self.run_beside_idle(1)
        self.assert_totals(report, tally, idle)
        self.assert_kinds(report, tally)

    def test_threads_that_free_one_anothers_blocks(self):
        report, tally, idle = self.run_beside_idle(THREADS)
        self.assert_totals(report, tally, idle)
        self.assert_kinds(report, tally)

    def test_tasks_with_arenas(self):
        report, tally, idle = self.run_beside_idle(THREADS, "arenas")
        self.assert_totals(report, tally, idle)
        self.assert_kinds(report, tally)

    def test_size_classes(self):
        report, tally, idle = self.run_beside_idle(THREADS)
        before = classes_of(idle)
        found = {size: tuple(now - was for now, was in zip(row, before.get(size, (0, 0, 0))))
                 for size, row in classes_of(report).items()}
        self.assertEqual({size: row for size, row in found.items() if any(row)},
                         {int(size): tuple(row) for size, row in tally["classes"].items()}, self.hint)

    def test_threads_have_what_they_did_under_their_name(self):
        report, tally = self.run_tally(THREADS, OPERATIONS)
        threads = {row["name"]: row for row in report["thread_kinds"]}
        self.assertEqual(threads["worker-*"]["threads"], THREADS)
        self.assertEqual(flow_of(threads["worker-*"]), tally["workers"], self.hint)


class Killed(Tally):
    def test_the_ledger_is_whole_up_to_the_last_call_of_each_thread(self):
        for round_number in range(5):
            path = self.directory / f"ledger{round_number}"
            environment = self.environment(LD_PRELOAD=tool.product("BURSAR_LIBRARY"), BURSAR=f"ledger={path}")
            with subprocess.Popen([self.program, str(THREADS), "1000000000", str(self.seed)], env=environment) as process:
                time.sleep(random.Random(self.seed + round_number).uniform(0.05, 0.3))
                process.send_signal(signal.SIGKILL)
            done = self.bursar("report", "--json", path)
            self.assertEqual(done.returncode, 0, done.stderr)
            report = json.loads(done.stdout)
            self.assertGreater(report["allocations"], 0)
            for column in (0, 2):
                of_classes = sum(row[column] for row in classes_of(report).values())
                self.assertLessEqual(abs(of_classes - flow_of(report)[column // 2]), THREADS, self.hint)


class Peaks(Tally):
    def test_of_many_threads_lags_less_than_a_flush_for_each(self):
        program = tool.product("KNOWN_CALLS")
        for threads in (2, 7):
            out = self.directory / "report.json"
            done = self.bursar("run", "--stats=json", "-o", out, program, f"together:{threads}:1000")
            self.assertEqual(done.returncode, 0, done.stderr)
            report = json.loads(out.read_text())
            held = threads * 999 * 1008  # as many blocks of 1,000 bytes, at the same time
            error = report["peak_live_bytes"] - held
            # libc has a block or two for each thread.
            self.assertLess(abs(error), threads * (FLUSH_BYTES + 2048), threads)


class Handlers(Tally):
    def test_what_signal_handlers_allocate_is_counted(self):
        out = self.directory / "report.json"
        done = self.bursar("run", "--stats=json", "-o", out, tool.product("KNOWN_CALLS"), "handlers:2000000:40")
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(out.read_text())
        in_handlers = int(done.stdout)
        self.assertGreater(in_handlers, 0)
        self.assertEqual((report["allocations"], report["frees"]), (2_000_000 + in_handlers,) * 2)
        self.assertEqual(sums_of(report["task_kinds"]), flow_of(report))


class NoRoom(Tally):
    """A file system that is full while the program runs."""

    def run_on_small_disk(self, kib, *words):
        disk = self.directory / "disk"
        disk.mkdir()
        script = f'mount -t tmpfs -o size={kib}k none {disk} && BURSAR=stats=json,out={self.directory}/report,ledger={disk}/ledger ' \
                 f'LD_PRELOAD={tool.product("BURSAR_LIBRARY")} exec "$@"'
        if shutil.which("unshare") is None:
            self.skipTest("no unshare")
        done = subprocess.run(["unshare", "-rm", "sh", "-c", script, "sh", *map(str, words)], env=self.environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=tool.SECONDS_MAX)
        if "unshare" in done.stderr or "mount" in done.stderr:
            self.skipTest(f"no file system of its own: {done.stderr}")
        return done

    def test_for_the_beginning_counts_in_memory(self):
        done = self.run_on_small_disk(8, self.program, 1, 100, self.seed)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"^bursar: ledger \S+: no room for it on the disk; counting in memory only\n$")
        self.assertEqual(json.loads((self.directory / "report").read_text())["task_kinds"][0]["tasks_begun"], 0)

    def test_where_files_must_be_short_counts_in_memory(self):
        script = f'ulimit -f 100; BURSAR=stats,out=/dev/null,ledger={self.directory}/ledger ' \
                 f'LD_PRELOAD={tool.product("BURSAR_LIBRARY")} exec "$@"'
        done = subprocess.run(["sh", "-c", script, "sh", self.program, "1", "100", "1"], env=self.environment(),
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=tool.SECONDS_MAX)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stderr, r"^bursar: ledger \S+: larger than its user's files may be; counting in memory only\n$")

    def test_for_more_threads_counts_them_together(self):
        done = self.run_on_small_disk(80, tool.product("KNOWN_CALLS"), "together:60:1000")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "bursar: no room for more of the ledger; further threads and tasks are counted together\n")
        report = json.loads((self.directory / "report").read_text())
        self.assertEqual(classes_of(report)[1008][0], 60 * 999)
        self.assertEqual(classes_of(report)[1008][2], 60 * 999)


if __name__ == "__main__":
    unittest.main()
