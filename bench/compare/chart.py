"""Charts of the results as SVG: geometric means, and every case.

They stand on a transparent ground in colours that show on white and on black, and depend on the results alone: no date,
no random ids.
"""

import io
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot  # noqa: E402 (the backend is chosen first)
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator  # noqa: E402

from output import write as write_text  # noqa: E402
from peers import SUBJECT  # noqa: E402
from summary import MEASURES  # noqa: E402

INK = "#7d8590"  # grey enough for both grounds
SUBJECT_COLOUR = "#e8590c"
RIVAL_COLOUR = "#8a9bb0"
RIVAL_STYLES = (("#1c7ed6", "o"), ("#2f9e44", "s"), ("#9c36b5", "^"), ("#0c8599", "D"), ("#c2255c", "v"),
                ("#b08900", "P"), ("#5f3dc4", "X"), ("#74b816", "<"), ("#868e96", ">"), ("#e64980", "*"))
RATIO_SHOWN_MIN = 0.5
RATIO_SHOWN_MAX = 5.0  # what is worse stands at the edge
RATIO_TICKS = (0.5, 0.7, 1, 1.5, 2, 3, 4, 5)
LEGEND_COLUMNS = 10
STYLE = {
    "svg.hashsalt": "bursar", "svg.fonttype": "path", "font.size": 9, "text.color": INK, "axes.edgecolor": INK,
    "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK, "axes.spines.top": False,
    "axes.spines.right": False, "legend.frameon": False, "axes.titlesize": 10,
}


def write(document: dict, path: Path) -> None:
    """The geometric means to `path`, every case to a second file beside it."""
    with matplotlib.rc_context(STYLE):
        if document["groups"]:
            write_text(path, svg(means_figure(document)))
            write_text(path.with_name(path.stem + "-cases.svg"), svg(cases_figure(document)))


def svg(figure) -> str:
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    return "\n".join(line.rstrip() for line in drawn.getvalue().splitlines()) + "\n"


def means_figure(document: dict):
    """A row of panels for each group, a panel for each measure, a bar for each allocator."""
    groups = document["groups"]
    names = list(document["allocators"])
    figure, panels = pyplot.subplots(len(groups), len(MEASURES), squeeze=False, layout="constrained",
                                     figsize=(8, len(groups) * (0.8 + 0.24 * len(names))))
    for row, (group, means) in zip(panels, groups.items()):
        for panel, measure in zip(row, MEASURES):
            values = {name: means["to_best_rival"][measure.key][name] for name in names
                      if name in means["to_best_rival"][measure.key]}
            draw_bars(panel, {name: mean["value"] for name, mean in values.items()})
            cases = max((mean["cases"] for mean in values.values()), default=0)
            panel.set_title(f"{measure.title}, {cases} {group}", loc="left")
    figure.suptitle("geometric means; 1 is the best of the others in each case, less is better", fontsize=9)
    return figure


def draw_bars(panel, values: dict[str, float]) -> None:
    names = list(values)
    colours = [SUBJECT_COLOUR if name == SUBJECT else RIVAL_COLOUR for name in names]
    bars = panel.barh(names, list(values.values()), color=colours, height=0.7)
    panel.bar_label(bars, fmt="%.2f", padding=3)
    panel.axvline(1, color=INK, linewidth=0.8, linestyle=":")
    panel.invert_yaxis()
    panel.set_xlim(0, max(values.values(), default=1) * 1.15)
    panel.tick_params(length=0)
    for label in panel.get_yticklabels():
        if label.get_text() == SUBJECT:
            label.set_color(SUBJECT_COLOUR)
            label.set_fontweight("bold")


def cases_figure(document: dict):
    """A panel for each measure, a line for each case, a mark for each allocator."""
    cases = {name: case for name, case in document["cases"].items() if "left_out" not in case}
    figure, panels = pyplot.subplots(1, len(MEASURES), sharey=True, layout="constrained",
                                     figsize=(9, 1.2 + 0.22 * len(cases)))
    for panel, measure in zip(panels, MEASURES):
        panel.set_title(f"{measure.title}; 1 is the best of the others, less is better", loc="left")
        draw_ratio_axis(panel)
        for name, (colour, mark) in styles(document["allocators"]).items():
            draw_marks(panel, cases, measure, name, colour, mark)
    panels[0].set_yticks(range(len(cases)), list(cases))
    panels[0].set_ylim(len(cases) - 0.5, -0.5)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="lower center", bbox_to_anchor=(0.5, 1), ncol=LEGEND_COLUMNS,
                  columnspacing=1, handletextpad=0.2)
    return figure


def styles(allocators) -> dict[str, tuple[str, str]]:
    """bursar last, so that its marks lie above the others."""
    rivals = [name for name in allocators if name != SUBJECT]
    chosen = {name: RIVAL_STYLES[index % len(RIVAL_STYLES)] for index, name in enumerate(rivals)}
    return {**chosen, SUBJECT: (SUBJECT_COLOUR, "o")} if SUBJECT in allocators else chosen


def draw_ratio_axis(panel) -> None:
    panel.set_xscale("log")
    panel.set_xlim(RATIO_SHOWN_MIN * 0.93, RATIO_SHOWN_MAX * 1.08)
    panel.xaxis.set_major_locator(FixedLocator(RATIO_TICKS))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:g}" + ("+" if value == RATIO_SHOWN_MAX else "")))
    panel.axvline(1, color=INK, linewidth=0.8)
    panel.grid(axis="y", color=INK, alpha=0.25, linewidth=0.6)
    panel.tick_params(axis="y", length=0)


def draw_marks(panel, cases: dict, measure, name: str, colour: str, mark: str) -> None:
    ratios = [case["to_best_rival"][measure.key].get(name) for case in cases.values()]
    shown = [None if ratio is None else min(max(ratio, RATIO_SHOWN_MIN), RATIO_SHOWN_MAX) for ratio in ratios]
    points = [(ratio, row) for row, ratio in enumerate(shown) if ratio is not None]
    if points:
        is_subject = name == SUBJECT
        panel.scatter(*zip(*points), label=name, color=colour, marker=mark, s=42 if is_subject else 18,
                      alpha=1 if is_subject else 0.75, linewidths=0, zorder=4 if is_subject else 3)
