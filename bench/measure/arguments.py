"""What the commands have in common in how they read their arguments and where they find the launcher."""

import argparse
import re
from pathlib import Path

from errors import BadInput


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise BadInput(f"{message}; --help names the options")


def count(text: str) -> int:
    if re.fullmatch(r"[1-9][0-9]{0,3}", text) is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of runs")
    return int(text)


def launcher_in(build: Path) -> Path:
    launcher = build / "bench/measure/measure"
    if not launcher.is_file():
        raise BadInput(f"no {launcher}: `./dev bench` and `./dev translate` build it")
    return launcher
