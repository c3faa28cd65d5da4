"""man-db under the library: its children run inside a seccomp sandbox, which kills for an unexpected system call."""

import gzip
import os
import re

import preload_case

PAGE = (preload_case.WORKLOADS / "heap.1").read_text()


def without_reports(text):
    """The sandbox lets no file be written, so with stats on the reports of the programs in it go to stderr."""
    return text.split("-- stderr --")[0] if os.environ.get("BURSAR_TEST_OPTIONS") else text


def without_date(text):
    return re.sub(r"(?m)^%%CreationDate: .*$", "", without_reports(text))


class Man(preload_case.PreloadCase):
    def setUp(self):
        super().setUp()
        section = self.root / "pages" / "man1"
        section.mkdir(parents=True)
        (section / "heap.1.gz").write_bytes(gzip.compress(PAGE.encode(), mtime=0))
        (section / "latin.1").write_bytes(PAGE.replace("heap", "latin").replace("quite", "qu\xefte").encode("latin-1"))
        self.pages = str(self.root / "pages")

    def test_takes_malloc_from_the_library(self):
        self.assert_serves_malloc(["man", "--version"])

    def test_the_sandbox_is_on(self):
        """Without this the other tests of this file would prove nothing."""
        for preload in ({}, self.with_library()):
            command = [preload_case.find("man"), "--debug", "-M", self.pages, "-P", "cat", "heap"]
            outcome = self.run_in_fresh_directory(command, MANWIDTH="80", **preload)
            self.assertEqual(outcome.status, "exit 0", outcome.excerpt())
            self.assertRegex(outcome.stderr, re.compile(r"loading seccomp filter \(permissive: 0\)"))

    def test_a_compressed_page_looks_the_same(self):
        shown = self.assert_same(["man", "-M", self.pages, "-P", "cat", "heap"], MANWIDTH="80", same=without_reports)
        self.assertIn("a table that needs a preprocessor", shown.stdout)

    def test_a_page_in_another_encoding_looks_the_same(self):
        self.assert_same(["man", "-M", self.pages, "-P", "cat", "-E", "UTF-8", "latin"], MANWIDTH="80",
                         same=without_reports)

    def test_a_page_becomes_the_same_postscript(self):
        self.assert_same(["man", "-M", self.pages, "-T", "heap"], same=without_date)

    def test_the_index_is_made_and_searched_alike(self):
        script = f"cp -r {self.pages} here; mandb --quiet --user-db here; whatis -M here heap latin"
        self.assert_same(["bash", "-euc", script + "; apropos -M here blocks | sort"], same=without_reports)


if __name__ == "__main__":
    preload_case.main()
