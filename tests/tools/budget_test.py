#!/usr/bin/env python3
"""Budgets on whole programs: a server that knows them, and programs that know nothing."""

import concurrent.futures
import http.client
import json
import shutil
import subprocess
import time
import unittest

import tool

# The distribution's own, whose memory comes from malloc when asked to.
PYTHON = shutil.which("python3", path="/usr/bin:/bin") or shutil.which("python3")


class Server(tool.ToolTest):
    """The server ends with the test, whatever happens."""

    def start(self, *options):
        self.report = self.directory / "report.json"
        words = [self.command, "run", "--stats=json", "-o", self.report, *options, "--", tool.product("GREEDY_SERVER")]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=self.environment(),
                                        start_new_session=True)
        self.addCleanup(self.process.stdout.close)
        self.addCleanup(tool.end_all_of, self.process)
        self.port = int(self.process.stdout.readline())
        for _ in range(20):  # until each thread has served once and has what it keeps
            self.assertEqual(self.get("/new/1000")[0], 200)

    def get(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=tool.SECONDS_MAX)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def live_bytes(self):
        """What lives while nothing is asked for: a thread is still busy for a moment when its answer is there."""
        lowest = None
        for _ in range(5):
            time.sleep(0.02)
            status, text = self.get("/live")
            self.assertEqual(status, 200)
            lowest = min(int(text), lowest or int(text))
        return lowest

    def stop(self):
        with self.assertRaises((ConnectionError, http.client.HTTPException)):
            self.get("/quit")
        self.assertEqual(self.process.wait(timeout=tool.SECONDS_MAX), 0)
        return json.loads(self.report.read_text())

    def serve_greedy_and_modest(self, greedy):
        """The answers to greedy requests, while three clients get all they ask for."""
        def modest(_):
            return [self.get("/new/100000")[0] for _ in range(50)] + [self.get("/malloc/100000")[0] for _ in range(50)]

        with concurrent.futures.ThreadPoolExecutor(4) as clients:
            all_modest = clients.map(modest, range(3))
            answers = [self.get(greedy) for _ in range(20)]
            for statuses in all_modest:
                self.assertEqual(set(statuses), {200})
        return answers

    def test_a_greedy_request_gets_an_answer_that_says_why_and_the_others_go_on(self):
        self.start()
        before = self.live_bytes()
        # Which blocks they are is found out some times a second at most.
        blocks = r"; most in large blocks \(\d\.\d+ MiB\)"
        for number, (status, text) in enumerate(self.serve_greedy_and_modest("/new/100000000")):
            self.assertEqual(status, 507)
            self.assertRegex(text, r"^bursar: task 'GET' \(/new/100000000\) over its budget of 8\.00 MiB: "
                                   r"\d\.\d+ MiB live, \d+(\.\d+)? MiB wanted" + (blocks if number == 0 else f"({blocks}|$)"))
        self.assertEqual(self.live_bytes(), before)
        report = self.stop()
        self.assertLess(report["peak_live_bytes"], 40 << 20)

    def test_malloc_gives_null_to_a_greedy_request_alone(self):
        self.start()
        before = self.live_bytes()
        answers = self.serve_greedy_and_modest("/malloc/100000000")
        self.assertEqual(set(answers), {(507, "Cannot allocate memory")})
        self.assertEqual(self.live_bytes(), before)
        self.stop()

    def test_within_its_budget_a_request_gets_all(self):
        self.start()
        self.assertEqual(self.get("/malloc/7000000"), (200, "7000000"))
        self.stop()


