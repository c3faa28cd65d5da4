"""One line that says how far a run is, on a terminal; plain lines elsewhere. On standard error."""

import shutil
import sys
import time


def duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    return f"{minutes}:{seconds:02}"


class Progress:
    """Where in the cases a run is."""

    def __init__(self, cases: int, seconds_max: float | None, stream=None):
        self._cases = cases
        self._seconds_max = seconds_max
        self._stream = stream if stream is not None else sys.stderr
        self._is_terminal = self._stream.isatty()
        self._start = time.monotonic()
        self._number = 0
        self._name = ""

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._start

    def begin(self, name: str) -> None:
        """The next case starts."""
        self._number += 1
        self._name = name
        if not self._is_terminal:
            self._print(f"case {self._number} of {self._cases}: {name} ({self._times()})\n")

    def step(self, what: str) -> None:
        """What the case does now; only a terminal is told."""
        if self._is_terminal:
            line = f"case {self._number} of {self._cases}: {self._name}, {what} ({self._times()})"
            self._print("\r\x1b[K" + line[:shutil.get_terminal_size().columns - 1])

    def clear(self) -> None:
        """Makes room for other output."""
        if self._is_terminal:
            self._print("\r\x1b[K")

    def _times(self) -> str:
        done = self._number - 1
        text = f"{duration(self.elapsed_s)} so far"
        if done:
            rest = self.elapsed_s / done * (self._cases - done)
            if self._seconds_max is not None:
                rest = min(rest, max(0.0, self._seconds_max - self.elapsed_s))
            text += f", about {duration(rest)} to go"
        return text

    def _print(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
