"""The command on two short cases: scripted_compare.py RECORD ARGUMENTS...

Every run appends a line to RECORD. The case `crashing` dies under a library whose name BURSAR_BENCH_CRASH gives, or where the
variable BURSAR_BENCH_KILLS is yes, and a run is interrupted when RECORD has as many lines as BURSAR_BENCH_INTERRUPT says.
"""

import dataclasses
import os
import pathlib
import signal
import sys
import unittest.mock

import bench_case

import compare
import selection
from case import Case
from launcher import launch

RECORD = pathlib.Path(sys.argv[1])


@dataclasses.dataclass(frozen=True)
class ShortCase(Case):
    command: tuple[str, ...] = ()

    def run(self, context, library, scale):
        runs = len(RECORD.read_text().splitlines()) if RECORD.exists() else 0
        if os.environ.get("BURSAR_BENCH_INTERRUPT") == str(runs):
            os.kill(os.getpid(), signal.SIGINT)
        with open(RECORD, "a", encoding="utf-8") as record:
            record.write(f"{self.name} {library}\n")
        return launch(context, self.command, library)


CRASHING = (f'case "$LD_PRELOAD:$BURSAR_BENCH_KILLS" in *{os.environ.get("BURSAR_BENCH_CRASH", "none")}*|*:yes) '
            'kill -SEGV $$;; esac')
CASES = [
    ShortCase("short", "workloads", "What does a program cost that does nothing?", command=("/bin/true",)),
    ShortCase("crashing", "programs", "Who crashes?", packages=("coreutils",), command=("/bin/sh", "-c", CRASHING)),
]

if __name__ == "__main__":
    selection.all_cases = lambda: CASES
    if not any(word.startswith("--chart") for word in sys.argv):
        sys.modules["chart"] = unittest.mock.Mock()  # matplotlib takes longer than all else
    sys.exit(compare.main([str(bench_case.BUILD), *sys.argv[2:]]))
