"""A PostgreSQL server under pgbench."""

import contextlib
import dataclasses
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from launcher import RunFailed, plain_environment
from program import SCRIPTS, amount, fingerprint
from program_server import START_SECONDS_MAX, Server, client

USER, GROUP = "nobody", "nogroup"  # whose the server is where we are root, which it refuses to be
DATABASE = "postgres"
CLIENTS, CLIENT_THREADS = 4, 2
SAMPLES_PER_SECOND = 10
SETTINGS = {
    "listen_addresses": "", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off",
    "shared_buffers": "16MB", "work_mem": "16MB", "max_parallel_workers_per_gather": "0", "jit": "off",
}


def program(name: str) -> Path:
    """PostgreSQL's own programs are in no PATH; of several versions the last."""
    def version(path):
        return [int(number) for number in re.findall(r"\d+", path.parts[4])]

    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=version)
    if not found:
        raise RunFailed(f"PostgreSQL's {name} is not installed")
    return found[-1]


def as_user(command: list) -> list:
    if os.geteuid() != 0:
        return command
    return ["setpriv", f"--reuid={USER}", f"--regid={GROUP}", "--clear-groups", "--pdeathsig=KILL", *command]


def give_away(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, USER, GROUP)


def server_command(data: Path, sockets: Path) -> list:
    settings = {**SETTINGS, "unix_socket_directories": sockets}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return as_user([program("postgres"), "-D", data, *options])


def postmaster(data: Path) -> int:
    """Its process, once it takes connections."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return 0
    return int(lines[0]) if len(lines) > 7 and lines[7].strip() == "ready" else 0


def ask(directory: Path, arguments: list) -> str:
    return client(directory, [program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", directory,
                              "-U", "bench", "-d", DATABASE, *arguments])


@dataclasses.dataclass(frozen=True)
class Postgres(Server):
    """A server, each of whose processes has a heap of its own.

    peak_rss_kib is what all of them held together at most: the sum of their PSS, sampled.
    """
    transactions: int = 0  # of each client

    def place_for_files(self, inputs: Path) -> Path:
        return Path(tempfile.gettempdir())  # The path of a socket must be short, and open to another user.

    def make_inputs(self, inputs: Path) -> None:
        cluster = self._cluster(inputs)
        if cluster.exists():
            return
        unfinished = inputs / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="bursar-bench-") as name:
            directory = Path(name)
            give_away(directory)
            client(directory, as_user([program("initdb"), "--no-sync", "-A", "trust", "-U", "bench", "--locale=C.UTF-8",
                                       "-D", directory / "data"]))
            with running(directory):
                ask(directory, ["-f", SCRIPTS / self.scripts[0]])
            shutil.copytree(directory / "data", unfinished)
        unfinished.rename(cluster)

    def _cluster(self, inputs: Path) -> Path:
        """Another version of PostgreSQL cannot read it, other tables are another one."""
        return inputs / f"cluster-{fingerprint(program('postgres'), SCRIPTS / self.scripts[0], __file__)}"

    def server(self, directory: Path) -> list:
        # Every run begins with the same cluster; directory / "data" belongs to the user whose the server is.
        return server_command(directory / "data", directory)

    def run_in(self, directory, context, library, scale):
        give_away(directory)
        shutil.copytree(self._cluster(context.inputs / self.name), directory / "data")
        for path in (directory / "data", *(directory / "data").rglob("*")):
            give_away(path)
        # Beside the data: the other user may not be allowed to look where the library is.
        readable = None if library is None else shutil.copy(library, directory)
        return super().run_in(directory, context, readable, scale)

    def process_id(self, directory: Path) -> int:
        return postmaster(directory / "data")

    def work(self, directory: Path, scale: float) -> None:
        client(directory, [program("pgbench"), "-n", "-h", directory, "-U", "bench", "--random-seed=7", "-c", CLIENTS,
                           "-j", CLIENT_THREADS, "-t", amount(self.transactions, scale),
                           "-f", SCRIPTS / self.scripts[1], DATABASE])

    def work_measured(self, process: int, directory: Path, scale: float) -> dict:
        with PeakOfAll(process) as peak:
            self.work(directory, scale)
        return {"peak_rss_kib": peak.kibibytes}

    def answer(self, directory: Path) -> str:
        return ask(directory, ["-c", "SELECT sum(balance), (SELECT count(*) FROM booking) FROM account"])


@contextlib.contextmanager
def running(directory: Path):
    """A server on glibc, to fill the cluster."""
    process = subprocess.Popen(server_command(directory / "data", directory), env=plain_environment(), cwd=directory,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + START_SECONDS_MAX
        while not postmaster(directory / "data"):
            if process.poll() is not None or time.monotonic() > end:
                raise RunFailed("PostgreSQL does not start")
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait()


class PeakOfAll:
    """The most that a process and its children held together during a `with`."""

    def __init__(self, process: int):
        self.kibibytes = 0
        self._process = process
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()

    def _sample(self):
        while True:
            processes = [self._process, *children_of(self._process)]
            self.kibibytes = max(self.kibibytes, sum(map(proportional_kib, processes)))
            if self._end.wait(1 / SAMPLES_PER_SECOND):
                return


def children_of(process: int) -> list[str]:
    try:
        return Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []


def proportional_kib(process) -> int:
    """The process's pages, each divided by the number of processes that have it; 0 when it is gone."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1])


CASES = (
    Postgres("postgres", question="PostgreSQL: changes, sorts, groups, JSON?", packages=("postgresql",),
             scripts=("postgres_tables.sql", "postgres_transaction.sql"), transactions=250),
)
