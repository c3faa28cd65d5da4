"""What the cases with a server share: only the server is on the allocator under test."""

import dataclasses
import os
import subprocess
import time
from pathlib import Path

from launcher import Context, Launched, RunFailed, Sample, plain_environment, start
from program import Program

START_SECONDS_MAX = 30
CLIENT_SECONDS_MAX = 120

# Preloaded where nothing else is: Debian links some servers to jemalloc, and its malloc is then not glibc's.
GLIBC = "libc.so.6"


@dataclasses.dataclass(frozen=True)
class Server(Program):
    """A server that works for clients on glibc.

    wall_s is how long the clients' work takes; the rest is the server's own, from its start to its end.
    """

    def server(self, directory: Path) -> list:
        """The command of the server, in whose directory it runs."""
        raise NotImplementedError

    def process_id(self, directory: Path) -> int:
        """Of the server; 0 while it does not answer."""
        raise NotImplementedError

    def work(self, directory: Path, scale: float) -> None:
        """What the clients want."""
        raise NotImplementedError

    def answer(self, directory: Path) -> str:
        """What the server holds after the work."""
        raise NotImplementedError

    def run_in(self, directory: Path, context: Context, library: str | None, scale: float) -> tuple[Sample, str]:
        launched = start(context, self.server(directory), library or GLIBC, self.environment, cwd=directory)
        try:
            process = self._wait_for_start(launched, directory)
            check_mapped(process, library or GLIBC)
            begin = time.monotonic()
            measured = self.work_measured(process, directory, scale)
            wall_s = time.monotonic() - begin
            answer = self.answer(directory)
            launched.terminate()
            return dataclasses.replace(launched.wait(), wall_s=wall_s, **measured), answer
        finally:
            launched.kill()

    def work_measured(self, process: int, directory: Path, scale: float) -> dict:
        """The work, and what of a sample is known better than by the launcher."""
        self.work(directory, scale)
        return {}

    def _wait_for_start(self, launched: Launched, directory: Path) -> int:
        end = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < end and launched.is_running():
            process = self.process_id(directory)
            if process:
                return process
            time.sleep(0.02)
        raise RunFailed(f"the server does not answer: {launched.stderr()}")


def check_mapped(process: int, library: str) -> None:
    """The dynamic linker ignores a library that it cannot open, above all one another user may not read."""
    names = [line.split()[-1] for line in Path(f"/proc/{process}/maps").read_text().splitlines()]
    if os.path.realpath(library) not in names and library not in map(os.path.basename, names):
        raise RunFailed(f"the server runs without {library}")


def client(directory: Path, command: list, stdin: str = "") -> str:
    """What a client says, which runs in the server's directory and must end well."""
    done = subprocess.run([str(word) for word in command], cwd=directory, env=plain_environment(), input=stdin,
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=CLIENT_SECONDS_MAX)
    if done.returncode != 0:
        raise RunFailed(f"{command[0]}: {done.stderr.strip()[-200:]}")
    return done.stdout
