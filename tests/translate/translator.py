"""What the tests of bench/translate share: its program, its variants, files for it."""

import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sysconfig
import tempfile
import unittest

PROGRAM = os.environ["BURSAR_TRANSLATE"]
IS_SANITIZED = os.environ.get("BURSAR_SANITIZED") == "yes"
VARIANTS = tuple(itertools.product(("standard", "runtime"), ("scalar", "simd")))
SECONDS_MAX = 120


def arguments_of(variant, threads=1):
    memory, scan = variant
    return [f"--memory={memory}", f"--scan={scan}", f"--threads={threads}"]


def run(*arguments, stdout=subprocess.PIPE, **options):
    """The program's end, with its output as bytes: a path may be anything."""
    return subprocess.run([PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                          timeout=SECONDS_MAX, **options)


def library_files():
    """The files of this Python's standard library, in a fixed order."""
    root = pathlib.Path(sysconfig.get_path("stdlib"))
    return sorted(path for path in root.rglob("*.py") if path.is_file())


class TranslatorCase(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="bursar-translate-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def file(self, content, name="source.py"):
        path = self.directory / name
        path.write_bytes(content)
        return path

    def report(self, variant, *arguments, threads=1):
        """What the program says of a run that must end well."""
        done = run(*arguments_of(variant, threads), "--json", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, b""), f"{variant}, {threads} threads")
        return json.loads(done.stdout)

    def reports(self, *arguments):
        """Those of all variants, by variant."""
        return {variant: self.report(variant, *arguments) for variant in VARIANTS}
