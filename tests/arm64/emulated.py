"""Running programs for arm64 by qemu."""

import os
import pathlib
import subprocess

SECONDS_MAX = 120
BUILD = pathlib.Path(os.environ["BURSAR_ARM64_BUILD"])
LIBRARY = BUILD / "libbursar.so"
GUESTS = BUILD / "tests/arm64"


def run(program, *arguments, **variables):
    """Runs a program for arm64 on the preloaded library, with these variables set for it alone."""
    variables.setdefault("LD_PRELOAD", LIBRARY)
    words = [os.environ["BURSAR_ARM64_QEMU"], "-L", "/usr/aarch64-linux-gnu"]
    for name, value in variables.items():
        words += ["-E", f"{name}={value}"]
    return subprocess.run([*words, program, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, errors="replace", timeout=SECONDS_MAX)
