"""The variants of the translator, and what one run of one of them gives."""

import dataclasses
import json
import tempfile
from pathlib import Path

from launcher import Context, RunFailed, Sample, launch
from wording import counted

TASK_KIND = "translate"  # what the translator calls the task of a file


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to translate; all give the same text."""
    key: str
    title: str
    memory: str
    scan: str
    on_bursar: bool = False  # by preload; otherwise on the system's malloc
    threads: int = 1

    def with_threads(self, threads: int) -> "Variant":
        return dataclasses.replace(self, threads=threads)

    def __str__(self) -> str:
        return f"{self.title}, {counted(self.threads, 'thread')}"


BASELINE = Variant("baseline", "baseline", "standard", "scalar")
SCAN = Variant("scan", "+ scan", "standard", "simd")
MEMORY = Variant("memory", "+ memory", "runtime", "scalar")
BOTH = Variant("both", "both", "runtime", "simd")
BOTH_ON_BURSAR = Variant("both-on-bursar", "both, on bursar", "runtime", "simd", on_bursar=True)
BASELINE_ON_BURSAR = Variant("baseline-on-bursar", "baseline, on bursar", "standard", "scalar", on_bursar=True)
VARIANTS = (BASELINE, SCAN, MEMORY, BOTH, BOTH_ON_BURSAR, BASELINE_ON_BURSAR)


@dataclasses.dataclass(frozen=True)
class Translation:
    """What one run took, seen from outside, and what it said of itself."""
    sample: Sample
    report: dict


@dataclasses.dataclass(frozen=True)
class Allocations:
    """Calls of malloc and its relatives per file. Median and p99 are the account's: at most an eighth below the true value."""
    median: int
    p99: int
    highest: int
    total: int
    files: int


class Translator:
    """Runs the program of bench/translate on one list of files."""

    def __init__(self, context: Context, files: tuple[Path, ...]):
        self._context = context
        self._files = files
        self._directory = tempfile.TemporaryDirectory(prefix="bursar-translate-")
        self._list = Path(self._directory.name) / "files"
        self._list.write_text("".join(f"{path}\n" for path in files))

    def close(self) -> None:
        self._directory.cleanup()

    def translate(self, variant: Variant) -> Translation:
        """Raises RunFailed, also when not every file was translated."""
        return self._run(variant, str(library_of(self._context)) if variant.on_bursar else None, {})

    def count(self, variant: Variant) -> Allocations:
        """Allocations by bursar's own account, so always on bursar. Raises RunFailed."""
        path = Path(self._directory.name) / "account"
        self._run(variant, str(library_of(self._context)), {"BURSAR": f"stats=json,tasks=api,out={path}"})
        return allocations_in(path)

    def _run(self, variant: Variant, library: str | None, environment: dict[str, str]) -> Translation:
        stdout = Path(self._directory.name) / "stdout"
        command = [program_of(self._context), f"--memory={variant.memory}", f"--scan={variant.scan}", f"--threads={variant.threads}",
                   "--json", f"--list={self._list}"]
        sample = launch(self._context, command, library, environment, stdout=stdout)
        report = report_in(stdout)
        if report["files"] != len(self._files):
            raise RunFailed(f"it translated {report['files']} of {len(self._files)} files")
        return Translation(sample, report)


def program_of(context: Context) -> Path:
    return context.build / "bench/translate/translate"


def library_of(context: Context) -> Path:
    return context.build / "libbursar.so"


def report_in(path: Path) -> dict:
    """What the translator printed."""
    try:
        report = json.loads(path.read_text())
        return {key: report[key] for key in ("files", "bytes", "tokens", "statements", "opaque_statements", "output_bytes",
                                             "output_hash", "read_ns", "translate_ns", "wall_ns", "faults")}
    except (ValueError, KeyError, TypeError) as fault:
        raise RunFailed(f"what it printed is no report: {fault!r}") from None


def allocations_in(path: Path) -> Allocations:
    """Those of the tasks of the translator in a report of bursar."""
    try:
        kinds = {kind["kind"]: kind for kind in json.loads(path.read_text())["task_kinds"]}
        kind = kinds[TASK_KIND]
        per_task = kind["allocations_per_task"]
        return Allocations(per_task["median"], per_task["p99"], per_task["highest"], per_task["total"], kind["tasks_ended"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise RunFailed(f"bursar's account has no tasks of the kind {TASK_KIND!r}: {fault!r}") from None
