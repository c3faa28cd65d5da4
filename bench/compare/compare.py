#!/usr/bin/env python3
"""Runs bursar beside other allocators on the same work and says what each took.

docs/bench.md explains what is measured and how.
"""

import argparse
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "measure"))

import machine  # noqa: E402: the path comes first
import markdown  # noqa: E402
import output  # noqa: E402
import peers  # noqa: E402
import results as results_module  # noqa: E402
import selection  # noqa: E402
from arguments import Parser, count, launcher_in  # noqa: E402
from errors import BadInput  # noqa: E402
from journal import Journal  # noqa: E402
from launcher import RUN_SECONDS_MAX, Context  # noqa: E402
from progress import Progress, duration  # noqa: E402
from report import case_report, summary_report  # noqa: E402
from runner import Options, Result, Series, TimeLimit, case_key  # noqa: E402
from summary import subject_failed  # noqa: E402
from wording import counted  # noqa: E402

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

FULL_SCALE = 1.0
QUICK_SCALE = 0.3
QUICK_WARM_UPS_MAX = 1  # enough to bring the files into memory
QUICK_SECONDS_MAX = 270  # of five minutes: the rest is for what comes after, and for a run that is under way
QUICK_RUN_SECONDS_MAX = 20
RUNS_MIN = 5  # fewer cannot bound a median with 90 %
RUNS_MAX = 11
QUICK_RUNS = 3
WEIGHTS = {"workloads": 1, "programs": 3}  # how the time of a quick run is shared: programs take longer


def arguments_of(words: list[str]) -> argparse.Namespace:
    parser = Parser(prog="compare.py", description=__doc__.splitlines()[0], allow_abbrev=False)
    add = parser.add_argument
    add("build", type=pathlib.Path, help="the build directory")
    add("--quick", action="store_true", help="less work, fewer runs, done within five minutes")
    add("--filter", action="append", default=[], metavar="REGEX", help="only cases whose name it matches")
    add("--group", choices=selection.GROUPS, help="only this kind of cases")
    add("--peer", action="append", default=[], metavar="NAME=PATH", help="one more allocator, a library to preload")
    add("--set", action="append", default=[], metavar="NAME:VAR=VALUE",
        help="a variable for the environment of an allocator's runs")
    add("--only", metavar="NAME,...", type=lambda text: text.split(","), help="only these allocators")
    add("--runs-min", type=count, metavar="N", help=f"at least so many runs each ({RUNS_MIN}; quick: {QUICK_RUNS})")
    add("--runs-max", type=count, metavar="N", help=f"at most so many runs each ({RUNS_MAX}; quick: {QUICK_RUNS})")
    add("--seed", type=int, default=1, metavar="N", help="of the order in which the allocators take turns (1)")
    add("--fresh", action="store_true", help="measure anew what an earlier run has measured")
    add("--reuse-rivals", action="store_true",
        help="take the rivals' samples of earlier runs though bursar was another then: quick, not interleaved")
    add("--output", type=pathlib.Path, metavar="DIR", help="for the journal and the results (BUILD/bench/results)")
    add("--json", type=pathlib.Path, metavar="FILE", help="write the results there too")
    add("--markdown", type=pathlib.Path, metavar="FILE", help="write the tables there, as Markdown")
    add("--chart", type=pathlib.Path, metavar="FILE.svg",
        help="draw the geometric means there, every case in FILE-cases.svg")
    add("--list", action="store_true", help="name the cases and end")
    add("--list-packages", action="store_true", help="name the Debian packages that this run needs and end")
    arguments = parser.parse_args(words)
    arguments.output = arguments.output or arguments.build / "bench/results"
    return arguments


def options_of(arguments: argparse.Namespace) -> Options:
    low, high = (QUICK_RUNS, QUICK_RUNS) if arguments.quick else (RUNS_MIN, RUNS_MAX)
    if arguments.runs_min is not None:
        low, high = arguments.runs_min, max(high, arguments.runs_min)
    if arguments.runs_max is not None:
        low, high = min(low, arguments.runs_max) if arguments.runs_min is None else low, arguments.runs_max
    if low > high:
        raise BadInput(f"--runs-min {low} is more than --runs-max {high}")
    scale, warm_ups_max = (QUICK_SCALE, QUICK_WARM_UPS_MAX) if arguments.quick else (FULL_SCALE, None)
    return Options(scale, low, high, arguments.seed, warm_ups_max, arguments.reuse_rivals)


