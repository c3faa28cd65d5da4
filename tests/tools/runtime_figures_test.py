#!/usr/bin/env python3
"""What arenas, pools and interners tell is in the ledger and in all that is made of it, however the process ends."""

import json
import re
import signal
import subprocess
import unittest

import serving
import tool
import views

# Of one round of the guest, but for the bytes of arenas, which it says itself.
ROUND = {"interned_strings": 2, "interner_saved_bytes": 12_000, "arena_allocations": 101, "pool_hits": 18, "pool_misses": 2,
         "cache_hits": 3_000, "cache_misses": 2}


class RuntimeFigures(views.ViewTest):
    def guest(self):
        return tool.product("RUNTIME_FIGURES")

    def run_guest(self, how, *options, program=None):
        """The report as JSON, and what the guest printed in each of its processes."""
        out = self.directory / "report.json"
        done = self.bursar("run", "--stats=json", "-o", out, *options, "--", program or self.guest(), how)
        self.assertIn(done.returncode, (0, 128 + signal.SIGKILL), done.stderr)
        return json.loads(out.read_text()), [json.loads(line) for line in done.stdout.splitlines()]

    def assert_rounds(self, figures, rounds):
        self.assertEqual({name: figures[name] for name in ROUND}, {name: value * rounds for name, value in ROUND.items()})
        self.assertGreaterEqual(figures["arena_bytes"], rounds * 100_000)

    def test_the_report_has_what_the_process_reads_of_itself(self):
        for program in (self.guest(), tool.product("RUNTIME_FIGURES_SHARED")):
            with self.subTest(program=program):
                report, (printed,) = self.run_guest("exit", program=program)
                self.assertEqual(report["runtime"], printed)
                self.assert_rounds(printed, 1)

    def test_sigkill_takes_nothing_away(self):
        ledgers = self.directory / "ledgers"
        _, (printed,) = self.run_guest("kill", "--ledgers", ledgers)
        ledger, = ledgers.iterdir()
        self.assertEqual(json.loads(self.bursar("report", "--json", ledger).stdout)["runtime"], printed)
        text = self.bursar("report", ledger).stdout
        self.assertRegex(text, r"(?m)^  interned strings +2    saved 11\.7 KiB$")
        self.assertRegex(text, r"(?m)^  arena allocations +101    9\d\.\d KiB$")
        self.assertRegex(text, r"(?m)^  pool hits +18    90\.0 % of 20$")
        self.assertRegex(text, r"(?m)^  cache hits +3,000    99\.9 % of 3,002$")

    def test_without_counting_the_process_alone_has_them(self):
        done = subprocess.run([self.guest(), "exit"], env=self.environment(LD_PRELOAD=tool.product("BURSAR_LIBRARY")),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=tool.SECONDS_MAX, check=True)
        self.assert_rounds(json.loads(done.stdout), 1)

    def test_a_child_begins_at_zero(self):
        _, (in_child, in_parent) = self.run_guest("print_in_child")
        self.assertEqual(set(in_child.values()), {0})
        self.assert_rounds(in_parent, 1)

    def test_the_tree_is_summed_up(self):
        report, (printed,) = self.run_guest("work_in_child")
        self.assertEqual(report["runtime"], printed)
        self.assert_rounds(report["runtime"], 1)
        self.assert_rounds(report["tree"]["runtime"], 2)

    def test_what_a_child_takes_back_is_taken_off_the_tree(self):
        report, (printed,) = self.run_guest("child_takes_back")
        self.assertEqual(report["tree"]["runtime"]["arena_bytes"], printed["arena_bytes"] - 1_000)

    def test_the_text_tells_the_tree_where_others_than_the_program_have_figures(self):
        title = "\n  runtime of 2 processes, told together\n  interned strings            4    saved 23.4 KiB\n"
        done = self.bursar("run", "--", self.guest(), "work_in_child")
        self.assertIn(title, done.stderr)
        done = self.bursar("run", "--", "sh", "-c", f"{self.guest()} exit; true")
        self.assertIn("\n  runtime of 1 process, told together\n", done.stderr)
        done = self.bursar("run", "--", self.guest(), "exit")
        self.assertNotIn("told together", done.stderr)

    def test_a_program_without_a_runtime_has_no_line_of_it(self):
        done = self.bursar("run", "--", tool.product("SHOWN_TASKS"))
        for word in ("interned", "arena", "pool", "cache", "told together"):
            self.assertNotIn(word, done.stderr)

    def test_top_shows_them(self):
        process = self.start("wait", program=self.guest())
        self.wait_for_figures(process)
        text = self.bursar("top", "--once", "--interval", "0.1", process.pid).stdout
        pane = text.split("\nruntime\n")[1]
        self.assertRegex(pane, r"(?m)^interned strings +0 +2 +-$")
        self.assertRegex(pane, r"(?m)^pool hits +0 +18 +90\.0 %$")

    def test_top_leaves_the_pane_out_of_a_list_where_all_are_zero(self):
        process = self.start("wait")
        self.assertNotRegex(self.bursar("top", "--once", "--interval", "0.1", process.pid).stdout, r"(?m)^runtime$")

    def test_exports_have_them(self):
        process = self.start("wait", program=self.guest())
        self.wait_for_figures(process)
        figures = json.loads(self.bursar("export", "--to", "json", process.pid).stdout)["runtime"]
        text = self.bursar("export", "--to", "openmetrics", process.pid).stdout
        for name, value in figures.items():
            labels = re.escape(f'{{program="{self.guest()}",process="{process.pid}"}}')
            self.assertRegex(text, rf"(?m)^bursar_{name}_total{labels} {value}$")

    def wait_for_figures(self, process):
        self.wait_for(lambda: json.loads(self.bursar("report", "--json", process.pid).stdout)["runtime"]["cache_misses"] != 0,
                      "the guest's work")


class Served(serving.ServingTest):
    def guest_that_waits(self, program):
        environment = self.environment(LD_PRELOAD=tool.product("BURSAR_LIBRARY"),
                                       BURSAR=f"ledger={self.runtime_directory}/bursar-%p")
        return serving.Guest(self.start(tool.product(program), "wait", env=environment, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE))

    def test_those_that_tell_any_have_them_and_others_not(self):
        server = self.serve()
        quiet, telling = self.guest_that_waits("SHOWN_TASKS"), self.guest_that_waits("RUNTIME_FIGURES")
        printed = json.loads(telling.process.stdout.readline())
        self.summary_of(server, quiet)
        self.assertEqual(self.ledger_of(server, telling)["runtime"], printed)
        for accept in ("application/openmetrics-text", "text/plain"):
            text = server.text("/metrics", Accept=accept)
            for name, value in printed.items():
                self.assertEqual(serving.samples_of(text, f"bursar_{name}_total", process=telling.process_id), [value])
                self.assertEqual(serving.samples_of(text, f"bursar_{name}_total", process=quiet.process_id), [])


if __name__ == "__main__":
    unittest.main()
