"""What the samples of all cases say together: medians, ratios, geometric means."""

import dataclasses
import math
from collections.abc import Callable

from estimates import Spread, geometric_mean, median, spread
from launcher import Sample
from peers import SUBJECT
from runner import Result

TIME_RATIO_MAX = 1.10  # to the best rival: above it a case is listed as behind
RSS_RATIO_MAX = 1.15


@dataclasses.dataclass(frozen=True)
class Measure:
    """One of the numbers that are compared; less is better."""
    key: str
    title: str
    of: Callable[[Sample], float]
    of_all: Callable = median  # the one number for all samples
    ratio_max: float = math.inf


TIME = Measure("wall", "time", lambda sample: sample.wall_s, ratio_max=TIME_RATIO_MAX)
RSS = Measure("rss", "peak RSS", lambda sample: sample.peak_rss_kib, ratio_max=RSS_RATIO_MAX)
MEASURES = (TIME, RSS)
# What else runs beside only ever adds to the time, so the fastest run and the processor time show what it hides.
FASTEST = Measure("wall_min", "fastest", lambda sample: sample.wall_s, min)
CPU = Measure("cpu", "CPU time", lambda sample: sample.user_s + sample.system_s)
ALL_MEASURES = (*MEASURES, FASTEST, CPU)


def spread_of(result: Result, measure: Measure, name: str) -> Spread:
    return spread(measure.of(sample) for sample in result.samples(name))


def values(result: Result, measure: Measure) -> dict[str, float]:
    """Of every allocator that ran well in this case."""
    return {name: measure.of_all([measure.of(sample) for sample in samples])
            for name in result.turns if (samples := result.samples(name))}


def best_rival(result: Result, measure: Measure) -> tuple[str, float] | None:
    """The best but bursar, and its value."""
    rivals = {name: value for name, value in values(result, measure).items() if name != SUBJECT}
    return min(rivals.items(), key=lambda item: item[1]) if rivals else None


def to_best_rival(result: Result, measure: Measure) -> dict[str, float]:
    """Every allocator's value by that of the best rival."""
    best = best_rival(result, measure)
    return {name: value / best[1] for name, value in values(result, measure).items()} if best and best[1] > 0 else {}


def to_rivals(result: Result, measure: Measure) -> dict[str, float]:
    """bursar's value by that of each rival."""
    others = values(result, measure)
    subject = others.pop(SUBJECT, None)
    return {name: subject / value for name, value in others.items() if value > 0} if subject is not None else {}


@dataclasses.dataclass(frozen=True)
class Mean:
    """A geometric mean over so many cases."""
    value: float
    cases: int


def means(results: list[Result], measure: Measure, ratios_of) -> dict[str, Mean]:
    """By allocator: the geometric mean of what `ratios_of` gives for each case."""
    gathered: dict[str, list[float]] = {}
    for result in results:
        for name, ratio in ratios_of(result, measure).items():
            if ratio > 0:
                gathered.setdefault(name, []).append(ratio)
    return {name: Mean(geometric_mean(ratios), len(ratios)) for name, ratios in gathered.items()}


@dataclasses.dataclass(frozen=True)
class Behind:
    """A case in which the best rival is clearly better than bursar."""
    case: str
    measure: Measure
    ratio: float
    rival: str
    is_clear: bool  # the intervals of the two medians do not overlap


def behind(results: list[Result]) -> list[Behind]:
    """The worst first."""
    found = []
    for result in results:
        for measure in MEASURES:
            ratio = to_best_rival(result, measure).get(SUBJECT)
            if ratio is not None and ratio > measure.ratio_max:
                rival = best_rival(result, measure)[0]
                is_clear = spread_of(result, measure, SUBJECT).low > spread_of(result, measure, rival).high
                found.append(Behind(result.case.name, measure, ratio, rival, is_clear))
    return sorted(found, key=lambda case: (case.measure.key != TIME.key, -case.ratio))


def groups(results: list[Result]) -> dict[str, list[Result]]:
    """The measured cases by group, in the order they came."""
    grouped: dict[str, list[Result]] = {}
    for result in results:
        if not result.left_out:
            grouped.setdefault(result.case.group, []).append(result)
    return grouped


def failures(results: list[Result]) -> list[tuple[str, str, str]]:
    """Case, allocator and reason of every failure."""
    return [(result.case.name, name, result.failure(name))
            for result in results for name in result.turns if result.failure(name)]


def subject_failed(results: list[Result]) -> bool:
    return any(name == SUBJECT for _, name, _ in failures(results))
