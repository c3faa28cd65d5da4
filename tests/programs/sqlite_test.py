"""The sqlite3 shell under the library: joins, sorts, JSON, full text, a file that is vacuumed and checked."""

import preload_case

SCRIPT = str(preload_case.WORKLOADS / "work.sql")


class Sqlite(preload_case.PreloadCase):
    def test_takes_malloc_from_the_library(self):
        self.assert_serves_malloc(["sqlite3", ":memory:", "select 1"])

    def test_says_the_same(self):
        self.assert_same(["sqlite3", "-batch", "items.db", f".read {SCRIPT}"])

    def test_says_the_same_without_lookaside_memory(self):
        self.assert_same(["sqlite3", "-batch", "-lookaside", "0", "0", "items.db", f".read {SCRIPT}"])


if __name__ == "__main__":
    preload_case.main()
