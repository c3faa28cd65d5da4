"""Every finished sample, kept as it comes: a run that was interrupted goes on where it was.

One JSON object a line. The first line says what the file is; the others are records of one allocator's turn in one
round, or say which cases were begun afresh. Lines are only ever appended.
"""

import dataclasses
import fcntl
import json
import os
from pathlib import Path

from errors import BadInput
from launcher import Sample

FILE_NAME = "journal.jsonl"
FIRST_LINE = {"bursar-bench-journal": 1}


@dataclasses.dataclass(frozen=True)
class Turn:
    """One allocator's turn in a round: a sample, or why there is none."""
    sample: Sample | None
    failure: str = ""


class Journal:
    """Turns by the key of the case, the round, and the allocator with its library's hash."""

    def __init__(self, directory: Path):
        self.path = directory / FILE_NAME
        self._rounds: dict[str, dict[str, dict[tuple[str, str], Turn]]] = {}
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = open(self.path, "a+b")
        except OSError as fault:
            raise BadInput(f"cannot write {self.path}: {fault.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(f"another run is writing {self.path}; give this one its own --output") from None
        self._load()

    def rounds(self, case_key: str) -> list[dict[tuple[str, str], Turn]]:
        """The rounds of a case, oldest first."""
        return list(self._rounds.get(case_key, {}).values())

    def append(self, case_key: str, case_name: str, round_id: str, allocator: tuple[str, str], turn: Turn) -> None:
        record = {"case": case_name, "case_key": case_key, "round": round_id, "allocator": list(allocator)}
        if turn.sample is not None:
            record["sample"] = dataclasses.asdict(turn.sample)
        else:
            record["failure"] = turn.failure
        self._write(record)
        self._keep(record)

    def discard(self, case_keys: list[str]) -> None:
        """Forgets these cases; those of other runs stay."""
        record = {"afresh": case_keys}
        self._write(record)
        self._keep(record)

    def close(self) -> None:
        self._file.close()

    def _write(self, record) -> None:
        # One write of one line: an interrupt leaves the whole line or nothing of it.
        os.write(self._file.fileno(), json.dumps(record).encode() + b"\n")

    def _load(self) -> None:
        self._file.seek(0)
        content = self._file.read()
        lines = content.split(b"\n")
        # What has no end of line was cut off, by a full disk or a lost machine.
        if lines.pop():
            os.truncate(self.path, content.rfind(b"\n") + 1)
        if not lines:
            self._write(FIRST_LINE)
        for number, line in enumerate(lines, 1):
            try:
                record = json.loads(line)
                if number > 1:
                    self._keep(record)
                elif record != FIRST_LINE:
                    raise ValueError
            except (ValueError, KeyError, TypeError):
                raise BadInput(f"{self.path}:{number}: not a line of this journal; mend it, move it away, "
                               "or give another --output") from None

    def _keep(self, record) -> None:
        if "afresh" in record:
            for case_key in record["afresh"]:
                self._rounds.pop(case_key, None)
            return
        sample = Sample(**record["sample"]) if "sample" in record else None
        turn = Turn(sample, "" if sample else str(record["failure"]))
        name, library_hash = record["allocator"]
        self._rounds.setdefault(record["case_key"], {}).setdefault(record["round"], {})[name, library_hash] = turn
