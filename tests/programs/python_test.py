"""Python under the library: its own allocator, plain malloc, threads, forked and spawned processes, sqlite3."""

import preload_case

SCRIPT = str(preload_case.WORKLOADS / "work.py")


class Python(preload_case.PreloadCase):
    def test_takes_malloc_from_the_library(self):
        self.assert_serves_malloc(["python3", "-c", "import json, sqlite3, threading"])

    def test_says_the_same_with_its_own_allocator(self):
        self.assert_same(["python3", SCRIPT], PYTHONHASHSEED="0")

    def test_says_the_same_when_every_object_is_a_malloc(self):
        self.assert_same(["python3", SCRIPT], PYTHONHASHSEED="0", PYTHONMALLOC="malloc")

    def test_finds_no_fault_with_its_debug_hooks_over_malloc(self):
        self.assert_same(["python3", SCRIPT, "short"], PYTHONHASHSEED="0", PYTHONMALLOC="malloc_debug")


if __name__ == "__main__":
    preload_case.main()
