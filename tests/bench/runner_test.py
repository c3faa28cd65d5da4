#!/usr/bin/env python3
"""Turns, the end of a series, what is taken from earlier runs."""

import dataclasses
import math
import unittest

from bench_case import ALLOCATORS, OPTIONS, BenchCase, RunFailed, ScriptedCase, sample

from errors import BadInput
from journal import Journal
from runner import Series, TimeLimit, is_steady

LIBRARIES = [allocator.library for allocator in ALLOCATORS]
RESTLESS = [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 1.0, 2.0, 3.0]


class RunnerCase(BenchCase):
    def setUp(self):
        super().setUp()
        self.journal = Journal(self.directory)
        self.addCleanup(self.journal.close)

    def measure(self, case, allocators=ALLOCATORS, options=OPTIONS, limit=None):
        return Series(case, allocators, self.context, options, self.journal, lambda text: None, limit).measure()


class SeriesTest(RunnerCase):
    def test_steady_samples_end_after_the_fewest_runs(self):
        case = ScriptedCase()
        result = self.measure(case)
        self.assertEqual([len(result.samples(allocator.name)) for allocator in ALLOCATORS], [3, 3, 3])
        self.assertEqual(len(case.calls), 3 * (1 + 3))

    def test_restless_samples_end_after_the_most_runs(self):
        result = self.measure(ScriptedCase(script={"/bursar.so": [sample(wall_s) for wall_s in RESTLESS]}))
        self.assertEqual(result.rounds, OPTIONS.runs_max)

    def test_steady_means_time_and_memory(self):
        self.assertTrue(is_steady([sample(wall_s) for wall_s in (1.00, 1.01, 1.02, 1.01, 1.00)]))
        self.assertFalse(is_steady([sample(wall_s) for wall_s in (1.0, 1.1, 1.0, 1.1, 1.0)]))
        self.assertFalse(is_steady([sample(1.0, kibibytes) for kibibytes in (1000, 1100, 1000, 1100, 1000)]))

    def test_every_round_has_every_allocator_once_in_changing_order(self):
        case = ScriptedCase()
        self.measure(case)
        rounds = [[library for library, _ in case.calls[first:first + 3]] for first in range(0, 12, 3)]
        for order in rounds:
            self.assertCountEqual(order, LIBRARIES)
        self.assertGreater(len(set(map(tuple, rounds))), 1)

    def test_the_same_seed_gives_the_same_order(self):
        first, second = ScriptedCase(), ScriptedCase()
        self.measure(first)
        self.journal.discard(list(self.journal._rounds))
        self.measure(second)
        self.assertEqual(first.calls, second.calls)

    def test_the_warm_up_is_not_a_sample(self):
        case = ScriptedCase(script={"/bursar.so": [sample(99.0), sample(), sample(), sample()]})
        self.assertEqual([one.wall_s for one in self.measure(case).samples("bursar")], [1.0, 1.0, 1.0])
        self.assertEqual({scale for _, scale in case.calls}, {OPTIONS.scale})

    def test_a_quick_run_warms_up_once(self):
        case = ScriptedCase()
        self.measure(case, options=dataclasses.replace(OPTIONS, warm_ups_max=1))
        self.assertEqual(len(case.calls), 1 + 3 * 3)

    def test_one_that_fails_is_not_run_again_and_the_others_go_on(self):
        case = ScriptedCase(script={"/other.so": [sample(), sample(), RunFailed("SIGSEGV")]})
        result = self.measure(case)
        self.assertEqual((result.failure("other"), result.samples("other")), ("SIGSEGV", []))
        self.assertEqual(len(result.samples("bursar")), 3)
        self.assertEqual([library for library, _ in case.calls].count("/other.so"), 3)

    def test_all_fail(self):
        result = self.measure(ScriptedCase(script={library: RunFailed("exit status 1") for library in LIBRARIES}))
        self.assertEqual({result.failure(allocator.name) for allocator in ALLOCATORS}, {"exit status 1"})
        self.assertEqual((result.left_out, result.rounds), ("", 0))

    def test_inputs_that_cannot_be_made(self):
        class Unprepared(ScriptedCase):
            def prepare(self, inputs):
                raise OSError("disk full")
        self.assertEqual(self.measure(Unprepared()).left_out, "cannot be prepared: disk full")

    def test_a_file_that_is_not_built(self):
        class Unbuilt(ScriptedCase):
            def files(self, context):
                return (context.build / "no/such/file",)
        with self.assertRaisesRegex(BadInput, "scripted: no .*no/such/file"):
            self.measure(Unbuilt())

    def test_a_case_out_of_its_share_still_gets_one_round(self):
        result = self.measure(ScriptedCase(), limit=TimeLimit(0, math.inf))
        self.assertEqual(result.rounds, 1)

    def test_without_any_time_a_case_is_left_out(self):
        case = ScriptedCase()
        self.assertEqual(self.measure(case, limit=TimeLimit(-1, -1)).left_out, "no time left")
        self.assertEqual(case.calls, [])


