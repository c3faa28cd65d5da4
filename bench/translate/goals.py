"""What the variants are to reach, and whether they do."""

import dataclasses
import math

from series import RSS, WALL, WORK, Series
from variants import BASELINE, BOTH, BOTH_ON_BURSAR, MEMORY, Variant

MEMORY_GAINS = {10: 1.67, 100: 2.0, 1000: 2.5}  # by the number of files: times as fast as the baseline with one thread
BOTH_GAINS = {10: 3.0, 100: 4.0, 1000: 7.8}
RSS_PART_MAX = 0.70  # of the baseline's
ALLOCATIONS_MAX = 75  # per file, in the median


@dataclasses.dataclass(frozen=True)
class Goal:
    """One number that is wanted, and what it came to."""
    title: str
    files: int
    variant: str
    threads: int
    wanted: str
    measured: float
    is_met: bool
    by_fastest: float | None = None  # of a gain: by the fastest runs, for what else runs beside only ever adds to the time
    whole_process: float | None = None  # of a gain: with the start and the end of the process


@dataclasses.dataclass(frozen=True)
class Share:
    """Where a gain comes from."""
    files: int
    variant: str
    threads: int
    of_one_thread: float
    of_threads: float

    @property
    def whole(self) -> float:
        return self.of_one_thread * self.of_threads

    @property
    def single_thread_share(self) -> float | None:
        """The part of the whole factor's logarithm; None where one of the two is a loss."""
        both_gain = min(self.of_one_thread, self.of_threads) >= 1 and self.whole > 1
        return math.log(self.of_one_thread) / math.log(self.whole) if both_gain else None


def goals(series: Series) -> list[Goal]:
    found = []
    if series.files in MEMORY_GAINS:
        found.append(gain_goal("memory alone", series, MEMORY, MEMORY_GAINS[series.files]))
    if series.files in BOTH_GAINS:
        found += [gain_goal("memory and scan", series, variant.with_threads(threads), BOTH_GAINS[series.files])
                  for threads in series.threads for variant in (BOTH, BOTH_ON_BURSAR)]
    for variant in (BOTH, BOTH_ON_BURSAR):
        part = series.median(variant, RSS) / series.median(BASELINE, RSS)
        found.append(Goal("peak RSS by the baseline's", series.files, variant.title, 1, f"<= {RSS_PART_MAX:.2f}", part,
                          part <= RSS_PART_MAX))
    median = series.allocations[BOTH].median
    found.append(Goal("allocations per file, median", series.files, BOTH.title, 1, f"<= {ALLOCATIONS_MAX}", median,
                      median <= ALLOCATIONS_MAX))
    return found


def gain_goal(title: str, series: Series, variant: Variant, wanted: float) -> Goal:
    """Against the baseline with one thread. The start of a process is the same for all and swings by more than ten files take."""
    gain = series.gain(variant, WORK)
    return Goal(f"{title}, times as fast", series.files, variant.title, variant.threads, f">= {wanted:.2f}", gain, gain >= wanted,
                series.gain_of_fastest(variant, WORK), series.gain(variant, WALL))


def shares(series: Series) -> list[Share]:
    """The gain of one thread and what more threads add, for every number of threads above one."""
    return [Share(series.files, variant.title, threads, series.gain(variant, WORK),
                  series.gain(variant.with_threads(threads), WORK, over=variant))
            for threads in series.threads if threads > 1 for variant in (BOTH, BOTH_ON_BURSAR)]
