"""Lua under the library: every object of the interpreter is a realloc."""

import preload_case

SCRIPT = str(preload_case.WORKLOADS / "work.lua")


class Lua(preload_case.PreloadCase):
    def test_takes_malloc_from_the_library(self):
        self.assert_serves_malloc(["lua5.4", "-e", "print(1)"])

    def test_says_the_same(self):
        self.assert_same(["lua5.4", SCRIPT])


if __name__ == "__main__":
    preload_case.main()
