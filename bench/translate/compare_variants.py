#!/usr/bin/env python3
"""Translates the same Python files with every variant of the translator and says what each took.

docs/translate.md explains what is measured and how.
"""

import argparse
import datetime
import os
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "measure"))

import corpus as corpus_module  # noqa: E402: the path comes first
import goals as goals_module  # noqa: E402
import machine  # noqa: E402
import output  # noqa: E402
import rounds  # noqa: E402
import tables  # noqa: E402
from arguments import Parser, count, launcher_in  # noqa: E402
from document import document  # noqa: E402
from errors import BadInput  # noqa: E402
from launcher import Context, RunFailed  # noqa: E402
from progress import Progress, duration  # noqa: E402
from series import Series  # noqa: E402
from variants import VARIANTS, Translator, library_of, program_of  # noqa: E402
from wording import counted  # noqa: E402

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

FILE_COUNTS = (10, 100, 1000)
RUNS_MIN = 7
RUNS_MAX = 21
QUICK_RUNS = 3
FAULTS_SHOWN_MAX = 3


def arguments_of(words: list[str]) -> argparse.Namespace:
    parser = Parser(prog="./dev translate", description=__doc__.splitlines()[0], allow_abbrev=False)
    add = parser.add_argument
    add("build", type=pathlib.Path, help=argparse.SUPPRESS)
    add("--quick", action="store_true", help="fewer runs")
    add("--files", type=counts, default=FILE_COUNTS, metavar="N,...", help="how many files to translate (10,100,1000)")
    add("--threads", type=count, default=len(os.sched_getaffinity(0)), metavar="N",
        help="beside one thread so many; 1: no others (one for each processor)")
    add("--runs-min", type=count, metavar="N", help=f"at least so many runs each ({RUNS_MIN}; quick: {QUICK_RUNS})")
    add("--runs-max", type=count, metavar="N", help=f"at most so many runs each ({RUNS_MAX}; quick: {QUICK_RUNS})")
    add("--seed", type=int, default=1, metavar="N", help="of the order in which the variants take turns (1)")
    add("--json", type=pathlib.Path, metavar="FILE", help="write everything that was measured there")
    add("--markdown", type=pathlib.Path, metavar="FILE", help="write the tables there, as Markdown")
    add("--list-files", action="store_true", help="name the files in the order they are chosen in and end")
    add("--list-packages", action="store_true", help="name the Debian packages that the files are from and end")
    return parser.parse_args(words)


def counts(text: str) -> tuple[int, ...]:
    return tuple(sorted({count(word) for word in text.split(",")}))


def options_of(arguments: argparse.Namespace) -> rounds.Options:
    low, high = (QUICK_RUNS, QUICK_RUNS) if arguments.quick else (RUNS_MIN, RUNS_MAX)
    low = low if arguments.runs_min is None else arguments.runs_min
    high = max(high, low) if arguments.runs_max is None else arguments.runs_max
    if low > high:
        raise BadInput(f"--runs-min {low} is more than --runs-max {high}")
    return rounds.Options(low, high, arguments.seed)


def context_of(build: pathlib.Path) -> Context:
    context = Context(build, build / "bench/inputs", launcher_in(build))
    for path in (program_of(context), library_of(context)):
        if not path.is_file():
            raise BadInput(f"no {path}: `./dev translate` builds it")
    return context


class Comparison:
    """A run of the command."""

    def __init__(self, arguments: argparse.Namespace):
        self._arguments = arguments
        self._options = options_of(arguments)
        self._context = context_of(arguments.build.resolve())
        for path in filter(None, [arguments.json, arguments.markdown]):
            output.check_writable(path)
        self._corpus = corpus_module.find()
        self._choices = [self._corpus.first(number) for number in arguments.files]
        threads = dict.fromkeys((1, arguments.threads))
        self._variants = tuple(variant.with_threads(number) for number in threads for variant in VARIANTS)

    def run(self) -> int:
        start = datetime.datetime.now(datetime.timezone.utc)
        self._say_what()
        progress = Progress(len(self._choices), None)
        all_series = []
        for files in self._choices:
            progress.begin(counted(len(files), "file"))
            all_series.append(self._measure(files, progress))
            progress.clear()
            print(f"\n{series_text(all_series[-1])}", flush=True)
        goals = [goal for series in all_series for goal in goals_module.goals(series)]
        shares = [share for series in all_series for share in goals_module.shares(series)]
        ends = [tables.goals_table(goals), *([tables.shares_table(shares)] if shares else [])]
        print("\n" + "\n\n".join(ends) + f"\n\nin {duration(progress.elapsed_s)}")
        if self._arguments.json:
            output.write_document(self._arguments.json, document(start, self._corpus, self._options, all_series, goals, shares))
        if self._arguments.markdown:
            parts = [tables.series_tables(series) for series in all_series] + ends
            output.write(self._arguments.markdown, "\n\n".join(parts) + "\n")
        return 0

    def _say_what(self) -> None:
        print(machine.sentence(machine.description()))
        found = ", ".join(f"{name} {version}" for name, version in self._corpus.versions.items())
        print(f"{counted(len(self._corpus.files), 'Python file')} in {found}")
        low, high = self._options.runs_min, self._options.runs_max
        runs = low if low == high else f"{low} to {high}"
        print(f"{counted(len(self._variants), 'variant')} in turns, {runs} runs each after a warm-up, seed {self._options.seed}",
              flush=True)
        if machine.is_busy():
            print(machine.busy_sentence())

    def _measure(self, files: tuple[pathlib.Path, ...], progress: Progress) -> Series:
        translator = Translator(self._context, files)
        try:
            translations = rounds.measure(self._variants, translator.translate, self._options, progress.step)
            progress.step("allocations")
            allocations = {variant: translator.count(variant) for variant in VARIANTS if not variant.on_bursar}
        finally:
            translator.close()
        return Series(len(files), translations, allocations)


def series_text(series: Series) -> str:
    report = series.report
    runs = len(next(iter(series.translations.values())))
    lines = [f"{counted(series.files, 'file')}, {report['bytes'] / 1024:,.0f} KiB: {report['tokens']:,} tokens, "
             f"{report['statements']:,} statements ({report['opaque_statements']:,} opaque), {report['output_bytes'] / 1024:,.0f} KiB "
             f"written, text {report['output_hash']} from all variants; {counted(runs, 'run')} each"]
    faults = report["faults"]
    lines += [f"  {fault['file']}:{fault['line']}: {fault['fault']}" for fault in faults[:FAULTS_SHOWN_MAX]]
    if len(faults) > FAULTS_SHOWN_MAX:
        lines.append(f"  {len(faults) - FAULTS_SHOWN_MAX} more files end in a fault")
    return "\n".join([*lines, "", tables.series_tables(series)])


def print_files() -> None:
    for path in corpus_module.find().files:
        print(path)


def main(words: list[str]) -> int:
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)  # the same clean end
    try:
        arguments = arguments_of(words)
        if arguments.list_packages:
            print("\n".join(corpus_module.packages()))
            return 0
        if arguments.list_files:
            print_files()
            return 0
        return Comparison(arguments).run()
    except BadInput as fault:
        print(f"translate: {fault}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except (RunFailed, subprocess.SubprocessError) as fault:
        print(f"translate: {' '.join(str(fault).split())}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("\ntranslate: interrupted, nothing was written", file=sys.stderr)
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
