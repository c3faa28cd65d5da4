#!/usr/bin/env python3
"""The command as a whole, on cases that take no time: results, resuming, and one line for every wrong input."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

from bench_case import BUILD, ROOT, BenchCase

SCRIPTED = pathlib.Path(__file__).with_name("scripted_compare.py")
PEER = f"other={BUILD}/libbursar-jemalloc.so"
ALLOCATORS = "--only=bursar,glibc,other"
TURNS = 3 * (1 + 3)  # three allocators, a warm-up and three rounds


class CompareCase(BenchCase):
    def setUp(self):
        super().setUp()
        self.output = self.directory / "results"
        self.record = self.directory / "record"

    def compare(self, *arguments, peers=(PEER,), fixed=(ALLOCATORS, "--runs-min=3", "--runs-max=3"), **environment):
        peer_arguments = [f"--peer={peer}" for peer in peers]
        return subprocess.run(
            [sys.executable, SCRIPTED, self.record, f"--output={self.output}", *fixed, *peer_arguments, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=100, env={**os.environ, **environment})

    def turns(self):
        return self.record.read_text().splitlines() if self.record.exists() else []

    def results(self):
        return json.loads((self.output / "results.json").read_text())


class Command(CompareCase):
    def test_everything_that_is_written(self):
        drawn, table, copy = self.directory / "drawn.svg", self.directory / "table.md", self.directory / "copy.json"
        done = self.compare(f"--chart={drawn}", f"--markdown={table}", f"--json={copy}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.turns()), 2 * TURNS)
        results = self.results()
        self.assertEqual(results, json.loads(copy.read_text()))
        self.assertEqual(set(results["allocators"]), {"bursar", "glibc", "other"})
        self.assertEqual(results["allocators"]["other"]["file"], "libbursar-jemalloc.so")
        self.assertEqual(len(results["cases"]["short"]["allocators"]["glibc"]["samples"]), 3)
        self.assertEqual(set(results["groups"]), {"workloads", "programs"})
        self.assertTrue(table.read_text().startswith("| 1 workloads | bursar | glibc | other |"), table.read_text())
        for path in (drawn, self.directory / "drawn-cases.svg", self.output / "chart.svg"):
            self.assertIn("<svg", path.read_text())

    def test_progress_is_plain_lines_where_there_is_no_terminal(self):
        done = self.compare("--filter=short")
        self.assertRegex(done.stderr, r"\Acase 1 of 1: short \(0:00 so far\)\n\Z")
        self.assertNotIn("\x1b", done.stdout + done.stderr)

    def test_a_rivals_crash_is_reported_and_harmless(self):
        done = self.compare(BURSAR_BENCH_CRASH="libbursar-jemalloc.so")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, "other +crashed: SIGSEGV")
        self.assertEqual(self.results()["cases"]["crashing"]["allocators"]["other"], {"failure": "SIGSEGV"})
        self.assertEqual(self.results()["failures"], [{"case": "crashing", "allocator": "other", "reason": "SIGSEGV"}])

    def test_a_crash_of_bursar_is_exit_status_1(self):
        done = self.compare(BURSAR_BENCH_CRASH="libbursar.so")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, "bursar +crashed: SIGSEGV")
        self.assertIn("short", self.results()["cases"])

    def test_a_variable_is_in_the_environment_of_one_allocator_alone(self):
        done = self.compare("--filter=crashing", "--set=other:BURSAR_BENCH_KILLS=yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("other runs with BURSAR_BENCH_KILLS=yes", done.stdout)
        allocators = self.results()["cases"]["crashing"]["allocators"]
        self.assertEqual(allocators["other"], {"failure": "SIGSEGV"})
        self.assertIn("samples", allocators["bursar"])
        self.assertEqual(self.results()["allocators"]["other"]["variables"], {"BURSAR_BENCH_KILLS": "yes"})

    def test_an_allocator_with_another_variable_is_measured_anew(self):
        self.compare("--filter=short", "--set=other:SETTING=1")
        self.record.unlink()
        self.compare("--filter=short", "--set=other:SETTING=1")
        self.assertEqual(self.turns(), [])
        self.compare("--filter=short", "--set=other:SETTING=2")
        self.assertEqual(len(self.turns()), TURNS)

    def test_wrong_variables_are_named(self):
        for setting, fault in (("other", "write NAME:VARIABLE=VALUE"), ("other:1x=2", "write NAME:VARIABLE=VALUE"),
                               ("nobody:X=1", "no allocator 'nobody' in this run")):
            done = self.compare(f"--set={setting}")
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"bench: --set {setting}: {fault}", done.stderr)

    def test_filter_and_group(self):
        self.compare("--filter=^sho")
        self.assertEqual({turn.split()[0] for turn in self.turns()}, {"short"})
        self.record.unlink()
        self.compare("--group=programs")
        self.assertEqual({turn.split()[0] for turn in self.turns()}, {"crashing"})

    def test_lists(self):
        self.assertEqual([line.split()[:2] for line in self.compare("--list").stdout.splitlines()],
                         [["workloads", "short"], ["programs", "crashing"]])
        done = self.compare("--list-packages", "--filter=crashing")
        self.assertEqual(done.stdout.split(), ["coreutils", "python3-matplotlib"])
        self.assertEqual(self.turns(), [])

    def test_the_packages_of_debians_allocators(self):
        done = self.compare("--list-packages", "--filter=short", fixed=())
        self.assertEqual(" ".join(done.stdout.split()),
                         "libjemalloc2 libmimalloc2.0 libtbbmalloc2 libtcmalloc-minimal4 python3-matplotlib")

    def test_the_real_cases_can_be_listed(self):
        command = [sys.executable, ROOT / "bench/compare/compare.py", BUILD, "--list"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Resume(CompareCase):
    def test_an_interrupted_run_goes_on(self):
        done = self.compare(BURSAR_BENCH_INTERRUPT="20")
        self.assertEqual(done.returncode, 130, done.stderr)
        self.assertIn("the same command goes on from there", done.stderr.splitlines()[-1])
        self.assertEqual(len(self.turns()), 20)
        done = self.compare()
        self.assertEqual(done.returncode, 0, done.stderr)
        # `short` was complete; `crashing` had its warm-up, one whole round and a part of the second.
        self.assertEqual([turn.split()[0] for turn in self.turns()[20:]], ["crashing"] * 9)
        self.assertEqual(len(self.results()["cases"]["crashing"]["allocators"]["bursar"]["samples"]), 3)

    def test_a_finished_run_measures_nothing_and_fresh_begins_anew(self):
        self.compare()
        first = self.results()["cases"]
        self.compare()
        self.assertEqual(len(self.turns()), 2 * TURNS)
        self.assertEqual(self.results()["cases"], first)
        self.compare("--fresh", "--filter=short")
        self.assertEqual(len(self.turns()), 3 * TURNS)
        self.compare()
        self.assertEqual(len(self.turns()), 3 * TURNS)


class BadInput(CompareCase):
    def assert_refused(self, pattern, *arguments, **options):
        done = self.compare(*arguments, **options)
        self.assertEqual((done.returncode, self.turns()), (2, []), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertRegex(done.stderr, "^bench: " + pattern)

    def test_peers(self):
        text = self.directory / "text.so"
        text.write_text("no library\n")
        self.assert_refused("--peer other: write NAME=PATH", peers=["other"])
        self.assert_refused("--peer other=/no/such.so: no file /no/such.so", peers=["other=/no/such.so"])
        self.assert_refused("--peer glibc=.*take another name", peers=[f"glibc={BUILD}/libbursar.so"])
        self.assert_refused("two peers have the same name", peers=[PEER, PEER])
        self.assert_refused("other: .*text.so cannot be preloaded: file too short", peers=[f"other={text}"])

    def test_a_library_that_is_no_allocator(self):
        library = next(pathlib.Path("/usr/lib").glob("*-linux-gnu/libm.so.6"))
        self.assert_refused("other: .*does not replace malloc", peers=[f"other={library}"])

    def test_filters(self):
        self.assert_refused("no case matches 'nothing'", "--filter=short", "--filter=nothing")
        self.assert_refused("no case matches 'short'", "--filter=short", "--group=programs")
        self.assert_refused(r"--filter '\(' is no regular expression", "--filter=(")

    def test_allocators(self):
        self.assert_refused("no allocator 'mymalloc'; there are: bursar, glibc, jemalloc", "--only=mymalloc")

    def test_options(self):
        self.assert_refused("unrecognized arguments: --nonsense; --help names", "--nonsense")
        self.assert_refused("argument --runs-max: 'few' is no number of runs", "--runs-max=few")
        self.assert_refused("argument --group: invalid choice: 'games'", "--group=games")

    def test_runs(self):
        self.assert_refused("--runs-min 9 is more than --runs-max 3", "--runs-min=9")

    def test_an_output_that_cannot_be_written(self):
        (self.directory / "results").write_text("")
        self.assert_refused("cannot write .*results/journal.jsonl: File exists")
        self.assert_refused("cannot write /no/such/x.svg: no directory /no/such ", "--chart=/no/such/x.svg",
                            f"--output={self.directory}/o")

    def test_a_damaged_journal(self):
        self.output.mkdir()
        (self.output / "journal.jsonl").write_text("damaged\n")
        self.assert_refused(".*journal.jsonl:1: not a line of this journal")
        self.assertEqual((self.output / "journal.jsonl").read_text(), "damaged\n")


if __name__ == "__main__":
    unittest.main()
