"""What a few samples tell: the median, how sure it is, geometric means."""

import dataclasses
import math
import statistics

COVERAGE_MIN = 0.90  # of the interval in which the true median lies


def median(values) -> float:
    return statistics.median(values)


def coverage(count: int, rank: int) -> float:
    """How likely the true median is between the rank-th smallest and the rank-th largest of `count` values.

    Each value is above the median with probability 1/2, whatever the distribution is.
    """
    outside = sum(math.comb(count, below) for below in range(rank))
    return 1 - 2 * outside / 2**count


def median_interval(values) -> tuple[float, float]:
    """The narrowest interval between two of the values that covers the true median with COVERAGE_MIN.

    Fewer than five values cannot be that sure: then their whole range stands for it.
    """
    ordered = sorted(values)
    rank = 1
    while 2 * (rank + 1) <= len(ordered) and coverage(len(ordered), rank + 1) >= COVERAGE_MIN:
        rank += 1
    return ordered[rank - 1], ordered[-rank]


def relative_half_width(values) -> float:
    """Half the interval of the median, as a part of the median."""
    low, high = median_interval(values)
    middle = median(values)
    return (high - low) / 2 / middle if middle > 0 else 0.0


@dataclasses.dataclass(frozen=True)
class Spread:
    """Some values of the same thing."""
    median: float
    min: float
    max: float
    low: float  # between these two is the true median, see estimates.median_interval
    high: float
    count: int


def spread(numbers) -> Spread:
    numbers = list(numbers)
    return Spread(median(numbers), min(numbers), max(numbers), *median_interval(numbers), len(numbers))


def geometric_mean(ratios) -> float | None:
    """None when there is nothing to take it of."""
    ratios = list(ratios)
    return statistics.geometric_mean(ratios) if ratios else None
