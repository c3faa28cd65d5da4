"""Where the time of a variant goes, by sampling with perf: shares by step of the translator, and what of each step is memory's."""

import dataclasses
import re
import subprocess
import tempfile
from pathlib import Path

from errors import BadInput
from launcher import Context, plain_environment
from variants import Variant, command_of

SAMPLES_PER_SECOND = 4999
ROUNDS = 10
SECONDS_MAX = 120
KERNEL = "kernel: files, pages"
OTHER = "other"
# The first pattern that is found in a symbol, or in the name of its library, decides.
GROUPS = (
    (KERNEL, r"^\[kernel|^\[vdso"),
    ("malloc and free", r"malloc|free|unlink_chunk|operator new|operator delete|calloc|libbursar\.so"),
    ("destructors", r"::~|_M_dispose|default_delete"),
    ("names: strings, hashes, symbols", r"_Hash|Hash_bytes|Interner|SymbolCache|Bindings|basic_string|memcmp|char_traits.*(compare|find)"),
    ("copies of bytes", r"memcpy|memmove|memset"),
    ("arena", r"bursar::Arena|ArenaPool|ArenaWork|arena_detail"),
    ("tokenizer", r"PythonTokenizer|Tokens::|lexeme|byte_scan|byte_sets"),
    ("resolver", r"Resolver<"),
    ("emitter", r"Emitter<|Output::"),
    ("parser", r"Parser<|NodeList|std::vector"),
)
LINE = re.compile(r"\s*(\d+)\s*\|\s*(\S+)\s*\|\s*\[.\]\s*(.*)")


@dataclasses.dataclass(frozen=True)
class Profile:
    """Milliseconds that one pass over the files takes, by group."""
    variant: Variant
    milliseconds: dict[str, float]

    @property
    def total(self) -> float:
        return sum(self.milliseconds.values())


def profile(context: Context, variant: Variant, files: tuple[Path, ...]) -> Profile:
    """Samples one variant with one thread on glibc's malloc. Raises BadInput where perf is missing or may not sample."""
    with tempfile.TemporaryDirectory(prefix="bursar-translate-") as directory:
        paths = Path(directory) / "files"
        paths.write_text("".join(f"{path}\n" for path in files))
        data = Path(directory) / "perf.data"
        perf("record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_PER_SECOND), "-o", str(data), "--",
             *command_of(context, variant, paths), f"--repeat={ROUNDS}")
        report = perf("report", "-i", str(data), "--no-children", "--stdio", "-F", "sample,dso,sym", "-t", "|")
    return Profile(variant, shares_in(report))


def perf(*arguments: str) -> str:
    try:
        done = subprocess.run(["perf", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              errors="replace", env=plain_environment(), timeout=SECONDS_MAX)
    except FileNotFoundError:
        raise BadInput("there is no perf (Debian package linux-perf)") from None
    if done.returncode != 0:
        raise BadInput(f"perf {arguments[0]} failed: {' '.join(done.stderr.split())[:200]}")
    return done.stdout


def shares_in(report: str) -> dict[str, float]:
    """Milliseconds of one round by group, from what perf reported."""
    samples = dict.fromkeys([*(name for name, _ in GROUPS), OTHER], 0)
    for line in report.splitlines():
        found = LINE.fullmatch(line.rstrip())
        if found:
            samples[group_of(found[2], found[3])] += int(found[1])
    return {name: number * 1e3 / SAMPLES_PER_SECOND / ROUNDS for name, number in samples.items()}


def group_of(library: str, symbol: str) -> str:
    return next((name for name, pattern in GROUPS if re.search(pattern, symbol) or re.search(pattern, library)), OTHER)
