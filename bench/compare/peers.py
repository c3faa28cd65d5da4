"""The allocators that are compared: where their libraries are, and that they can be preloaded."""

import dataclasses
import hashlib
import os
import re
import subprocess
from pathlib import Path

from errors import BadInput
from launcher import Context, plain_environment

SUBJECT = "bursar"
BASELINE = "glibc"
NAME = re.compile(r"[a-z0-9][a-z0-9.+-]*")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PROBED_PROGRAM = "/bin/true"
HASH_CHARACTERS = 16


@dataclasses.dataclass(frozen=True)
class Allocator:
    """One that replaces malloc by a preload, or glibc's own, which needs none."""
    name: str
    library: str | None
    version: str  # the Debian package's, "" where nobody knows
    hash: str  # of the library's content, and of the variables
    variables: tuple[tuple[str, str], ...] = ()  # of its environment alone

    @property
    def is_rival(self) -> bool:
        return self.name != SUBJECT


@dataclasses.dataclass(frozen=True)
class Packaged:
    """An allocator as Debian has it; `files` are all that hold its code, the first is preloaded."""
    package: str
    files: tuple[str, ...]


DEBIAN = {
    "jemalloc": Packaged("libjemalloc2", ("libjemalloc.so.2",)),
    "mimalloc": Packaged("libmimalloc2.0", ("libmimalloc.so.2",)),
    "tcmalloc": Packaged("libtcmalloc-minimal4", ("libtcmalloc_minimal.so.4",)),
    "tbbmalloc": Packaged("libtbbmalloc2", ("libtbbmalloc_proxy.so.2", "libtbbmalloc.so.2")),
}


def packages(only: list[str] | None) -> list[str]:
    """The Debian packages of the allocators that `only` leaves in."""
    return [packaged.package for name, packaged in DEBIAN.items() if only is None or name in only]


def find(context: Context, peers: list[str], only: list[str] | None,
         settings: list[str] = ()) -> tuple[list[Allocator], list[str]]:
    """The allocators to compare, bursar first, and the names of Debian's that are not installed."""
    named = dict(parse(peer) for peer in peers)
    if len(named) < len(peers):
        raise BadInput("two peers have the same name")
    known = [SUBJECT, BASELINE, *DEBIAN, *named]
    for name in only or []:
        if name not in known:
            raise BadInput(f"no allocator {name!r}; there are: {', '.join(known)}")
    wanted = [name for name in known if only is None or name in only]
    missing = [name for name in wanted if name in DEBIAN and debian_files(name) is None]
    if only is not None and missing:
        raise BadInput(f"{missing[0]} is not installed (Debian package {DEBIAN[missing[0]].package})")
    variables = variables_of(settings, wanted)
    found = [with_variables(made(name, context, named), variables.get(name, ())) for name in wanted
             if name not in missing]
    for allocator in found:
        check_preload(context, allocator)
    return found, missing


def parse(peer: str) -> tuple[str, Path]:
    """NAME=PATH."""
    name, separator, path = peer.partition("=")
    if not separator or NAME.fullmatch(name) is None:
        raise BadInput(f"--peer {peer}: write NAME=PATH, the name of a-z, 0-9, '.', '+', '-'")
    if name in (SUBJECT, BASELINE, *DEBIAN):
        raise BadInput(f"--peer {peer}: {name} is there already; take another name")
    if not Path(path).is_file():
        raise BadInput(f"--peer {peer}: no file {path}")
    return name, Path(path).resolve()


def variables_of(settings: list[str], known: list[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """NAME:VARIABLE=VALUE, by the name of the allocator."""
    variables = {}
    for setting in settings:
        name, colon, rest = setting.partition(":")
        variable, equals, value = rest.partition("=")
        if not colon or not equals or VARIABLE.fullmatch(variable) is None:
            raise BadInput(f"--set {setting}: write NAME:VARIABLE=VALUE")
        if name not in known:
            raise BadInput(f"--set {setting}: no allocator {name!r} in this run; there are: {', '.join(known)}")
        variables[name] = (*variables.get(name, ()), (variable, value))
    return variables


def with_variables(allocator: Allocator, variables: tuple[tuple[str, str], ...]) -> Allocator:
    """The same allocator in an environment of its own: another one to the journal."""
    if not variables:
        return allocator
    content = hashlib.sha256(repr((allocator.hash, variables)).encode())
    return dataclasses.replace(allocator, variables=variables, hash=content.hexdigest()[:HASH_CHARACTERS])


def made(name: str, context: Context, named: dict[str, Path]) -> Allocator:
    if name == BASELINE:
        version = os.confstr("CS_GNU_LIBC_VERSION").split()[-1]
        return Allocator(name, None, version, hash_of([system_library("libc.so.6")]))
    if name == SUBJECT:
        library = context.build / "libbursar.so"
        if not library.is_file():
            raise BadInput(f"no {library}: `./dev build` makes it")
        return Allocator(name, str(library.resolve()), "", hash_of([library]))
    if name in named:
        return Allocator(name, str(named[name]), "", hash_of([named[name]]))
    files = debian_files(name)
    return Allocator(name, str(files[0]), package_version(DEBIAN[name].package), hash_of(files))


def debian_files(name: str) -> list[Path] | None:
    files = [system_library(file) for file in DEBIAN[name].files]
    return None if None in files else files


def system_library(file: str) -> Path | None:
    return next(iter(sorted(Path("/usr/lib").glob(f"*-linux-gnu/{file}"))), None)


def package_version(package: str) -> str:
    try:
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()


def hash_of(files) -> str:
    content = hashlib.sha256()
    for file in files:
        if file is not None:
            content.update(Path(file).read_bytes())
    return content.hexdigest()[:HASH_CHARACTERS]


def check_preload(context: Context, allocator: Allocator) -> None:
    """The dynamic linker ignores what it cannot preload, and the program would then run on glibc, unnoticed."""
    if allocator.library is None:
        return
    command = [context.launcher, "-e", "LD_DEBUG=bindings", "-e", "LD_BIND_NOW=1", "--preload", allocator.library, "--",
               PROBED_PROGRAM]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=plain_environment(), text=True,
                          errors="replace")
    refused = re.search(r"object '[^']*' from LD_PRELOAD cannot be preloaded \(([^)]*)\)", done.stderr)
    if refused:
        raise BadInput(f"{allocator.name}: {allocator.library} cannot be preloaded: {refused[1]}")
    if '"status": 0}' not in done.stdout:
        raise BadInput(f"{allocator.name}: {PROBED_PROGRAM} does not survive the preload of {allocator.library}")
    if f" to {allocator.library} [0]: normal symbol `malloc'" not in done.stderr:
        raise BadInput(f"{allocator.name}: {allocator.library} does not replace malloc")
