#!/usr/bin/env python3
"""All variants write the same text, whatever the number of threads, and with any malloc."""

import json
import os
import random
import unittest

from translator import IS_SANITIZED, VARIANTS, TranslatorCase, arguments_of, library_files, run

SAMPLE_FILES = 20 if IS_SANITIZED else 150
WRITTEN_FILES = 5
COUNTS = ("files", "bytes", "tokens", "statements", "opaque_statements", "nodes", "names_resolved", "output_bytes", "output_hash", "faults")
SEED = int(os.environ.get("BURSAR_TEST_SEED") or random.SystemRandom().randrange(2**32))


def counts_in(report):
    return {key: report[key] for key in COUNTS}


class Variants(TranslatorCase):
    def setUp(self):
        super().setUp()
        print(f"# BURSAR_TEST_SEED={SEED}")
        self.sample = random.Random(SEED).sample(library_files(), SAMPLE_FILES)
        self.list = self.file("".join(f"{path}\n" for path in self.sample).encode(), "list")

    def test_counts_and_text_are_the_same(self):
        reports = {variant: counts_in(report) for variant, report in self.reports(f"--list={self.list}").items()}
        expected = reports[VARIANTS[0]]
        self.assertEqual(expected["files"], len(self.sample))
        self.assertEqual(expected["bytes"], sum(path.stat().st_size for path in self.sample))
        for variant, counts in reports.items():
            self.assertEqual(counts, expected, f"{variant}, seed {SEED}")

    def test_threads_change_nothing(self):
        expected = counts_in(self.report(VARIANTS[0], f"--list={self.list}"))
        for variant in VARIANTS:
            for threads in (2, 5):
                self.assertEqual(counts_in(self.report(variant, f"--list={self.list}", threads=threads)), expected,
                                 f"{variant}, {threads} threads, seed {SEED}")

    def test_repeating_changes_nothing(self):
        for variant in VARIANTS:
            once = self.report(variant, f"--list={self.list}")
            twice = self.report(variant, f"--list={self.list}", "--repeat=2", threads=2)
            self.assertEqual(counts_in(twice), counts_in(once), f"{variant}, seed {SEED}")

    def test_the_texts_that_are_written_are_the_same(self):
        texts = {}
        for variant in VARIANTS:
            directory = self.directory / "-".join(variant)
            report = self.report(variant, f"--output={directory}", *self.sample[:WRITTEN_FILES], threads=2)
            texts[variant] = {path.name: path.read_bytes() for path in directory.iterdir()}
            self.assertEqual(len(texts[variant]), WRITTEN_FILES, f"{variant}, seed {SEED}")
            self.assertEqual(sum(map(len, texts[variant].values())), report["output_bytes"], f"{variant}, seed {SEED}")
        self.assertTrue(any(texts[VARIANTS[0]].values()))
        for variant in VARIANTS:
            self.assertEqual(texts[variant], texts[VARIANTS[0]], f"{variant}, seed {SEED}")

    def test_another_source_gives_another_text(self):
        """So that equal hashes say something."""
        hashes = {self.report(VARIANTS[-1], self.file(source))["output_hash"] for source in (b"x = 1\n", b"x = 2\n", b"y = 1\n")}
        self.assertEqual(len(hashes), 3)

    def test_the_order_of_the_files_is_in_the_hash(self):
        first, second = self.file(b"x = 1\n", "a.py"), self.file(b"y = 2\n", "b.py")
        self.assertNotEqual(self.report(VARIANTS[-1], first, second)["output_hash"], self.report(VARIANTS[-1], second, first)["output_hash"])

    @unittest.skipIf(IS_SANITIZED, "sanitizers bring a malloc of their own")
    def test_bursar_changes_nothing(self):
        library = os.environ["BURSAR_LIBRARY"]
        for variant in VARIANTS:
            expected = counts_in(self.report(variant, f"--list={self.list}"))
            done = run(*arguments_of(variant, threads=2), "--json", f"--list={self.list}", env={**os.environ, "LD_PRELOAD": library})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(counts_in(json.loads(done.stdout)), expected, f"{variant}, seed {SEED}")


if __name__ == "__main__":
    unittest.main()
