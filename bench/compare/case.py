"""What a measurement is: a case is run on an allocator and gives a sample.

A case derives from Case and gives `run`, which starts what is measured by `launch` (or by `start`, for a server) so
that the allocator is in that program alone.
"""

import dataclasses
from pathlib import Path

from launcher import Context, Sample


@dataclasses.dataclass(frozen=True)
class Case:
    """One question put to every allocator."""
    name: str  # unique, of a-z, 0-9, '-' and '.'
    group: str  # "workloads" or "programs"
    question: str  # one line
    packages: tuple[str, ...] = ()  # the Debian packages it needs
    metric_units: dict[str, str] = dataclasses.field(default_factory=dict)  # of the further metrics of its samples

    def files(self, context: Context) -> tuple[Path, ...]:
        """Files whose content decides what is measured, beside the module of the case: its program, its scripts.

        Samples of an earlier run count only while these are the same.
        """
        return ()

    def prepare(self, inputs: Path) -> None:
        """Makes input files in `inputs`, the directory of this case; called before every series, cheap when done."""

    def run(self, context: Context, library: str | None, scale: float) -> Sample:
        """One run on `library` (None: glibc) with `scale` times the whole work. Raises RunFailed."""
        raise NotImplementedError
