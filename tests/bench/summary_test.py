#!/usr/bin/env python3
"""Ratios and means of known numbers, with and without rivals that crash; the report and the tables that show them."""

import unittest

from bench_case import ScriptedCase, result

import markdown
from report import case_report, summary_report
from runner import Result
from summary import CPU, FASTEST, RSS, TIME, behind, best_rival, failures, groups, means, subject_failed
from summary import to_best_rival, to_rivals

# bursar: time 1.2 of the best rival, memory 0.5 of it.
SLOWER = {"bursar": [(1.2, 50)] * 3, "glibc": [(1.0, 100)] * 3, "other": [(2.0, 200)] * 3}
# bursar: time 0.5, memory 2.
LARGER = {"bursar": [(1.0, 400)] * 3, "glibc": [(4.0, 200)] * 3, "other": [(2.0, 800)] * 3}


class Summary(unittest.TestCase):
    def setUp(self):
        self.results = [result("slower", **SLOWER), result("larger", **LARGER)]

    def test_the_best_rival_is_not_bursar_and_may_differ_by_measure(self):
        self.assertEqual(best_rival(self.results[0], TIME), ("glibc", 1.0))
        self.assertEqual(best_rival(self.results[1], TIME), ("other", 2.0))
        self.assertEqual(best_rival(self.results[1], RSS), ("glibc", 200))

    def test_ratios(self):
        self.assertEqual(to_best_rival(self.results[0], TIME), {"bursar": 1.2, "glibc": 1.0, "other": 2.0})
        self.assertEqual(to_rivals(self.results[0], RSS), {"glibc": 0.5, "other": 0.25})

    def test_geometric_means(self):
        to_best = means(self.results, TIME, to_best_rival)
        self.assertAlmostEqual(to_best["bursar"].value, (1.2 * 0.5) ** 0.5)
        self.assertAlmostEqual(to_best["glibc"].value, 2 ** 0.5)
        self.assertAlmostEqual(means(self.results, RSS, to_rivals)["other"].value, (0.25 * 0.5) ** 0.5)

    def test_the_fastest_run_and_the_processors_time(self):
        one = result(bursar=[(3.0, 1), (1.0, 1), (2.0, 1)], glibc=[(2.0, 1), (2.0, 1), (2.0, 1)])
        self.assertEqual(to_rivals(one, TIME), {"glibc": 1.0})
        self.assertEqual(to_rivals(one, FASTEST), {"glibc": 0.5})
        self.assertEqual(to_rivals(one, CPU), {"glibc": 1.0})

    def test_cases_behind_by_time_and_by_memory(self):
        found = [(one.case, one.measure, round(one.ratio, 2), one.rival, one.is_clear) for one in behind(self.results)]
        self.assertEqual(found, [("slower", TIME, 1.2, "glibc", True), ("larger", RSS, 2.0, "glibc", True)])

    def test_spreads_that_overlap_are_not_clear(self):
        one = result(bursar=[(1.0, 1), (1.5, 1), (1.6, 1)], glibc=[(0.9, 1), (1.0, 1), (1.1, 1)])
        self.assertEqual([case.is_clear for case in behind([one])], [False])

    def test_a_crashed_rival_is_left_out_of_that_case_alone(self):
        crashed = result("crashed", bursar=[(1.0, 100)], glibc=[(2.0, 100)], failures={"other": "SIGSEGV"})
        results = [*self.results, crashed]
        self.assertNotIn("other", to_best_rival(crashed, TIME))
        self.assertEqual(means(results, TIME, to_best_rival)["other"].cases, 2)
        self.assertEqual(means(results, TIME, to_best_rival)["glibc"].cases, 3)
        self.assertEqual(failures(results), [("crashed", "other", "SIGSEGV")])
        self.assertFalse(subject_failed(results))

    def test_a_crashed_bursar_is_told(self):
        crashed = result("crashed", glibc=[(2.0, 100)], failures={"bursar": "SIGSEGV"})
        self.assertTrue(subject_failed([crashed]))
        self.assertEqual(to_rivals(crashed, TIME), {})

    def test_groups_stay_apart_and_what_was_left_out_is_in_none(self):
        program = result("program", "programs", bursar=[(1.0, 1)], glibc=[(1.0, 1)])
        left_out = Result(ScriptedCase(name="late"), {}, "no time left")
        grouped = groups([*self.results, program, left_out])
        self.assertEqual({group: [one.case.name for one in of_group] for group, of_group in grouped.items()},
                         {"workloads": ["slower", "larger"], "programs": ["program"]})


class Report(unittest.TestCase):
    def setUp(self):
        crashed = result("crashed", bursar=[(1.0, 100)], glibc=[(2.0, 100)], failures={"other": "SIGSEGV"})
        wrong = result("wrong", bursar=[(1.0, 100)], glibc=[(2.0, 100)], failures={"other": "exit status 1 wrong"})
        left_out = Result(ScriptedCase(name="late"), {}, "no time left")
        self.results = [result("slower", **SLOWER), crashed, wrong, left_out]

    def test_a_case_has_a_line_for_each_allocator(self):
        lines = case_report(self.results[0]).splitlines()
        self.assertEqual([line.split()[0] for line in lines[-3:]], ["bursar", "glibc", "other"])
        self.assertIn("1,200 (1,200, 1,200)", lines[-3])
        self.assertIn("time 1.20 RSS 0.50", lines[-3])

    def test_a_crash_stands_in_place_of_numbers(self):
        self.assertEqual(case_report(self.results[1]).splitlines()[-1].split(), ["other", "crashed:", "SIGSEGV"])
        self.assertIn("failed: exit status 1 wrong", case_report(self.results[2]))

    def test_metrics_have_columns_of_their_own(self):
        one = result(bursar=[(1.0, 1)])
        object.__setattr__(one.case, "metric_units", {"left": "MiB"})
        one.turns["bursar"][0].sample.metrics["left"] = 12.5
        lines = case_report(one).splitlines()
        self.assertTrue(lines[2].endswith("left MiB"), lines)
        self.assertTrue(lines[3].endswith("12.5"), lines)

    def test_the_summary_tells_all_that_went_wrong(self):
        text = summary_report(self.results)
        self.assertRegex(text, "slower +time +1.20 of glibc")
        self.assertIn("in crashed: other crashed: SIGSEGV", text)
        self.assertIn("left out: late: no time left", text)

    def test_nothing_but_what_was_left_out(self):
        self.assertEqual(summary_report(self.results[3:]), "left out: late: no time left")

    def test_without_bursar_the_others_are_compared(self):
        text = summary_report([result(glibc=[(1.0, 1)], other=[(2.0, 2)])])
        self.assertRegex(text, r"other +2\.000")
        self.assertNotIn("behind", text)

    def test_markdown_tables_are_rectangular(self):
        tables = markdown.tables(self.results).strip().split("\n\n")
        for table in tables:
            self.assertEqual(len({line.count("|") for line in table.splitlines()}), 1, table)
        self.assertIn("| `slower` | 1200 / **0.0** | **1000** / 0.1 | 2000 / 0.2 |", tables[1])
        self.assertIn("| crashed |", tables[1])


if __name__ == "__main__":
    unittest.main()
