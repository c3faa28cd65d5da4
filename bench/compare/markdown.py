"""The same numbers as Markdown tables, for documents."""

from markdown_table import table
from peers import SUBJECT
from runner import Result
from summary import MEASURES, RSS, TIME, groups, means, to_best_rival, to_rivals, values


def tables(results: list[Result]) -> str:
    """Geometric means first, then every case."""
    grouped = groups(results).items()
    parts = [means_table(group, of_group) for group, of_group in grouped]
    parts += [cases_table(group, of_group) for group, of_group in grouped]
    return "\n\n".join(parts) + "\n"


def means_table(group: str, results: list[Result]) -> str:
    names = list(means(results, TIME, to_best_rival))
    rows = [means_row(f"{measure.title}, by the best rival of each case", means(results, measure, to_best_rival), names)
            for measure in MEASURES]
    rows += [means_row(f"{measure.title}, {SUBJECT} by this one", means(results, measure, to_rivals), names)
             for measure in MEASURES]
    return table([f"{len(results)} {group}", *names], rows)


def means_row(title: str, of_all, names: list[str]) -> list[str]:
    return [title, *[f"{of_all[name].value:.2f}" if name in of_all else "" for name in names]]


def cases_table(group: str, results: list[Result]) -> str:
    """Medians; the best of each case is bold, in time and in memory."""
    names = list(dict.fromkeys(name for result in results for name in result.turns))
    rows = [[f"`{result.case.name}`", *[cell(result, name) for name in names]] for result in results]
    return table([f"{group}: ms / MiB", *names], rows)


def cell(result: Result, name: str) -> str:
    if result.failure(name):
        return "crashed" if result.failure(name).startswith("SIG") else "failed"
    if not result.samples(name):
        return ""
    milliseconds = marked(values(result, TIME), name, 1e3, ".0f")
    mebibytes = marked(values(result, RSS), name, 1 / 1024, ".1f")
    return f"{milliseconds} / {mebibytes}"


def marked(of_all: dict[str, float], name: str, factor: float, form: str) -> str:
    text = format(of_all[name] * factor, form)
    return f"**{text}**" if of_all[name] == min(of_all.values()) else text
