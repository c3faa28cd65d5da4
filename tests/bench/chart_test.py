#!/usr/bin/env python3
"""The charts are well-formed, the same every time, and show what they should."""

import re
import unittest
import xml.etree.ElementTree

from bench_case import ALLOCATORS, OPTIONS, BenchCase, ScriptedCase, result

import chart
import results as results_module
from runner import Result

SVG = "{http://www.w3.org/2000/svg}"


class Chart(BenchCase):
    def setUp(self):
        super().setUp()
        results = [
            result("fast", bursar=[(1.0, 100)], glibc=[(2.0, 100)], other=[(3.0, 90)]),
            result("far-away", bursar=[(99.0, 100)], glibc=[(1.0, 100)], failures={"other": "SIGSEGV"}),
            result("program", "programs", bursar=[(1.0, 100)], glibc=[(2.0, 100)], other=[(3.0, 90)]),
            Result(ScriptedCase(name="late"), {}, "no time left"),
        ]
        self.document = results_module.document(ALLOCATORS, OPTIONS, results)

    def drawn(self, name):
        chart.write(self.document, self.directory / f"{name}.svg")
        return [(self.directory / f"{name}{part}.svg").read_text() for part in ("", "-cases")]

    def test_both_are_well_formed_and_without_a_date(self):
        for text in self.drawn("chart"):
            self.assertEqual(xml.etree.ElementTree.fromstring(text).tag, f"{SVG}svg")
            self.assertIsNone(re.search(r"<dc:date>|20\d\d-\d\d-\d\d", text))

    def test_the_same_results_give_the_same_bytes(self):
        self.assertEqual(self.drawn("first"), self.drawn("second"))

    def test_the_ground_is_transparent_and_the_ink_is_neither_black_nor_white(self):
        for text in self.drawn("chart"):
            self.assertNotRegex(text, r"(fill|stroke): #(ffffff|000000)")
            self.assertIn(chart.INK, text)

    def test_an_allocator_without_a_mean_and_results_without_cases(self):
        self.document["groups"] = {}
        chart.write(self.document, self.directory / "empty.svg")
        self.assertFalse((self.directory / "empty.svg").exists())


if __name__ == "__main__":
    unittest.main()