class Unmodified(tool.ToolTest):
    """Programs that know nothing of budgets."""

    def python(self, options, *words, **variables):
        return self.bursar("run", *options, "-o", self.directory / "report", "--", PYTHON, *words,
                           env=self.environment(**variables))

    def test_python_gets_a_memory_error(self):
        done = self.python(["--tasks=process", "--budget=200M"], "-c", "x = bytearray(10**9)")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"\nMemoryError\n$")
        self.assertIn("1 allocation refused", (self.directory / "report").read_text())

    def test_python_catches_it_and_goes_on(self):
        script = """
blocks = []
try:
    while True: blocks.append(bytes(10**6))
except MemoryError:
    count = len(blocks)
    blocks.clear()
print(count, len(bytearray(150 << 20)) >> 20)
"""
        done = self.python(["--tasks=process", "--budget=200M"], "-c", script, PYTHONMALLOC="malloc")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        count, mib = map(int, done.stdout.split())
        self.assertTrue(195 < count < 210, done.stdout)
        self.assertEqual(mib, 150)

    def test_each_thread_has_a_budget_of_its_own(self):
        script = """
import threading
def work(mib):
    try:
        block = bytearray(mib << 20)
        print(mib, "served")
    except MemoryError:
        print(mib, "refused")
for mib in (40, 80, 50):
    thread = threading.Thread(target=work, args=(mib,))
    thread.start()
    thread.join()
"""
        done = self.python(["--tasks=thread", "--budget=64M"], "-c", script)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "40 served\n80 refused\n50 served\n", ""))

    def test_without_tasks_the_report_says_that_nothing_was_held_to_it(self):
        done = self.bursar("run", "--budget=64M", "--", "true")
        self.assertEqual(done.returncode, 0)
        self.assertIn("\n  budget of a task     64.0 MiB    nothing was held to it: no task was begun (see --tasks)\n", done.stderr)

    def test_a_setting_does_without_a_report(self):
        environment = self.environment(LD_PRELOAD=tool.product("BURSAR_LIBRARY"), BURSAR="tasks=process,budget=100M")
        done = subprocess.run([PYTHON, "-c", "x = bytearray(10**9)"], env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=tool.SECONDS_MAX)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.endswith("\nMemoryError\n"), done.stderr)

    def test_a_program_in_cpp_ends_with_the_whole_story(self):
        done = self.bursar("run", "--tasks=process", "--budget=64M", "-o", "/dev/null", "--",
                           tool.product("GREEDY_ALONE"))
        self.assertEqual(done.returncode, 128 + 6)
        self.assertRegex(done.stderr, r"what\(\):  bursar: task 'greedy_alone' over its budget of 64\.0 MiB: 6\d\.\d MiB live, "
                                      r"1\.0\d MiB wanted; most in large blocks \(6\d\.\d MiB\)")

    def test_a_task_that_the_program_begins_does_not_get_it_out_of_the_budget_of_the_process(self):
        done = self.bursar("run", "--tasks=process", "--budget=64M", "-o", "/dev/null", "--", tool.product("GREEDY_ALONE"), "task")
        self.assertEqual(done.returncode, 128 + 6)
        self.assertRegex(done.stderr, r"task 'greedy_alone' over its budget of 64\.0 MiB: 6\d\.\d MiB live, ")


class Loop(tool.ToolTest):
    def test_is_told_where_nobody_knows_the_turns(self):
        environment = self.environment(LD_PRELOAD=tool.product("BURSAR_LIBRARY"), BURSAR="tasks=loop")
        done = subprocess.run(["true"], env=environment, capture_output=True, text=True, timeout=tool.SECONDS_MAX)
        self.assertEqual((done.returncode, done.stderr), (
            0, "bursar: BURSAR: tasks=loop finds no task without libbursar-loop.so: preload it in front of this library, as bursar "
               "run --tasks=loop does\n"))

    def test_python_serves_each_request_in_a_turn(self):
        script = """
import asyncio
async def handle(reader, writer):
    while line := await reader.readline():
        await asyncio.sleep(0)
        writer.write(line)
    writer.close()
async def main():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    for _ in range(100):
        writer.write(b"line\\n")
        await reader.readline()
    writer.close()
asyncio.run(main())
"""
        report = self.run_loop(PYTHON, "-c", script)
        [turns] = [kind for kind in report["task_kinds"] if (kind["kind"] or "").endswith("turn")]
        # One that the server has for a line, and one of the client; a few more for the connection.
        self.assertTrue(200 <= turns["tasks_ended"] < 220, turns["tasks_ended"])

    def run_loop(self, *words):
        out = self.directory / "report.json"
        done = self.bursar("run", "--tasks=loop", "--stats=json", "-o", out, "--", *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(out.read_text())


if __name__ == "__main__":
    unittest.main()
