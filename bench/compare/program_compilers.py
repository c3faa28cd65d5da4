"""Compilers on a unit with many headers and templates."""

import dataclasses
from pathlib import Path

from program import SCRIPTS, OneCommand, digest_if_long, installed


@dataclasses.dataclass(frozen=True)
class Compiler(OneCommand):
    """The driver and all that it starts; the answer is the assembly."""
    compiler: str = ""
    parts: int = 0  # instantiations in a full run; the headers alone are the least there is

    def command(self, directory: Path, inputs: Path, scale: float) -> list:
        return [installed(self.compiler), "-std=c++20", "-O1", "-S", f"-DPARTS={round(self.parts * scale)}",
                "-o", directory / "work.s", SCRIPTS / self.scripts[0]]

    def answer(self, directory: Path, stdout: Path) -> str:
        return digest_if_long((directory / "work.s").read_bytes())


CASES = (
    Compiler("gcc", question="GCC: headers, templates, optimization?", packages=("g++",),
             compiler="g++", scripts=("work.cpp",), parts=2),
    Compiler("clang", question="Clang: headers, templates, optimization?", packages=("clang", "g++"),
             compiler="clang++", scripts=("work.cpp",), parts=2),
)
