#!/usr/bin/env python3
"""Prometheus itself scrapes `bursar serve` and answers questions about a program."""

import json
import shutil
import socket
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

import serving
import tool

CONFIGURATION = """
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: bursar
    static_configs:
      - targets: ["127.0.0.1:{port}"]
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Prometheus(serving.ServingTest):
    @classmethod
    def setUpClass(cls):
        cls.program = shutil.which("prometheus")
        if not cls.program or subprocess.run([cls.program, "--version"], capture_output=True, timeout=tool.SECONDS_MAX).returncode:
            raise unittest.SkipTest("prometheus cannot be run here")

    def setUp(self):
        super().setUp()
        self.server = self.serve()
        self.guest_program = self.guest()
        self.port = free_port()
        configuration = self.directory / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(port=self.server.port))
        self.log_path = self.directory / "prometheus.log"
        with open(self.log_path, "w") as log:
            self.start(self.program, f"--config.file={configuration}", f"--storage.tsdb.path={self.directory / 'data'}",
                       f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn", stdout=log, stderr=log)

    def asked(self, path, **parameters):
        """The data of an answer; None while there is no answer."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=tool.SECONDS_MAX) as answer:
                return json.load(answer)["data"]
        except (urllib.error.URLError, ConnectionError):
            return None

    def wait_for_answer(self, query, wanted):
        def found():
            data = self.asked("query", query=query)
            self.last = data and [float(row["value"][1]) for row in data["result"]]
            return self.last == [wanted]
        try:
            self.wait_for(f"{query} to be {wanted}", found)
        except AssertionError as error:
            self.fail(f"{error}; last answer {self.last}; log: {self.log_path.read_text()[-2000:]}")

    def test_a_query_gets_the_right_numbers(self):
        process = f'process="{self.guest_program.process_id}",kind="GET /search"'
        for _ in range(9):
            self.guest_program.run_task("GET /search", 7, 100)
        self.guest_program.run_task("GET /search", 100, 100)
        self.wait_for_answer(f"bursar_task_allocations_total{{{process}}}", 163)
        self.wait_for_answer(f"sum by (kind) (bursar_tasks_ended_total{{{process}}})", 10)
        # Nine of ten tasks had at most 7 allocations, which is the bound of their bucket.
        self.wait_for_answer(f"histogram_quantile(0.9, bursar_allocations_per_task_bucket{{{process}}})", 7)
        target, = self.asked("targets")["activeTargets"]
        self.assertEqual((target["health"], target["lastError"]), ("up", ""))

    def test_units_and_types_are_understood(self):
        self.guest_program.run_task("work", 7, 100)
        metadata = self.wait_for("metadata", lambda: self.asked("metadata", metric="bursar_live_bytes"))
        self.assertEqual((metadata["bursar_live_bytes"][0]["type"], metadata["bursar_live_bytes"][0]["unit"]), ("gauge", "bytes"))
        metadata = self.wait_for("metadata", lambda: self.asked("metadata", metric="bursar_allocations_per_task"))
        self.assertEqual(metadata["bursar_allocations_per_task"][0]["type"], "histogram")


if __name__ == "__main__":
    unittest.main()
