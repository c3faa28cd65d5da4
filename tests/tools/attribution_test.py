#!/usr/bin/env python3
"""Programs of the distribution, as they are, say who allocated what: by turn, by thread, by process."""

import json
import re
import shutil
import subprocess
import time
import unittest

import tool

# The distribution's own programs before any other of that name.
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
START_SECONDS_MAX = 30

KEYS = 2000
VALUE_BYTES = 3000

WORKERS = 4
WORK = """
import ctypes, json, os, threading, time
def work(number):
    ctypes.CDLL(None).prctl(15, f"worker-{number}".encode(), 0, 0, 0)  # PR_SET_NAME
    json.dumps([{"id": i, "name": "x" * (i % 50)} for i in range(2000 * number)])
threads = [threading.Thread(target=work, args=(number,)) for number in range(1, WORKERS + 1)]
for thread in threads: thread.start()
for thread in threads: thread.join()
# Python's join is over a moment before the thread is.
while len(os.listdir("/proc/self/task")) > 1: time.sleep(0.001)
""".replace("WORKERS", str(WORKERS))

UNITS = ("one", "two", "three")
MAKEFILE = """
program: main.o {objects}
\t$(CXX) -o $@ $^
""".format(objects=" ".join(f"{unit}.o" for unit in UNITS))


def find(name):
    path = shutil.which(name, path=SYSTEM_PATH)
    if path is None:
        raise AssertionError(f"{name} is not installed")
    return path


class Attribution(tool.ToolTest):
    def run_json(self, *words, options=(), **changes):
        out = self.directory / "report.json"
        done = self.bursar("run", "--stats=json", "-o", out, *options, "--", *words,
                           env=self.environment(PATH=SYSTEM_PATH, **changes))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(out.read_text())

    def kind(self, report, name):
        row, = (row for row in report["task_kinds"] if row["kind"] == name)
        return row


class ByTurn(Attribution):
    def redis(self, program, *words):
        done = subprocess.run([find(program), "-s", str(self.socket), *map(str, words)], capture_output=True, text=True,
                              timeout=tool.SECONDS_MAX, env=self.environment())
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    def serve(self):
        """The report of a redis-server that was loaded with keys; they live at its end."""
        self.socket = self.directory / "redis.sock"
        out = self.directory / "report.json"
        server = subprocess.Popen(
            [self.command, "run", "--tasks=loop", "--stats=json", "-o", str(out), "--", find("redis-server"), "--port", "0",
             "--save", "", "--appendonly", "no", "--loglevel", "warning", "--dir", str(self.directory), "--unixsocket",
             str(self.socket)],
            env=self.environment(), cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            start_new_session=True)
        self.addCleanup(tool.end_all_of, server)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.socket.exists():
            self.assertLess(time.monotonic(), deadline, "redis-server does not start")
            self.assertIsNone(server.poll())
            time.sleep(0.02)
        self.redis("redis-benchmark", "-n", 20 * KEYS, "-r", KEYS, "-d", VALUE_BYTES, "-t", "set", "-q")
        keys = int(self.redis("redis-cli", "dbsize"))
        self.redis("redis-cli", "shutdown", "nosave")
        self.assertEqual(server.wait(timeout=tool.SECONDS_MAX), 0)
        return json.loads(out.read_text()), keys

    def test_the_requests_of_redis_server_are_turns_and_its_data_is_theirs(self):
        report, keys = self.serve()
        self.assertEqual(report["task_source"], "loop")
        turns = self.kind(report, "redis-server: turn")
        # A turn serves what all of the 50 connections of redis-benchmark have asked meanwhile.
        self.assertGreaterEqual(turns["tasks_ended"], 20 * KEYS // 50)
        self.assertGreater(turns["allocations_per_task"]["median"], 0)
        self.assertGreater(turns["allocations"], 20 * KEYS)
        self.assertGreater(keys, KEYS // 2)
        self.assertGreater(turns["retained_bytes"], keys * VALUE_BYTES)
        outside = self.kind(report, None)
        self.assertGreater(turns["allocated_bytes"], 10 * outside["allocated_bytes"])


class ByThread(Attribution):
    def test_the_threads_of_python_are_tasks_by_their_names(self):
        report = self.run_json(find("python3"), "-c", WORK, options=["--tasks=thread"], PYTHONMALLOC="malloc")
        self.assertEqual(report["task_source"], "thread")
        workers = self.kind(report, "worker-*")
        self.assertEqual((workers["tasks_begun"], workers["tasks_ended"]), (WORKERS, WORKERS))
        # Each row of the work is a dictionary and at least one string.
        self.assertGreater(workers["allocations"], 2 * 2000 * sum(range(1, WORKERS + 1)))
        labels = [task["label"] for task in report["worst_by_allocations"] if task["kind"] == "worker-*"]
        self.assertEqual(labels, [f"worker-{number}" for number in range(WORKERS, 0, -1)])


class ByProcess(Attribution):
    def make_project(self):
        (self.directory / "Makefile").write_text(f"CXX = {find('g++')}\n{MAKEFILE}")
        calls = "".join(f"int {unit}(); " for unit in UNITS)
        (self.directory / "main.cpp").write_text(f"{calls} int main() {{ return {' + '.join(f'{u}()' for u in UNITS)}; }}\n")
        for unit in UNITS:
            (self.directory / f"{unit}.cpp").write_text(
                f"#include <map>\n#include <string>\nstatic std::map<int, std::string> names;\n"
                f"int {unit}() {{ return static_cast<int>(names.size()); }}\n")

    def test_each_program_of_a_build_has_its_row(self):
        self.make_project()
        report = self.run_json(find("make"), "-s", "-j2", options=["--tasks=process"])
        self.assertEqual(subprocess.run([self.directory / "program"]).returncode, 0)
        rows = {row["program"]: row for row in report["others"]}
        compiler = rows["cc1plus"]
        self.assertEqual(compiler["processes"], len(UNITS) + 1)
        self.assertGreater(compiler["allocations"], 10_000 * len(UNITS))
        self.assertGreater(compiler["peak_live_bytes"], 1 << 20)
        # Each process is a task, all of them together.
        kind, = (kind for kind in report["tree"]["task_kinds"] if kind["kind"] == "cc1plus")
        self.assertEqual((kind["tasks_ended"], kind["allocations"]), (len(UNITS) + 1, compiler["allocations"]))
        self.assertEqual(kind["peak_live_bytes_per_task"]["highest"], compiler["peak_live_bytes"])
        for tool_name, processes in (("as", len(UNITS) + 1), ("ld", 1)):
            row, = (row for name, row in rows.items() if re.search(rf"(^|-){tool_name}(\.bfd|\.gold)?$", name))
            self.assertEqual(row["processes"], processes, tool_name)
            self.assertGreater(row["allocations"], 0)
            self.assertGreater(row["peak_live_bytes"], 0)


if __name__ == "__main__":
    unittest.main()