class ResumeTest(RunnerCase):
    def test_whole_rounds_count_and_the_broken_one_is_measured_again(self):
        broken = ScriptedCase(script={"/bursar.so": [sample(), sample(2.0), sample(2.0), KeyboardInterrupt()]})
        with self.assertRaises(KeyboardInterrupt):
            self.measure(broken)
        case = ScriptedCase(script={"/bursar.so": [sample(), sample(2.0)]})
        result = self.measure(case)
        self.assertEqual([one.wall_s for one in result.samples("bursar")], [2.0, 2.0, 2.0])
        self.assertEqual(len(case.calls), 3 * (1 + 1))

    def test_a_finished_case_runs_nothing(self):
        self.measure(ScriptedCase())
        case = ScriptedCase()
        self.assertEqual(self.measure(case).rounds, 3)
        self.assertEqual(case.calls, [])

    def test_another_bursar_is_measured_beside_its_rivals(self):
        self.measure(ScriptedCase())
        case = ScriptedCase()
        rebuilt = [dataclasses.replace(ALLOCATORS[0], hash="b2"), *ALLOCATORS[1:]]
        self.assertEqual(self.measure(case, rebuilt).rounds, 3)
        self.assertEqual(len(case.calls), 3 * (1 + 3))

    def test_rivals_are_reused_when_asked_for(self):
        self.measure(ScriptedCase())
        case = ScriptedCase()
        rebuilt = [dataclasses.replace(ALLOCATORS[0], hash="b2"), *ALLOCATORS[1:]]
        result = self.measure(case, rebuilt, dataclasses.replace(OPTIONS, reuse_rivals=True))
        self.assertEqual({library for library, _ in case.calls}, {"/bursar.so"})
        self.assertEqual(len(result.samples("glibc")), 3)

    def test_fewer_allocators_find_their_samples(self):
        self.measure(ScriptedCase())
        case = ScriptedCase()
        self.measure(case, ALLOCATORS[:2])
        self.assertEqual(case.calls, [])

    def test_another_scale_or_question_is_measured_anew(self):
        self.measure(ScriptedCase())
        less_work = dataclasses.replace(OPTIONS, scale=0.3)
        for case, options in ((ScriptedCase(), less_work), (ScriptedCase(question="Why?"), OPTIONS)):
            self.measure(case, options=options)
            self.assertNotEqual(case.calls, [])

    def test_bursars_failure_is_tried_again_and_a_rivals_is_kept(self):
        self.measure(ScriptedCase(script={"/bursar.so": RunFailed("SIGSEGV")}))
        case = ScriptedCase(script={"/other.so": RunFailed("SIGBUS")})
        self.assertEqual(self.measure(case).failure("bursar"), "")
        case = ScriptedCase()
        self.assertEqual(self.measure(case).failure("other"), "SIGBUS")
        self.assertEqual(case.calls, [])


if __name__ == "__main__":
    unittest.main()