class Comparison:
    """A run of the command."""

    def __init__(self, arguments: argparse.Namespace):
        self._arguments = arguments
        self._options = options_of(arguments)
        self._cases = selection.selected(selection.all_cases(), arguments.group, arguments.filter)
        self._context = context_of(arguments)
        self._allocators, self._missing = peers.find(self._context, arguments.peer, arguments.only,
                                                       arguments.set)
        if arguments.chart:
            import_chart()
        for path in filter(None, [arguments.json, arguments.markdown, arguments.chart]):
            output.check_writable(path)
        self._keys = [case_key(case, self._context, self._options.scale) for case in self._cases]
        self._journal = Journal(arguments.output)
        self._seconds_max = QUICK_SECONDS_MAX if arguments.quick else None

    def run(self) -> int:
        if self._arguments.fresh:
            self._journal.discard(self._keys)
        self._say_what()
        results = self._measure()
        print(summary_report(results), flush=True)
        self._write(results)
        self._journal.close()
        wrong = subject_failed(results) or any(result.left_out.startswith("cannot") for result in results)
        return EXIT_FAILED if wrong else 0

    def interrupted(self) -> str:
        return (f"interrupted: what was measured is in {os.path.relpath(self._journal.path)}; "
                f"the same command {'without --fresh ' if self._arguments.fresh else ''}goes on from there")

    def _say_what(self) -> None:
        print(machine.sentence(machine.description()))
        print("allocators: " + ", ".join(f"{one.name} {one.version}".strip() for one in self._allocators))
        for one in self._allocators:
            for name, value in one.variables:
                print(f"{one.name} runs with {name}={value}")
        for name in self._missing:
            print(f"not installed: {name} (Debian package {peers.DEBIAN[name].package})")
        low, high = self._options.runs_min, self._options.runs_max
        runs = low if low == high else f"{low} to {high}"
        print(f"{counted(len(self._cases), 'case')}, {runs} runs each after a warm-up, work times "
              f"{self._options.scale:g}, seed {self._options.seed}", flush=True)
        if machine.is_busy():
            print(machine.busy_sentence())
        if self._options.reuse_rivals:
            print("rivals' samples may be from earlier runs: not interleaved")

    def _measure(self) -> list[Result]:
        progress = Progress(len(self._cases), self._seconds_max)
        results = []
        for index, case in enumerate(self._cases):
            progress.begin(case.name)
            results.append(self._measure_case(case, progress, self._cases[index:]))
            progress.clear()
            print(case_report(results[-1]), flush=True)
        print(f"\n{counted(len(self._cases), 'case')} in {duration(progress.elapsed_s)}")
        return results

    def _measure_case(self, case, progress: Progress, cases_left: list) -> Result:
        missing = selection.missing_packages(case)
        if missing:
            return Result(case, {}, f"needs Debian packages {' '.join(missing)}")
        limit = None
        if self._seconds_max is not None:
            # What a case does not use is shared by those that follow.
            left = max(0.0, self._seconds_max - progress.elapsed_s)
            limit = TimeLimit(left * WEIGHTS[case.group] / sum(WEIGHTS[one.group] for one in cases_left), left)
        series = Series(case, self._allocators, self._context, self._options, self._journal, progress.step, limit)
        return series.measure()

    def _write(self, results: list[Result]) -> None:
        document = results_module.document(self._allocators, self._options, results)
        for path in filter(None, [self._arguments.output / "results.json", self._arguments.json]):
            output.write_document(path, document)
        if self._arguments.markdown:
            output.write(self._arguments.markdown, markdown.tables(results))
        self._draw(document)
        print(f"\nresults: {os.path.relpath(self._arguments.output)}/results.json", flush=True)

    def _draw(self, document: dict) -> None:
        try:
            chart = import_chart()
        except BadInput as fault:
            print(f"\nno charts: {fault}")
            return
        chart.write(document, self._arguments.output / "chart.svg")
        if self._arguments.chart:
            chart.write(document, self._arguments.chart)


def import_chart():
    """Late: nothing else needs matplotlib, which takes a while to come."""
    try:
        import chart
    except ImportError as fault:
        raise BadInput(f"{fault} (Debian package python3-matplotlib)") from None
    return chart


def context_of(arguments: argparse.Namespace) -> Context:
    build = arguments.build.resolve()
    seconds_max = QUICK_RUN_SECONDS_MAX if arguments.quick else RUN_SECONDS_MAX
    return Context(build, build / "bench/inputs", launcher_in(build), seconds_max)


def print_list(arguments: argparse.Namespace) -> None:
    for case in selection.selected(selection.all_cases(), arguments.group, arguments.filter):
        print(f"{case.group:10} {case.name:24} {case.question}")


def print_packages(arguments: argparse.Namespace) -> None:
    needed = {"python3-matplotlib", *peers.packages(arguments.only)}
    for case in selection.selected(selection.all_cases(), arguments.group, arguments.filter):
        needed.update(case.packages)
    print("\n".join(sorted(needed)))


def main(words: list[str]) -> int:
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)  # the same clean end
    comparison = None
    try:
        arguments = arguments_of(words)
        if arguments.list_packages:
            print_packages(arguments)
            return 0
        if arguments.list:
            print_list(arguments)
            return 0
        comparison = Comparison(arguments)
        return comparison.run()
    except BadInput as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print("\nbench: " + (comparison.interrupted() if comparison else "interrupted"), file=sys.stderr)
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
