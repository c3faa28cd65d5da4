"""What all runs on the same files say together."""

import dataclasses
from collections.abc import Callable

from estimates import Spread, spread
from variants import BASELINE, Allocations, Translation, Variant


@dataclasses.dataclass(frozen=True)
class Measure:
    """One of the numbers that are compared; less is better."""
    key: str
    of: Callable[[Translation], float]


WALL = Measure("wall_s", lambda one: one.sample.wall_s)  # of the process, from outside
WORK = Measure("work_s", lambda one: one.report["wall_ns"] / 1e9)  # from before the first file is read to the last text, by the clock
READ = Measure("read_s", lambda one: one.report["read_ns"] / 1e9)  # over all threads
TRANSLATE = Measure("translate_s", lambda one: one.report["translate_ns"] / 1e9)  # over all threads
CPU = Measure("cpu_s", lambda one: one.sample.user_s + one.sample.system_s)
RSS = Measure("peak_rss_kib", lambda one: one.sample.peak_rss_kib)
FAULTS = Measure("page_faults", lambda one: one.sample.page_faults)
MEASURES = (WALL, WORK, READ, TRANSLATE, CPU, RSS, FAULTS)


@dataclasses.dataclass(frozen=True)
class Series:
    """The runs of all variants, interleaved, on one choice of files."""
    files: int
    translations: dict[Variant, list[Translation]]
    allocations: dict[Variant, Allocations]

    @property
    def variants(self) -> tuple[Variant, ...]:
        return tuple(self.translations)

    @property
    def threads(self) -> tuple[int, ...]:
        """The numbers of threads, one first."""
        return tuple(sorted({variant.threads for variant in self.translations}))

    @property
    def report(self) -> dict:
        """What the baseline said of itself: the counts are the same for all."""
        return self.translations[BASELINE][0].report

    def spread(self, variant: Variant, measure: Measure) -> Spread:
        return spread(measure.of(one) for one in self.translations[variant])

    def median(self, variant: Variant, measure: Measure) -> float:
        return self.spread(variant, measure).median

    def gain(self, variant: Variant, measure: Measure, over: Variant = BASELINE) -> float:
        """How many times less it takes than `over`: above 1 it is better."""
        return self.median(over, measure) / self.median(variant, measure)

    def gain_of_fastest(self, variant: Variant, measure: Measure) -> float:
        return self.spread(BASELINE, measure).min / self.spread(variant, measure).min
