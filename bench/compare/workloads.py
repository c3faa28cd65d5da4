"""The cases of our own workloads: the programs of bench/workloads, with one thread and with more.

With four threads there are more of them than cores on a small machine. What is single-threaded in most programs is
measured with one thread only; every workload can be run with more.
"""

import dataclasses
from pathlib import Path

from case import Case
from launcher import Context, Sample, launch

SOURCES = Path(__file__).resolve().parents[1] / "workloads"

# program: the numbers of threads it is measured with
SINGLE_THREADED = ("reuse", "lifo", "fifo", "trees", "lists", "hash_maps", "realloc_growth", "zeroed", "aligned")
THREADED = {
    "replace_mix": (1, 2, 4),
    "strings": (1, 2),
    "medium_blocks": (1, 2),
    "producer_consumer": (2, 4),
    "all_to_all": (2, 4),
    "thread_turnover": (1, 2, 4),
    "short_threads": (1, 2),
    "scaling": (1, 2, 4),
}
PERCENT_MIN = 1


def source_of(program: str) -> Path:
    return next(path for path in (SOURCES / f"{program}.c", SOURCES / f"{program}.cpp") if path.exists())


def question_of(program: str) -> str:
    with open(source_of(program), encoding="utf-8") as source:
        return source.readline().removeprefix("//").strip()


@dataclasses.dataclass(frozen=True)
class Workload(Case):
    """PROGRAM THREADS SCALE [VARIANT] of build/bench/workloads."""
    program: str = ""
    threads: int = 1
    variant: str = ""

    def executable(self, context: Context) -> Path:
        return context.build / "bench/workloads" / self.program

    def files(self, context: Context) -> tuple[Path, ...]:
        return (self.executable(context),)

    def arguments(self, scale: float) -> list[str]:
        return [str(self.threads), str(max(PERCENT_MIN, round(100 * scale))), *filter(None, [self.variant])]

    def run(self, context: Context, library: str | None, scale: float) -> Sample:
        return launch(context, [self.executable(context), *self.arguments(scale)], library)


def workload(program: str, threads: int = 1, variant: str = "", remark: str = "",
             metric_units: dict[str, str] | None = None) -> Workload:
    """The case; its name tells the number of threads where there are several cases of a program."""
    name = program.replace("_", "-")
    name += f"-{variant}" if variant else ""
    name += f"-{threads}t" if threads > 1 or program in THREADED else ""
    remarks = [remark] if remark else []
    remarks += [f"{threads} threads"] if threads > 1 else []
    question = question_of(program) + (f" ({', '.join(remarks)})" if remarks else "")
    return Workload(name, "workloads", question, metric_units=metric_units or {}, program=program, threads=threads,
                    variant=variant)


RATIOS = {f"rss_per_live_{when}": "ratio" for when in ("quarter", "half", "three_quarters", "end")}
RETURNED = {f"returned_after_{seconds}s": "%" for seconds in (1, 2)}

CASES = [
    *(workload(program) for program in SINGLE_THREADED),
    workload("large_blocks", variant="ends", remark="first and last page written"),
    workload("large_blocks", variant="whole", remark="every byte written"),
    *(workload(program, threads) for program, several in THREADED.items() for threads in several),
    workload("false_sharing", 2, "active", "blocks they allocate"),
    workload("false_sharing", 2, "passive", "blocks they are given"),
    workload("shifting_sizes", metric_units=RATIOS),
    workload("idle_after_load", variant="calling", remark="a malloc every 50 ms", metric_units=RETURNED),
    workload("idle_after_load", variant="silent", remark="no call at all", metric_units=RETURNED),
    workload("start"),
]
