"""The report for people, on standard output."""

from estimates import spread
from peers import SUBJECT
from runner import Result
from summary import ALL_MEASURES, MEASURES, RSS, TIME, behind, failures, groups, means, to_best_rival, to_rivals
from wording import counted, mebibytes, milliseconds

NAME_WIDTH = 14
MEAN_WIDTH = 10


def ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def case_report(result: Result) -> str:
    """The table of one case."""
    if result.left_out:
        return f"\n{result.case.name}: left out, {result.left_out}"
    ratios = {measure.key: to_best_rival(result, measure) for measure in MEASURES}
    metrics = list(result.case.metric_units)
    lines = [f"\n{result.case.name}: {result.case.question} ({counted(result.rounds, 'run')})",
             f"  {'':{NAME_WIDTH}}{'wall ms (min, max)':>26} {'user':>7} {'system':>7} {'faults':>9}"
             f"{'peak MiB (min, max)':>24}   {'to the best rival':17}"
             + "".join(f"  {metric} {result.case.metric_units[metric]}" for metric in metrics)]
    for name in result.turns:
        if result.failure(name):
            lines.append(f"  {name:{NAME_WIDTH}}{failure_text(result.failure(name))}")
            continue
        lines.append(f"  {name:{NAME_WIDTH}}{numbers(result, name)}   {both(ratios, name):17}"
                     + metric_text(result, name, metrics))
    return "\n".join(line.rstrip() for line in lines)


def numbers(result: Result, name: str) -> str:
    samples = result.samples(name)
    wall = spread(sample.wall_s for sample in samples)
    rss = spread(sample.peak_rss_kib for sample in samples)
    user = spread(sample.user_s for sample in samples).median
    system = spread(sample.system_s for sample in samples).median
    faults = spread(sample.page_faults for sample in samples).median
    times = f"{milliseconds(wall.median)} ({milliseconds(wall.min)}, {milliseconds(wall.max)})"
    sizes = f"{mebibytes(rss.median)} ({mebibytes(rss.min)}, {mebibytes(rss.max)})"
    return f"{times:>26} {milliseconds(user):>7} {milliseconds(system):>7} {faults:>9,.0f}{sizes:>24}"


def failure_text(reason: str) -> str:
    """Programs that end by a signal crashed; others said that something is wrong, or never ended."""
    return f"crashed: {reason}" if reason.startswith("SIG") else f"failed: {reason}"


def both(ratios: dict, name: str) -> str:
    return f"time {ratio(ratios[TIME.key].get(name))} RSS {ratio(ratios[RSS.key].get(name))}"


def metric_text(result: Result, name: str, metrics: list[str]) -> str:
    text = ""
    for metric in metrics:
        values = [sample.metrics[metric] for sample in result.samples(name) if metric in sample.metrics]
        shown = f"{spread(values).median:z,.1f}" if values else "-"
        text += f"  {shown:>{len(metric) + 1 + len(result.case.metric_units[metric])}}"
    return text


def summary_report(results: list[Result]) -> str:
    """What all cases say together."""
    lines = []
    for group, grouped in groups(results).items():
        lines += group_lines(group, grouped)
    lines += behind_lines(results)
    lines += [f"in {case}: {name} {failure_text(reason)}" for case, name, reason in failures(results)]
    left_out = [result for result in results if result.left_out]
    lines += [f"left out: {result.case.name}: {result.left_out}" for result in left_out]
    return "\n".join(lines)


def group_lines(group: str, results: list[Result]) -> list[str]:
    to_best = [means(results, measure, to_best_rival) for measure in ALL_MEASURES]
    to_each = [means(results, measure, to_rivals) for measure in ALL_MEASURES]
    titles = "".join(f"{measure.title:>{MEAN_WIDTH}}" for measure in ALL_MEASURES)
    left, right = "this one by the best rival of each case", f"{SUBJECT} by this one"
    width = MEAN_WIDTH * len(ALL_MEASURES)
    lines = [f"\n{group}: geometric means over {counted(len(results), 'case')}",
             f"  {'':{NAME_WIDTH}}{left:>{width}}   {right:>{width}}",
             f"  {'':{NAME_WIDTH}}{titles}   {titles}{'cases':>8}"]
    for name, mean in to_best[0].items():
        lines.append(f"  {name:{NAME_WIDTH}}{means_text(to_best, name)}   {means_text(to_each, name)}{mean.cases:>8}")
    return lines


def means_text(means_by_measure, name: str) -> str:
    return "".join(f"{value_of(of_all.get(name)):>{MEAN_WIDTH}}" for of_all in means_by_measure)


def value_of(mean) -> str:
    return "" if mean is None else f"{mean.value:.3f}"


def behind_lines(results: list[Result]) -> list[str]:
    cases = behind(results)
    if not cases:
        measured = any(SUBJECT in to_best_rival(result, TIME) for result in results)
        return [f"\n{SUBJECT} is behind in no case"] if measured else []
    limits = ", ".join(f"{measure.title} above {measure.ratio_max:.2f}" for measure in MEASURES)
    lines = [f"\n{SUBJECT} is behind the best rival ({limits}):"]
    for case in cases:
        lines.append(f"  {case.case:24} {case.measure.title:9}{case.ratio:6.2f} of {case.rival}"
                     + ("" if case.is_clear else ", but their spreads overlap"))
    return lines
