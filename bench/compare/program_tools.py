"""A solver, a renderer and a store: large C++ and C programs with heaps of their own character."""

import dataclasses
import os
import random
import re
import shutil
from pathlib import Path

from program import SCRIPTS, OneCommand, amount, installed

MEMORY = Path("/dev/shm")
ROCKSDB_BYTES_MAX = 256 << 20  # of its files, with those that a compaction is about to remove


def job_shop(chance: random.Random, jobs: int, machines: int) -> str:
    """Whether tasks with an order and a machine each fit into the time."""
    tasks = [(job, step) for job in range(jobs) for step in range(machines)]
    duration = {task: chance.randint(1, 9) for task in tasks}
    machine = {}
    for job in range(jobs):
        order = chance.sample(range(machines), machines)
        machine |= {(job, step): order[step] for step in range(machines)}
    lines = [f"(declare-const s{job}_{step} Int)(assert (>= s{job}_{step} 0))" for job, step in tasks]
    busiest = max(sum(duration[task] for task in tasks if machine[task] == one) for one in range(machines))

    def begin(task):
        return "s{}_{}".format(*task)

    def end(task):
        return f"(+ {begin(task)} {duration[task]})"

    for job, step in tasks:
        task, after = (job, step), (job, step + 1)
        lines.append(f"(assert (>= {begin(after)} {end(task)}))" if after in machine else
                     f"(assert (<= {end(task)} {busiest + 3}))")
        for other in tasks:
            if other[0] < job and machine[other] == machine[task]:
                lines.append(f"(assert (or (>= {begin(other)} {end(task)}) (>= {begin(task)} {end(other)})))")
    return "\n".join(lines)


def mixing(chance: random.Random, rounds: int) -> str:
    """What two words must be for a mixing of their bits to give these."""
    word = "(_ BitVec 32)"
    lines = [f"(declare-const k {word})(declare-const m {word})"]
    left, right = "k", "m"
    for step in range(rounds):
        shift, constant = f"#x{chance.randint(1, 7):08x}", f"#x{chance.getrandbits(32):08x}"
        lines.append(f"(define-fun t{step} () {word} (bvadd (bvxor {left} (bvshl {right} {shift})) {constant}))")
        lines.append(f"(define-fun u{step} () {word} (bvxor {right} (bvadd t{step} (bvlshr {left} {shift}))))")
        left, right = f"t{step}", f"u{step}"
    lines.append(f"(assert (= (bvand {left} #x0000ffff) #x{chance.getrandbits(16):08x}))")
    return "\n".join(lines)


@dataclasses.dataclass(frozen=True)
class Z3(OneCommand):
    """Problems one after the other in one process; a problem's answer does not depend on where blocks lie."""
    problems: int = 0

    def command(self, directory: Path, inputs: Path, scale: float) -> list:
        chance = random.Random(17)
        path = directory / "problems.smt2"
        with open(path, "w") as file:
            for problem in range(amount(self.problems, scale)):
                file.write(job_shop(chance, 18, 4) if problem % 2 else mixing(chance, 10))
                file.write("\n(check-sat)(get-info :rlimit)\n(reset)\n")
        return [installed("z3"), path]


@dataclasses.dataclass(frozen=True)
class Ghostscript(OneCommand):
    """Pages rendered and measured for ink, which is the answer."""
    pages: int = 0

    def command(self, directory: Path, inputs: Path, scale: float) -> list:
        return [installed("gs"), "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=inkcov", "-r100",
                "-sOutputFile=%stdout", "-c", f"/pages {amount(self.pages, scale)} def",
                "-f", SCRIPTS / self.scripts[0]]


@dataclasses.dataclass(frozen=True)
class RocksDb(OneCommand):
    """The store's own bench: two threads of clients, and the threads that flush and compact."""
    keys: int = 0

    def command(self, directory: Path, inputs: Path, scale: float) -> list:
        return [installed("db_bench"), f"--db={directory / 'db'}", "--seed=1", "--threads=2",
                f"--num={amount(self.keys, scale)}",
                "--benchmarks=fillrandom,overwrite,flush,compact,readrandom,multireadrandom,seekrandom,updaterandom",
                "--value_size=200", "--disable_wal=1", "--compression_type=lz4", f"--write_buffer_size={4 << 20}",
                f"--cache_size={16 << 20}", f"--target_file_size_base={4 << 20}", "--max_background_jobs=2"]

    def place_for_files(self, inputs: Path) -> Path:
        # In memory: a store waits for its files to reach the disk, which takes as long as it takes.
        if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROCKSDB_BYTES_MAX:
            return inputs
        return MEMORY

    def answer(self, directory: Path, stdout: Path) -> str:
        """What was found; how many of the updates met a key depends on which thread came first."""
        return " ".join(re.findall(r"\((?:reads:)?\d+ of \d+ found\)", stdout.read_text()))


CASES = (
    Z3("z3", question="z3: schedules and bit vectors?", packages=("z3",), problems=16),
    Ghostscript("ghostscript", question="Ghostscript: text, curves, clips, images?", packages=("ghostscript",),
                scripts=("work.ps",), pages=100),
    RocksDb("rocksdb", question="RocksDB: fill, compact, read, update with two threads?", packages=("rocksdb-tools",),
            keys=70000),
)
