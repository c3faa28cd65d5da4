"""Which Python files are translated: always the same, of Debian packages that are named here."""

import dataclasses
import hashlib
import re
import subprocess
from pathlib import Path

from errors import BadInput

PYTHON = Path("/usr/bin/python3")
# Python's library in its parts, and two large packages that make up a thousand files with them; no documentation, no tests of Python.
PACKAGES = ("libpython{version}-minimal", "libpython{version}-stdlib", "python3-distutils", "python3-lib2to3", "python3-setuptools",
            "python3-numpy")
SOURCE = re.compile(r"/usr/lib/python3[^/]*/.*\.py")


@dataclasses.dataclass(frozen=True)
class Corpus:
    """All files there are to choose from, in the order they are chosen in."""
    versions: dict[str, str]  # of the packages
    files: tuple[Path, ...]

    def first(self, count: int) -> tuple[Path, ...]:
        """`count` files; fewer are the first of more."""
        if count > len(self.files):
            raise BadInput(f"{count} files are wanted, {len(self.files)} are there (Debian packages {' '.join(self.versions)})")
        return self.files[:count]


def packages() -> list[str]:
    """The names of PACKAGES with the version of Debian's python3."""
    try:
        said = subprocess.run([PYTHON, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], stdout=subprocess.PIPE, text=True,
                              check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError) as fault:
        raise BadInput(f"{PYTHON} does not tell its version: {fault}") from None
    return [package.format(version=said.strip()) for package in PACKAGES]


def find() -> Corpus:
    """The Python files of the packages that are installed. Empty ones are left out: there is nothing to translate."""
    versions = {package: version for package in packages() if (version := version_of(package))}
    listed = {line for package in versions for line in output_of("dpkg-query", "-L", package).splitlines() if SOURCE.fullmatch(line)}
    files = [path for path in map(Path, listed) if path.is_file() and not path.is_symlink() and path.stat().st_size > 0]
    return Corpus(versions, tuple(sorted(files, key=place)))


def place(path: Path) -> str:
    """Where a file stands in the order: a mixture of the packages that does not depend on what else is installed."""
    return hashlib.sha256(str(path).encode()).hexdigest()


def version_of(package: str) -> str:
    """Empty where it is not installed."""
    status, _, version = output_of("dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package).partition(" ")
    return version if status == "installed" else ""


def output_of(*command: str) -> str:
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60).stdout
    except FileNotFoundError:
        raise BadInput(f"there is no {command[0]}: the files come from Debian packages") from None
