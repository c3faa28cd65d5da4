#!/usr/bin/env python3
"""The command that compares the variants: its choice of files, its turns, its figures and goals, its answers to wrong input."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["BURSAR_SOURCE_ROOT"])
BUILD = pathlib.Path(os.environ["BURSAR_BUILD_ROOT"])
COMMAND = ROOT / "bench/translate/compare_variants.py"
for directory in ("measure", "translate"):
    sys.path.insert(0, str(ROOT / "bench" / directory))

import corpus  # noqa: E402: the path comes first
import goals  # noqa: E402
import rounds  # noqa: E402
import tables  # noqa: E402
from errors import BadInput  # noqa: E402
from launcher import RunFailed, Sample  # noqa: E402
from series import RSS, WORK, Series  # noqa: E402
from variants import BOTH, BOTH_ON_BURSAR, MEMORY, VARIANTS, Allocations, Translation, allocations_in, report_in  # noqa: E402

OPTIONS = rounds.Options(runs_min=3, runs_max=5, seed=1)
REPORT = {"files": 10, "bytes": 100, "tokens": 9, "statements": 3, "opaque_statements": 0, "output_bytes": 50, "output_hash": "ab",
          "read_ns": 1, "translate_ns": 5, "wall_ns": 1_000_000_000, "faults": []}


def translation(work_s=1.0, peak_rss_kib=1000, output_hash="ab"):
    report = {**REPORT, "wall_ns": int(work_s * 1e9), "output_hash": output_hash}
    return Translation(Sample(work_s + 0.5, work_s, 0.0, 10, peak_rss_kib), report)


def series(files=10, allocations=50, threads=(1,), **work_and_rss):
    """A series from seconds and KiB by variant: memory=(0.5, 700); the others like the baseline."""
    translations = {}
    for number in threads:
        for variant in VARIANTS:
            given = work_and_rss.get(variant.key.replace("-", "_") + (f"_{number}" if number > 1 else ""), (1.0, 1000))
            translations[variant.with_threads(number)] = [translation(*given)] * 3
    return Series(files, translations, {variant: Allocations(allocations, 90, 99, 500, files) for variant in VARIANTS[:4]})


class Directory(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="bursar-translate-test-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)


class CorpusTest(unittest.TestCase):
    def test_fewer_files_are_the_first_of_more(self):
        files = corpus.find().files
        chosen = corpus.Corpus({"a": "1"}, files)
        self.assertEqual(chosen.first(10), chosen.first(100)[:10])

    def test_more_files_than_there_are(self):
        with self.assertRaisesRegex(BadInput, r"3 files are wanted, 1 are there \(Debian packages a b\)"):
            corpus.Corpus({"a": "1", "b": "2"}, (pathlib.Path("/x.py"),)).first(3)

    def test_files_are_python_sources_with_something_in_them(self):
        found = corpus.find()
        self.assertGreater(len(found.files), 100)
        self.assertEqual(len(set(found.files)), len(found.files))
        for path in found.files:
            self.assertRegex(str(path), r"\A/usr/lib/python3.*\.py\Z")
            self.assertGreater(path.stat().st_size, 0)

    def test_the_order_is_that_of_the_paths_alone(self):
        files = corpus.find().files
        self.assertEqual(files, tuple(sorted(reversed(files), key=corpus.place)))
        self.assertNotEqual(files, tuple(sorted(files)))
        self.assertEqual(corpus.place(pathlib.Path("/usr/lib/python3.11/ast.py"))[:8], "1e5fc8a9")

    def test_the_packages_are_those_of_debians_python(self):
        self.assertRegex(corpus.packages()[0], r"\Alibpython3\.\d+-minimal\Z")


class RoundsTest(unittest.TestCase):
    def measure(self, translate, options=OPTIONS, variants=VARIANTS):
        self.calls = []

        def recorded(variant):
            self.calls.append(variant)
            return translate(variant)
        return rounds.measure(variants, recorded, options, lambda text: None)

    def test_steady_runs_end_after_the_fewest(self):
        found = self.measure(lambda variant: translation())
        self.assertEqual({len(runs) for runs in found.values()}, {OPTIONS.runs_min})

    def test_restless_runs_end_after_the_most(self):
        found = self.measure(lambda variant: translation(1.0 + len(self.calls) % 7))
        self.assertEqual({len(runs) for runs in found.values()}, {OPTIONS.runs_max})

    def test_every_round_has_every_variant_once_in_changing_order(self):
        self.measure(lambda variant: translation())
        count = len(VARIANTS)
        orders = [tuple(self.calls[first:first + count]) for first in range(0, len(self.calls), count)]
        self.assertEqual(len(orders), 1 + OPTIONS.runs_min)
        for order in orders:
            self.assertCountEqual(order, VARIANTS)
        self.assertGreater(len(set(orders)), 1)

    def test_the_warm_up_is_no_run(self):
        found = self.measure(lambda variant: translation(99.0 if len(self.calls) <= len(VARIANTS) else 1.0))
        self.assertEqual({run.report["wall_ns"] for runs in found.values() for run in runs}, {10**9})

    def test_another_text_ends_the_series(self):
        with self.assertRaisesRegex(RunFailed, r"do not give the same text: baseline, 1 thread ab, .*both, 1 thread cd"):
            self.measure(lambda variant: translation(output_hash="cd" if variant == BOTH else "ab"))

    def test_a_variant_that_fails_is_named(self):
        def fail(variant):
            if variant == MEMORY:
                raise RunFailed("SIGSEGV")
            return translation()
        with self.assertRaisesRegex(RunFailed, r"\+ memory, 1 thread: SIGSEGV"):
            self.measure(fail)


class GoalsTest(unittest.TestCase):
    def verdicts(self, one):
        return {(goal.title.split(",")[0], goal.variant, goal.threads): (round(goal.measured, 2), goal.is_met) for goal in goals.goals(one)}

    def test_gains_are_those_over_the_baseline_with_one_thread(self):
        found = self.verdicts(series(10, memory=(0.5, 1000), both=(0.4, 1000), both_on_bursar=(0.25, 1000), threads=(1, 2), both_2=(0.3, 1000)))
        self.assertEqual(found["memory alone", "+ memory", 1], (2.0, True))
        self.assertEqual(found["memory and scan", "both", 1], (2.5, False))
        self.assertEqual(found["memory and scan", "both, on bursar", 1], (4.0, True))
        self.assertEqual(found["memory and scan", "both", 2], (3.33, True))

    def test_each_number_of_files_has_its_own_goal(self):
        for files, gain in ((10, 3.0), (100, 4.0), (1000, 7.8)):
            for work_s, is_met in ((0.99 / gain, True), (1.01 / gain, False)):
                self.assertEqual(self.verdicts(series(files, both=(work_s, 1000)))["memory and scan", "both", 1][1], is_met)

    def test_other_numbers_of_files_have_no_gain_to_reach(self):
        self.assertEqual({goal.title for goal in goals.goals(series(7))}, {"peak RSS by the baseline's", "allocations per file, median"})

    def test_memory_and_allocations(self):
        found = self.verdicts(series(both=(1.0, 700), both_on_bursar=(1.0, 701), allocations=75))
        self.assertEqual(found["peak RSS by the baseline's", "both", 1], (0.7, True))
        self.assertEqual(found["peak RSS by the baseline's", "both, on bursar", 1], (0.7, False))
        self.assertEqual(found["allocations per file", "both", 1], (75, True))
        self.assertEqual(self.verdicts(series(allocations=76))["allocations per file", "both", 1], (76, False))

    def test_the_share_of_one_thread(self):
        one = next(share for share in goals.shares(series(threads=(1, 2), both=(0.25, 1000), both_2=(0.125, 1000))) if share.variant == "both")
        self.assertEqual((one.whole, one.of_one_thread, one.of_threads), (8.0, 4.0, 2.0))
        self.assertAlmostEqual(one.single_thread_share, 2 / 3)

    def test_a_loss_has_no_share(self):
        self.assertEqual([share.single_thread_share for share in goals.shares(series(threads=(1, 2), both_2=(2.0, 1000)))][0], None)
        self.assertEqual(goals.shares(series()), [])


class FiguresTest(Directory):
    def test_a_gain_is_how_many_times_less(self):
        one = series(both=(0.25, 500))
        self.assertEqual((one.gain(BOTH, WORK), one.gain(BOTH, RSS), one.gain(BOTH_ON_BURSAR, WORK)), (4.0, 2.0, 1.0))

    def test_a_table_has_a_row_for_each_variant_of_its_threads(self):
        lines = tables.series_table(series(threads=(1, 2), both=(0.25, 500)), 1).splitlines()
        self.assertEqual(len(lines), 2 + len(VARIANTS))
        self.assertEqual(len(set(map(len, lines))), 1)
        both = [cell.strip() for cell in next(line for line in lines if line.startswith("| both  ")).split("|")]
        self.assertEqual(both[2:4], ["250.0 (250.0, 250.0)", "4.00"])
        self.assertEqual(both[8:10], ["0.5", "0.50"])
        self.assertEqual(both[11], "50, 90")

    def test_what_is_no_report(self):
        path = self.directory / "report"
        for text in ("", "{}", "[]", '{"files": 1}', "nonsense"):
            path.write_text(text)
            with self.assertRaisesRegex(RunFailed, "is no report"):
                report_in(path)

    def test_allocations_are_those_of_the_tasks_of_the_translator(self):
        path = self.directory / "account"
        distribution = {"median": 7, "p90": 8, "p99": 9, "highest": 10, "total": 70}
        path.write_text(json.dumps({"task_kinds": [{"kind": None}, {"kind": "translate", "tasks_ended": 3, "allocations_per_task": distribution}]}))
        self.assertEqual(allocations_in(path), Allocations(7, 9, 10, 70, 3))
        path.write_text(json.dumps({"task_kinds": []}))
        with self.assertRaisesRegex(RunFailed, "no tasks of the kind 'translate'"):
            allocations_in(path)


class CommandCase(Directory):
    def compare(self, *arguments, build=BUILD):
        return subprocess.run([sys.executable, COMMAND, build, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=120)

    def build_with(self, script):
        """A build whose translator is a script."""
        for name in ("measure", "translate"):
            (self.directory / "bench" / name).mkdir(parents=True)
        (self.directory / "bench/measure/measure").symlink_to(BUILD / "bench/measure/measure")
        (self.directory / "libbursar.so").symlink_to(BUILD / "libbursar.so")
        program = self.directory / "bench/translate/translate"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return self.directory


class Command(CommandCase):
    def test_a_comparison(self):
        document, table = self.directory / "all.json", self.directory / "table.md"
        done = self.compare("--files=2,5", "--threads=2", "--quick", f"--json={document}", f"--markdown={table}")
        self.assertEqual(done.returncode, 0, done.stderr)
        content = json.loads(document.read_text())
        self.assertEqual([one["files"] for one in content["series"]], [2, 5])
        for one in content["series"]:
            self.assertEqual(len(one["variants"]), 2 * len(VARIANTS))
            counted = [variant for variant in one["variants"] if variant["allocations_per_file"]]
            self.assertEqual([variant["allocations_per_file"]["files"] for variant in counted], [one["files"]] * 4)
            standard, runtime = (next(variant for variant in counted if variant["key"] == key) for key in ("baseline", "both"))
            self.assertGreater(standard["allocations_per_file"]["total"], runtime["allocations_per_file"]["total"])
        written = table.read_text()
        self.assertIn("| 5 files, 2 threads ", written)
        for part in written.split("\n\n"):
            self.assertIn(part.strip(), done.stdout)
        self.assertEqual(done.stderr.splitlines()[0][:26], "case 1 of 2: 2 files (0:00")

    def test_lists(self):
        self.assertEqual(self.compare("--list-packages").stdout.split(), corpus.packages())
        self.assertEqual(self.compare("--list-files").stdout.split("\n")[:-1], list(map(str, corpus.find().files)))

    def test_a_translator_that_fails(self):
        done = self.compare("--files=2", "--quick", build=self.build_with("echo it is wrong >&2; exit 3"))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.splitlines()[-1], r"\Atranslate: [^:]*1 thread: exit status 3 it is wrong\Z")

    def test_a_translator_that_leaves_files_out(self):
        done = self.compare("--files=2", "--quick", build=self.build_with(f"echo '{json.dumps(REPORT)}'"))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.splitlines()[-1], "it translated 10 of 2 files")

    def test_variants_that_do_not_agree(self):
        report = json.dumps({**REPORT, "files": 2, "output_hash": "HASH"})
        done = self.compare("--files=2", "--quick", build=self.build_with(f"echo '{report}' | sed s/HASH/$(echo \"$2\" | tr -d =-)/"))
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr.splitlines()[-1], "the variants do not give the same text: .*scansimd")


class Refused(CommandCase):
    def assert_refused(self, pattern, *arguments, **options):
        done = self.compare(*arguments, **options)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertRegex(done.stderr, rf"\Atranslate: [^\n]*{pattern}[^\n]*\n\Z")

    def test_arguments(self):
        self.assert_refused("unrecognized arguments: --nonsense", "--nonsense")
        for text in ("0", "-1", "few", "10,", "1;2"):
            self.assert_refused("--files: ", f"--files={text}")
        self.assert_refused("--threads: ", "--threads=0")
        self.assert_refused("--runs-min 9 is more than --runs-max 3", "--runs-min=9", "--runs-max=3")

    def test_more_files_than_there_are(self):
        self.assert_refused("9999 files are wanted, [0-9]+ are there", "--files=9999")

    def test_what_is_not_built(self):
        self.assert_refused("no .*bench/measure/measure: `./dev bench` and `./dev translate` build it", build=self.directory)

    def test_outputs_that_cannot_be_written(self):
        self.assert_refused("cannot write /no/such/x.json: no directory /no/such", "--json=/no/such/x.json")
        self.assert_refused(f"cannot write {self.directory}: Is a directory", f"--markdown={self.directory}")


if __name__ == "__main__":
    unittest.main()
