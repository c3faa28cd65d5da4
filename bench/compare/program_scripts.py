"""Interpreters and a database that run a script of ours."""

import dataclasses
from pathlib import Path

from program import SCRIPTS, OneCommand, amount, installed


@dataclasses.dataclass(frozen=True)
class Script(OneCommand):
    """An interpreter; the script is told its number of rounds."""
    interpreter: str = ""
    rounds: int = 0  # of a full run

    def command(self, directory: Path, inputs: Path, scale: float) -> list:
        return [installed(self.interpreter), SCRIPTS / self.scripts[0], amount(self.rounds, scale)]


@dataclasses.dataclass(frozen=True)
class Sqlite(OneCommand):
    """A database in memory; its sorters too stay there."""
    rows: int = 0

    def command(self, directory: Path, inputs: Path, scale: float) -> list:
        # Not in the script: a change of temp_store drops the parameters.
        orders = ("PRAGMA temp_store = MEMORY", ".parameter init", f".parameter set :rows {amount(self.rows, scale)}")
        first = [word for order in orders for word in ("-cmd", order)]
        return [installed("sqlite3"), "-batch", "-bail", *first, ":memory:"]

    def stdin(self) -> Path:
        return SCRIPTS / self.scripts[0]


# Hashes in the order of every other run, or the work would differ.
PYTHON = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}

CASES = (
    Script("python", question="Python objects, with Python's own pools above malloc?", packages=("python3",),
           interpreter="python3", scripts=("work.py",), rounds=250, environment=PYTHON),
    Script("python-malloc", question="Python objects, each from malloc (PYTHONMALLOC=malloc)?", packages=("python3",),
           interpreter="python3", scripts=("work.py",), rounds=250, environment={**PYTHON, "PYTHONMALLOC": "malloc"}),
    Script("perl", question="Perl: lines split into hashes, grouped, sorted, joined?", packages=("perl",),
           interpreter="perl", scripts=("work.pl",), rounds=150, environment={"PERL_HASH_SEED": "0"}),
    Script("lua", question="Lua: trees, strings, closures?", packages=("lua5.4",),
           interpreter="lua5.4", scripts=("work.lua",), rounds=150),
    Script("node", question="Node beside V8's own heap: buffers, compression, parsing?", packages=("nodejs",),
           interpreter="node", scripts=("work.js",), rounds=650),
    Sqlite("sqlite", question="SQLite in memory: indexes, joins, groups, changes?", packages=("sqlite3",),
           scripts=("work.sql",), rows=400000),
)
