"""The figures as Markdown tables, which are what a terminal shows as well."""

from goals import Goal, Share
from markdown_table import aligned
from series import FAULTS, RSS, TRANSLATE, WALL, WORK, Series
from variants import BASELINE, Variant
from wording import counted, mebibytes, milliseconds

HEAD = ["work ms (min, max)", "gain", "process ms", "gain", "translating ms", "gain", "peak MiB", "by baseline", "page faults",
        "allocations a file, p99"]


def series_tables(series: Series) -> str:
    """One table for each number of threads."""
    return "\n\n".join(series_table(series, threads) for threads in series.threads)


def series_table(series: Series, threads: int) -> str:
    """Gains and parts are those against the baseline with one thread."""
    title = f"{counted(series.files, 'file')}, {counted(threads, 'thread')}"
    rows = [row(series, variant) for variant in series.variants if variant.threads == threads]
    return aligned([title, *HEAD], rows)


def row(series: Series, variant: Variant) -> list[str]:
    work = series.spread(variant, WORK)
    rss = series.median(variant, RSS)
    allocations = series.allocations.get(variant)
    return [variant.title,
            f"{milliseconds(work.median)} ({milliseconds(work.min)}, {milliseconds(work.max)})",
            f"{series.gain(variant, WORK):.2f}",
            milliseconds(series.median(variant, WALL)),
            f"{series.gain(variant, WALL):.2f}",
            milliseconds(series.median(variant, TRANSLATE)),
            # Several threads need longer together: that is no loss.
            f"{series.gain(variant, TRANSLATE):.2f}" if variant.threads == 1 else "",
            mebibytes(rss),
            f"{rss / series.median(BASELINE, RSS):.2f}",
            f"{series.median(variant, FAULTS):,.0f}",
            f"{allocations.median:,}, {allocations.p99:,}" if allocations else ""]


def goals_table(goals: list[Goal]) -> str:
    rows = [[goal.title, f"{goal.files:,}", goal.variant, str(goal.threads), goal.wanted, measured(goal.measured),
             ratio(goal.by_fastest), ratio(goal.whole_process), "yes" if goal.is_met else "**no**"] for goal in goals]
    return aligned(["goal", "files", "variant", "threads", "wanted", "measured", "by fastest", "whole process", "met"], rows)


def ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def measured(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.2f}"


def shares_table(shares: list[Share]) -> str:
    rows = [[f"{share.files:,}", share.variant, str(share.threads), f"{share.whole:.2f}", f"{share.of_one_thread:.2f}",
             f"{share.of_threads:.2f}", "" if share.single_thread_share is None else f"{share.single_thread_share:.0%}"]
            for share in shares]
    return aligned(["files", "variant", "threads", "times as fast", "= with one thread", "x by threads", "single-thread share"], rows)
