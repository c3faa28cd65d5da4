"""What the cases with real programs share: programs of Debian, and an answer that no allocator may change."""

import dataclasses
import hashlib
import inspect
import shutil
import tempfile
from pathlib import Path

from case import Case
from launcher import SYSTEM_PATH, Context, RunFailed, Sample, launch

SCRIPTS = Path(__file__).resolve().parents[1] / "programs"
ANSWER_CHARACTERS_MAX = 2000


def installed(name: str) -> str:
    """The distribution's own program, before any other of that name."""
    path = shutil.which(name, path=f"/usr/bin:/usr/sbin:{SYSTEM_PATH}")
    if path is None:
        raise RunFailed(f"{name} is not installed")
    return path


def amount(full: int, scale: float) -> int:
    """`scale` times the whole work, but never none."""
    return max(1, round(full * scale))


def fingerprint(*files: str | Path) -> str:
    """A part of a name that is another once these files are others: for inputs that are made from them."""
    content = hashlib.sha256()
    for file in files:
        content.update(Path(file).read_bytes())
    return content.hexdigest()[:8]


@dataclasses.dataclass(frozen=True)
class Program(Case):
    """A program whose answer is compared with that of the runs before it: wrong results are not worth measuring."""
    group: str = "programs"
    question: str = ""
    scripts: tuple[str, ...] = ()  # of bench/programs
    environment: dict[str, str] = dataclasses.field(default_factory=dict)

    def files(self, context: Context) -> tuple[Path, ...]:
        modules = (inspect.getfile(kind) for kind in type(self).__mro__ if issubclass(kind, Program))
        return (*map(Path, modules), *(SCRIPTS / script for script in self.scripts))

    def prepare(self, inputs: Path) -> None:
        inputs.mkdir(parents=True, exist_ok=True)
        for answer in inputs.glob("answer-*"):
            answer.unlink()
        self.make_inputs(inputs)

    def make_inputs(self, inputs: Path) -> None:
        """Makes what `run_in` reads; cheap when it is there."""

    def run(self, context: Context, library: str | None, scale: float) -> Sample:
        sample, answer = self.run_and_answer(context, library, scale)
        self._compare(answer, context.inputs / self.name / f"answer-{scale:g}")
        return sample

    def run_and_answer(self, context: Context, library: str | None, scale: float) -> tuple[Sample, str]:
        """A run in a directory of its own, and what must be the same on every allocator."""
        place = self.place_for_files(context.inputs / self.name)
        with tempfile.TemporaryDirectory(prefix="bursar-bench-", dir=place) as directory:
            return self.run_in(Path(directory), context, library, scale)

    def place_for_files(self, inputs: Path) -> Path:
        """Where a run has its directory."""
        return inputs

    def run_in(self, directory: Path, context: Context, library: str | None, scale: float) -> tuple[Sample, str]:
        raise NotImplementedError

    def _compare(self, answer: str, known: Path) -> None:
        if not answer:
            raise RunFailed("it gave no answer")
        if not known.exists():
            known.write_text(answer)
        elif known.read_text() != answer:
            raise RunFailed(f"its answer is {answer[:80]!r}, that of an earlier run {known.read_text()[:80]!r}")


@dataclasses.dataclass(frozen=True)
class OneCommand(Program):
    """A program that is started, does its work and ends."""

    def command(self, directory: Path, inputs: Path, scale: float) -> list:
        """What to run; it may write into `directory`."""
        raise NotImplementedError

    def stdin(self) -> Path | None:
        return None

    def answer(self, directory: Path, stdout: Path) -> str:
        return digest_if_long(stdout.read_bytes())

    def run_in(self, directory: Path, context: Context, library: str | None, scale: float) -> tuple[Sample, str]:
        stdout = directory / "stdout"
        command = self.command(directory, context.inputs / self.name, scale)
        sample = launch(context, command, library, self.environment, stdout=stdout, stdin=self.stdin(), cwd=directory)
        return sample, self.answer(directory, stdout)


def digest_if_long(answer: bytes) -> str:
    if len(answer) <= ANSWER_CHARACTERS_MAX:
        return answer.decode(errors="replace").strip()
    return f"{len(answer)} bytes, sha256 {hashlib.sha256(answer).hexdigest()}"
