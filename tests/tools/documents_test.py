#!/usr/bin/env python3
"""The manual page and the page about `bursar run` name what there is: every option, every key, the version."""

import os
import pathlib
import re
import subprocess
import unittest

import tool

DOCUMENTS = pathlib.Path(os.environ["BURSAR_SOURCE_ROOT"]) / "docs"


class Documents(tool.ToolTest):
    def setUp(self):
        super().setUp()
        self.page = (DOCUMENTS / "run.md").read_text()
        self.manual = (DOCUMENTS / "man" / "bursar.1").read_text().replace("\\-", "-")

    def test_every_option_is_in_the_manual(self):
        for subcommand in ("run", "report", "top", "diff", "export", "serve"):
            options = re.findall(r"^  (?:-\w,)?(--[\w-]+)", self.bursar(subcommand, "--help").stdout, re.MULTILINE)
            self.assertIn("--help", options)
            for option in options:
                self.assertRegex(self.manual, re.escape(option) + r"\b", option)

    def test_every_option_of_run_and_report_is_on_the_page(self):
        for option in ("--stats", "-o", "--output", "--ledgers", "--no-stats", "--jemalloc", "--format", "--json"):
            self.assertRegex(self.page, "`" + re.escape(option) + r"\b", option)

    def test_every_option_of_a_view_is_on_its_page(self):
        for subcommand in ("top", "diff", "export"):
            page = (DOCUMENTS / f"{subcommand}.md").read_text()
            for option in re.findall(r"^  (?:-\w,)?(--[\w-]+)", self.bursar(subcommand, "--help").stdout, re.MULTILINE):
                if option not in ("--help", "--version"):
                    self.assertRegex(page, "`" + re.escape(option) + r"\b", f"{subcommand} {option}")

    def test_every_figure_that_is_judged_is_on_the_page(self):
        page = (DOCUMENTS / "diff.md").read_text()
        fault = self.bursar("diff", "--fail-over", "1", "--only", "none", "a", "b").stderr
        for figure in re.search(r"\{(.*)\}", fault)[1].split(","):
            self.assertIn(f"`{figure}`", page)

    def test_the_manual_has_the_projects_version(self):
        self.assertIn(f'"bursar {os.environ["BURSAR_PROJECT_VERSION"]}"', self.manual)

    def test_the_manual_is_without_warnings(self):
        done = subprocess.run(["man", "--warnings=all", "-l", str(DOCUMENTS / "man" / "bursar.1")], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=tool.SECONDS_MAX,
                              env=self.environment(LC_ALL="C.UTF-8", MANWIDTH="100", MANPAGER="cat"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("bursar - run programs on the bursar heap", done.stdout)

    def test_every_key_of_the_json_is_on_the_page(self):
        requests = tool.product("REQUESTS")
        report = self.run_json(requests, "die", status=128 + 9)
        tree = self.run_json("sh", "-c", f"{requests}; exit 0")
        kind, = (row for row in report["task_kinds"] if row["kind"] == "GET /search")
        keys = set(report) | set(tree) | set(tree["others"][0]) | set(tree["tree"]) | set(kind)
        for row in (report["calls"], report["size_classes"][0], report["thread_kinds"][0], report["running_tasks"][0],
                    report["worst_by_peak"][0], kind["allocations_per_task"]):
            keys |= set(row)
        self.assertEqual(sorted(key for key in keys if f"`{key}`" not in self.page), [])


if __name__ == "__main__":
    unittest.main()
