"""Starts what is measured under the launcher, measure.c, and reads what it took: a sample.

Only what is started by `launch` (or by `start`, for a server) runs on the preloaded library and in the given environment.
"""

import dataclasses
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

RUN_SECONDS_MAX = 120
STDERR_SHOWN_CHARACTERS_MAX = 300
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


class RunFailed(Exception):
    """The measured program died, said that it failed, or did not end: the message says which."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """What one run took."""
    wall_s: float
    user_s: float
    system_s: float
    page_faults: int
    peak_rss_kib: int
    metrics: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Context:
    """Where things are."""
    build: Path
    inputs: Path  # each case has a directory of its own below: inputs / case.name
    launcher: Path
    run_seconds_max: float = RUN_SECONDS_MAX
    variables: tuple[tuple[str, str], ...] = ()  # of the measured program's environment, for the allocator that runs


class Launched:
    """A program that `start` started under the launcher."""

    def __init__(self, process, stdout_path, stderr_file, directory, seconds_max):
        self._process = process
        self._seconds_max = seconds_max
        self._stderr_file = stderr_file
        self._directory = directory  # removed with this object
        self.stdout_path = stdout_path

    def is_running(self) -> bool:
        return self._process.poll() is None

    def terminate(self) -> None:
        """Asks the program to end; `wait` then gives its sample if it ends with status 0."""
        self._process.terminate()

    def kill(self) -> None:
        """Ends the program and all it started, and leaves no sample. Harmless after the end."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def wait(self, timeout_s: float | None = None) -> Sample:
        """The sample, once the program has ended with status 0; RunFailed otherwise. No timeout: the context's."""
        timeout_s = self._seconds_max if timeout_s is None else timeout_s
        try:
            printed, _ = self._process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise RunFailed(f"still running after {timeout_s:g} s") from None
        finally:
            # What the program left behind would run beside the next measurement.
            self.kill()
        if self._process.returncode != 0:
            raise RunFailed(f"the launcher failed: {self.stderr()}")
        usage = json.loads(printed)
        status = usage.pop("status")
        if status != 0:
            raise RunFailed(" ".join(f"{describe(status)} {self.stderr()}".split()))
        return Sample(**usage, metrics=metrics_in(self.stdout_path))

    def stderr(self) -> str:
        self._stderr_file.seek(0)
        return self._stderr_file.read().decode(errors="replace").strip()[:STDERR_SHOWN_CHARACTERS_MAX]


def start(context: Context, command, library: str | None, environment: dict[str, str] | None = None, *,
          stdout: Path | None = None, stdin: Path | None = None, cwd: Path | None = None) -> Launched:
    """Starts `command` on `library` (None: glibc). Whoever calls this calls `kill` in the end, whatever happens."""
    directory = tempfile.TemporaryDirectory(prefix="bursar-bench-")
    stdout_path = Path(stdout or Path(directory.name) / "stdout")
    stdout_path.touch()  # so that it can be watched from now on
    order = [str(context.launcher), "--stdout", str(stdout_path)]
    for name, value in [*(environment or {}).items(), *context.variables]:
        order += ["-e", f"{name}={value}"]
    if library is not None:
        order += ["--preload", str(library)]
    stderr_file = tempfile.TemporaryFile()
    with open(stdin or os.devnull, "rb") as stdin_file:
        process = subprocess.Popen(
            [*order, "--", *map(str, command)], stdin=stdin_file, stdout=subprocess.PIPE, stderr=stderr_file, cwd=cwd,
            env=plain_environment(), text=True, start_new_session=True)
    return Launched(process, stdout_path, stderr_file, directory, context.run_seconds_max)


def launch(context: Context, command, library: str | None, environment: dict[str, str] | None = None, *,
           stdout: Path | None = None, stdin: Path | None = None, cwd: Path | None = None,
           timeout_s: float | None = None) -> Sample:
    """Runs `command` on `library` to its end, which must be status 0.

    Lines `metric NAME VALUE UNIT` of its standard output become the sample's metrics; `stdout` names a file to keep.
    """
    launched = start(context, command, library, environment, stdout=stdout, stdin=stdin, cwd=cwd)
    try:
        return launched.wait(timeout_s)
    finally:
        launched.kill()


def plain_environment() -> dict[str, str]:
    """Nothing of the caller's environment that could make two runs, or two machines, differ."""
    return {"PATH": SYSTEM_PATH, "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def metrics_in(path: Path) -> dict[str, float]:
    """The metrics that a workload printed. Programs print anything, in any size: only whole lines of the form count."""
    metrics = {}
    with open(path, "rb") as lines:
        for line in lines:
            if line.startswith(b"metric "):
                words = line.split()
                if len(words) == 4:
                    metrics[words[1].decode(errors="replace")] = float(words[2])
    return metrics


def describe(status: int) -> str:
    """`status` as the launcher says it."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
