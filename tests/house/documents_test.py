#!/usr/bin/env python3
"""Every path that a document names in code quotes exists, and every link between documents leads somewhere."""

import re
import unittest

import house

# What could be a path of ours: it begins with a directory of the project, or with ./ for a file beside the README.
TOP = ("allocator", "bench", "docs", "interpose", "runtime", "tests", "tools", ".ci")
QUOTED = re.compile(r"`(?:\./)?((?:" + "|".join(re.escape(name) for name in TOP) + r")/[\w./-]*[\w/])`")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)")
BUILT = re.compile(r"`build/([\w.-]+)`")
PRODUCTS = {"libbursar.so", "libbursar.a", "libbursar-jemalloc.so", "bursar", "log"}


def documents():
    return sorted(path for pattern in ("*.md", "docs/**/*.md", "*/README.md", "tests/**/*.md")
                  for path in house.ROOT.glob(pattern))


class Documents(unittest.TestCase):
    def test_there_are_documents(self):
        self.assertIn(house.ROOT / "README.md", documents())

    def test_named_paths_exist(self):
        wrong = []
        for document in documents():
            for number, line in enumerate(document.read_text().splitlines(), 1):
                for path in QUOTED.findall(line):
                    if not (house.ROOT / path).exists():
                        wrong.append(f"{document.relative_to(house.ROOT)}:{number}: {path}")
        self.assertEqual(wrong, [])

    def test_links_lead_somewhere(self):
        wrong = []
        for document in documents():
            for number, line in enumerate(document.read_text().splitlines(), 1):
                for path in LINK.findall(line):
                    if not (document.parent / path).exists():
                        wrong.append(f"{document.relative_to(house.ROOT)}:{number}: {path}")
        self.assertEqual(wrong, [])

    def test_named_build_outputs_are_built(self):
        wrong = [f"{document.name}: build/{name}" for document in documents()
                 for name in BUILT.findall(document.read_text()) if name not in PRODUCTS]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
