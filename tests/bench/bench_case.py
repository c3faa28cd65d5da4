"""What the tests of bench/compare share: where it is, and cases that take no time."""

import dataclasses
import os
import pathlib
import shutil
import sys
import tempfile
import unittest

ROOT = pathlib.Path(os.environ.get("BURSAR_SOURCE_ROOT") or pathlib.Path(__file__).resolve().parents[2])
BUILD = pathlib.Path(os.environ.get("BURSAR_BUILD_ROOT") or ROOT / "build")
LAUNCHER = BUILD / "bench/measure/measure"
for directory in ("compare", "measure"):
    sys.path.insert(0, str(ROOT / "bench" / directory))

from case import Case  # noqa: E402 (found by the lines above)
from launcher import Context, RunFailed, Sample  # noqa: E402, F401 (RunFailed: for others)
from peers import Allocator  # noqa: E402
from runner import Options, Result, Turn  # noqa: E402

ALLOCATORS = [Allocator("bursar", "/bursar.so", "", "b1"), Allocator("glibc", None, "2.36", "g1"),
              Allocator("other", "/other.so", "", "o1")]
OPTIONS = Options(scale=1.0, runs_min=3, runs_max=5, seed=1)


def sample(wall_s=1.0, peak_rss_kib=1000, **metrics):
    return Sample(wall_s, wall_s / 2, wall_s / 4, 10, peak_rss_kib, metrics)


@dataclasses.dataclass(frozen=True)
class ScriptedCase(Case):
    """Gives the samples it was told to, by library; an exception among them is raised."""
    name: str = "scripted"
    group: str = "workloads"
    question: str = "What does nothing cost?"
    script: dict = dataclasses.field(default_factory=dict, repr=False)
    calls: list = dataclasses.field(default_factory=list, repr=False)

    def run(self, context, library, scale):
        self.calls.append((library, scale))
        answer = self.script.get(library, sample())
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


def result(name="case", group="workloads", failures=None, **samples):
    """A result from seconds and KiB by allocator: bursar=[(1.0, 100), ...]."""
    turns = {allocator: [Turn(sample(wall_s, kibibytes)) for wall_s, kibibytes in pairs]
             for allocator, pairs in samples.items()}
    turns |= {allocator: [Turn(None, reason)] for allocator, reason in (failures or {}).items()}
    return Result(ScriptedCase(name=name, group=group), turns)


class BenchCase(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="bursar-bench-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.context = Context(BUILD, self.directory / "inputs", LAUNCHER)
