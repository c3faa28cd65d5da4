"""Runs a case on every allocator in turns, until it is known how much the numbers spread."""

import dataclasses
import hashlib
import inspect
import math
import random
import secrets
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import case as case_module
import launcher as launcher_module
import machine
from case import Case
from errors import BadInput
from estimates import relative_half_width
from journal import Journal, Turn
from launcher import Context, RunFailed, Sample
from peers import SUBJECT, Allocator

HALF_WIDTH_MAX = 0.03  # of the median's interval: below it more runs tell nothing that matters


@dataclasses.dataclass(frozen=True)
class Options:
    """What decides how much is measured."""
    scale: float
    runs_min: int
    runs_max: int
    seed: int
    warm_ups_max: int | None = None  # so many allocators run once before anything counts; None: all
    reuse_rivals: bool = False


@dataclasses.dataclass(frozen=True)
class TimeLimit:
    """How long a case may take: after its share it gets no further round, but one it gets while any time is left."""
    share_s: float
    left_s: float


@dataclasses.dataclass
class Result:
    """What a case gave. An allocator that failed once has no samples there: nobody knows what the others are worth."""
    case: Case
    turns: dict[str, list[Turn]]
    left_out: str = ""  # why nothing was measured

    def samples(self, allocator: str) -> list[Sample]:
        if self.failure(allocator):
            return []
        return [turn.sample for turn in self.turns.get(allocator, [])]

    def failure(self, allocator: str) -> str:
        return next((turn.failure for turn in self.turns.get(allocator, []) if turn.sample is None), "")

    @property
    def rounds(self) -> int:
        return max((sum(turn.sample is not None for turn in turns) for turns in self.turns.values()), default=0)


class OutOfTime(Exception):
    """No time is left for anything."""


class Series:
    """The rounds of one case."""

    def __init__(self, case: Case, allocators: list[Allocator], context: Context, options: Options, journal: Journal,
                 say: Callable[[str], None], time_limit: TimeLimit | None = None):
        self._case = case
        self._allocators = allocators
        self._context = context
        self._options = options
        self._journal = journal
        self._say = say
        self._limit = time_limit or TimeLimit(math.inf, math.inf)
        self._start = time.monotonic()
        self._key = case_key(case, context, options.scale)
        self._id = secrets.token_hex(4)
        self._round_seconds = 0.0
        self.result = Result(case, {allocator.name: [] for allocator in allocators})

    def measure(self) -> Result:
        self._resume()
        if not self._is_settled():
            try:
                self._case.prepare(inputs_of(self._case, self._context))
                self._round("warm-up", keep=False)
                self._round_seconds = 0.0  # not known: not all may have warmed up
                while not self._is_settled():
                    if self.result.rounds and self._seconds() + self._round_seconds > self._limit.share_s:
                        break
                    self._round(f"{self._id}.{self.result.rounds}", keep=True)
            except OutOfTime:
                pass
            except (RunFailed, OSError, subprocess.SubprocessError) as fault:
                self.result.left_out = f"cannot be prepared: {fault}"
        if not any(self.result.turns.values()) and not self.result.left_out:
            self.result.left_out = "no time left"
        return self.result

    def _resume(self) -> None:
        """Takes what earlier runs measured: whole rounds, since a number counts beside those of the same round only."""
        wanted = {allocator.name: (allocator.name, allocator.hash) for allocator in self._allocators}
        for turns in self._journal.rounds(self._key):
            here = {name: turns[key] for name, key in wanted.items() if key in turns}
            subject = here.get(SUBJECT)
            if subject is not None and subject.sample is None:
                continue  # A failure of bursar is worth another try; a rival's is not.
            if len(here) == len(wanted) or self._options.reuse_rivals:
                for name, turn in here.items():
                    self.result.turns[name].append(turn)
        for name, turns in self.result.turns.items():
            self.result.turns[name] = turns[-self._options.runs_max:]

    def _is_settled(self) -> bool:
        return not any(self._needs_more(allocator) for allocator in self._allocators)

    def _needs_more(self, allocator: Allocator) -> bool:
        if self.result.failure(allocator.name):
            return False
        samples = self.result.samples(allocator.name)
        if len(samples) < self._options.runs_min:
            return True
        return len(samples) < self._options.runs_max and not is_steady(samples)

    def _takes_turns(self, allocator: Allocator) -> bool:
        """Whether it runs in the next round: all do, but for rivals whose earlier samples are enough."""
        return not (self._options.reuse_rivals and allocator.is_rival and not self._needs_more(allocator))

    def _round(self, round_id: str, *, keep: bool) -> None:
        start = time.monotonic()
        order = [allocator for allocator in self._allocators if self._takes_turns(allocator)]
        random.Random(f"{self._options.seed} {self._case.name} {self.result.rounds} {keep}").shuffle(order)
        turns = {}
        for allocator in order if keep else order[:self._options.warm_ups_max]:
            if self._seconds() > self._limit.left_s:
                raise OutOfTime
            self._say(f"run {self.result.rounds + 1} of {self._runs_text()}, {allocator.name}" if keep
                      else f"warm-up, {allocator.name}")
            turns[allocator.name] = turn = self._turn(allocator)
            if keep:
                self._journal.append(self._key, self._case.name, round_id, (allocator.name, allocator.hash), turn)
        # Only whole rounds count. A failure counts at once: that allocator is not run again.
        for name, turn in turns.items():
            if keep or turn.sample is None:
                self.result.turns[name].append(turn)
        self._round_seconds = time.monotonic() - start

    def _turn(self, allocator: Allocator) -> Turn:
        failure = self.result.failure(allocator.name)
        if failure:
            return Turn(None, failure)
        try:
            context = dataclasses.replace(self._context, variables=allocator.variables)
            return Turn(self._case.run(context, allocator.library, self._options.scale))
        except (RunFailed, OSError, subprocess.SubprocessError) as fault:
            return Turn(None, " ".join(str(fault).split()))

    def _seconds(self) -> float:
        return time.monotonic() - self._start

    def _runs_text(self) -> str:
        low, high = self._options.runs_min, self._options.runs_max
        return f"{low}" if low == high else f"{low} to {high}"


def is_steady(samples) -> bool:
    """Whether both medians are known well enough."""
    return (relative_half_width([sample.wall_s for sample in samples]) < HALF_WIDTH_MAX
            and relative_half_width([sample.peak_rss_kib for sample in samples]) < HALF_WIDTH_MAX)


def inputs_of(case: Case, context: Context) -> Path:
    directory = context.inputs / case.name
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def case_key(case: Case, context: Context, scale: float) -> str:
    """Stands for all that decides what a sample of this case means, but for the allocator."""
    content = hashlib.sha256()
    content.update(repr((case, scale, machine.identity())).encode())
    files = [context.launcher, Path(case_module.__file__), Path(launcher_module.__file__), Path(inspect.getfile(type(case))), *case.files(context)]
    for file in files:
        if not file.is_file():
            raise BadInput(f"{case.name}: no {file}: `./dev bench` builds what is measured")
        content.update(file.read_bytes())
    return content.hexdigest()[:16]
