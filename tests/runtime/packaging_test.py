#!/usr/bin/env python3
"""What is installed can be used: by pkg-config, CMake and meson, by g++ and clang, with and without exceptions."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE_ROOT = pathlib.Path(os.environ["BURSAR_SOURCE_ROOT"])
BUILD_ROOT = pathlib.Path(os.environ["BURSAR_BUILD_ROOT"])
CONSUMERS = SOURCE_ROOT / "tests/runtime/consumers"
STRICT = ["-std=c++20", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror"]


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=280, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


class Packaging(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="bursar-packaging-")
        root = pathlib.Path(cls.directory.name)
        run("meson", "install", "-C", BUILD_ROOT, "--no-rebuild", "--quiet", "--destdir", root / "stage")
        cls.root = root
        cls.prefix = next((root / "stage").rglob("include")).parent
        cls.libdir = next(cls.prefix.rglob("libbursar-runtime.so")).parent
        cls.environment = dict(os.environ, LD_LIBRARY_PATH=str(cls.libdir))
        cls.environment.pop("LD_PRELOAD", None)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def flags(self):
        environment = dict(self.environment, PKG_CONFIG_PATH=str(self.libdir / "pkgconfig"))
        return run("pkg-config", f"--define-variable=prefix={self.prefix}", "--cflags", "--libs", "bursar-runtime",
                   env=environment).split()

    def compiles_and_runs(self, compiler, source, *options):
        if shutil.which(compiler) is None:
            self.skipTest(f"no {compiler}")
        program = self.root / f"{compiler}-{source.stem}"
        run(compiler, *STRICT, *options, source, "-o", program, *self.flags())
        return run(program, env=self.environment)

    def test_by_pkg_config_with_gcc(self):
        self.assertIn("slowest is number 999", self.compiles_and_runs("g++", CONSUMERS / "pkgconfig/particles.cpp"))

    def test_by_pkg_config_with_clang(self):
        self.assertIn("slowest is number 999", self.compiles_and_runs("clang++", CONSUMERS / "pkgconfig/particles.cpp"))

    def test_without_exceptions_with_gcc(self):
        self.compiles_and_runs("g++", CONSUMERS / "without_exceptions.cpp", "-fno-exceptions", "-fno-rtti")

    def test_without_exceptions_with_clang(self):
        self.compiles_and_runs("clang++", CONSUMERS / "without_exceptions.cpp", "-fno-exceptions", "-fno-rtti")

    def test_hardened(self):
        self.compiles_and_runs("g++", CONSUMERS / "without_exceptions.cpp", "-DBURSAR_HARDENED")

    def headers_stand_alone(self, compiler, *options):
        if shutil.which(compiler) is None:
            self.skipTest(f"no {compiler}")
        for header in sorted((self.prefix / "include/bursar").glob("*.h")):
            if header.stem.endswith("_inline"):
                continue
            with self.subTest(header=header.name):
                source = self.root / f"alone_{header.stem}.cpp"
                source.write_text(f"#include <bursar/{header.name}>\nint main() {{}}\n")
                run(compiler, *STRICT, *options, "-fsyntax-only", f"-I{self.prefix}/include", source)

    def test_every_header_stands_alone_with_gcc(self):
        self.headers_stand_alone("g++")

    def test_every_header_stands_alone_with_clang(self):
        self.headers_stand_alone("clang++", "-fno-exceptions", "-fno-rtti")

    def test_by_cmake(self):
        if shutil.which("cmake") is None:
            self.skipTest("no cmake")
        build = self.root / "cmake"
        run("cmake", "-S", CONSUMERS / "cmake", "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_BUILD_TYPE=Release")
        run("cmake", "--build", build)
        for program in ("words", "words_static"):
            self.assertIn("7 distinct", run(build / program, env=self.environment))

    def test_as_meson_subproject(self):
        consumer = self.root / "requests"
        shutil.copytree(CONSUMERS / "meson", consumer)
        (consumer / "subprojects").mkdir()
        (consumer / "subprojects/bursar").symlink_to(SOURCE_ROOT)
        build = self.root / "meson"
        run("meson", "setup", build, consumer, "-Dbursar:lto=false", env=self.environment)
        run("ninja", "-C", build, "requests", env=self.environment)
        self.assertIn("99 hits, 1 misses", run(build / "requests", env=self.environment))

    def test_the_library_shows_nothing_of_others(self):
        symbols = run("nm", "-DC", "--defined-only", self.libdir / "libbursar-runtime.so")
        foreign = [line for line in symbols.splitlines()
                   if line.split(maxsplit=2)[1] in "TBDR" and "bursar" not in line and "simde" not in line]
        self.assertEqual(foreign, [])


if __name__ == "__main__":
    sys.exit(unittest.main())
