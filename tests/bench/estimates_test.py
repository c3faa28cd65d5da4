#!/usr/bin/env python3
"""Known numbers: medians, their intervals, geometric means."""

import unittest

import bench_case  # noqa: F401 (finds what follows)
from estimates import coverage, geometric_mean, median, median_interval, relative_half_width


class Estimates(unittest.TestCase):
    def test_the_median(self):
        self.assertEqual(median([3, 1, 2]), 2)
        self.assertEqual(median([4, 1, 2, 3]), 2.5)

    def test_coverage_is_that_of_the_binomial_distribution(self):
        self.assertAlmostEqual(coverage(5, 1), 1 - 2 / 32)
        self.assertAlmostEqual(coverage(8, 2), 1 - 2 * 9 / 256)
        self.assertAlmostEqual(coverage(11, 3), 1 - 2 * (1 + 11 + 55) / 2048)

    def test_the_interval_is_the_narrowest_that_is_sure_enough(self):
        self.assertEqual(median_interval([5, 1, 4, 2, 3]), (1, 5))
        self.assertEqual(median_interval(range(1, 9)), (2, 7))
        self.assertEqual(median_interval(range(1, 12)), (3, 9))

    def test_few_values_give_their_range(self):
        self.assertEqual(median_interval([7]), (7, 7))
        self.assertEqual(median_interval([3, 1, 2]), (1, 3))

    def test_one_outlier_among_eleven_does_not_widen_the_interval(self):
        self.assertLess(relative_half_width([100.0] * 10 + [900.0]), 0.001)

    def test_the_relative_half_width(self):
        self.assertAlmostEqual(relative_half_width([90, 95, 100, 105, 110]), 0.1)
        self.assertEqual(relative_half_width([0, 0, 0]), 0)

    def test_the_geometric_mean(self):
        self.assertAlmostEqual(geometric_mean([0.5, 2.0]), 1.0)
        self.assertAlmostEqual(geometric_mean([1.0, 10.0, 100.0]), 10.0)
        self.assertIsNone(geometric_mean([]))


if __name__ == "__main__":
    unittest.main()
