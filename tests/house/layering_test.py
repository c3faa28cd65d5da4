#!/usr/bin/env python3
"""Includes go strictly down: a file may include only files of a lower layer, besides its own header."""

import unittest

import house

# From the bottom up. A file is named without its suffix, or with it where the source stands above its header;
# os_linux stands for os, page_source_os and page_source_jemalloc for page_source.
LAYERS = [
    # The system, units, and what has no include at all.
    {"allocator/os_vdso", "allocator/annotate", "interpose/export"},
    {"allocator/os", "allocator/units", "allocator/text", "allocator/settings", "allocator/thread"},
    # Single tools of the heap, each of one job.
    {"allocator/lock", "allocator/report", "allocator/run", "allocator/size_class", "allocator/page_map",
     "allocator/metadata", "allocator/fork_guard"},
    {"allocator/check"},
    # Where memory comes from, and how it is cut.
    {"allocator/page_source"},
    {"allocator/segment", "allocator/emergency", "allocator/mapping_cache", "allocator/tract"},
    {"allocator/tracts"},
    {"allocator/depot"},
    {"allocator/slab", "allocator/large", "allocator/bump"},
    {"allocator/thread_heap"},
    {"allocator/heap_registry", "allocator/thread_heap_mail"},
    {"allocator/fast_path"},
    {"allocator/heap"},
    # The account: what a ledger holds and how it reads; then what writes it.
    {"interpose/account/ledger_format", "interpose/account/options", "interpose/account/environment"},
    {"interpose/account/render", "interpose/account/ledger"},
    {"interpose/account/render_totals", "interpose/account/render_numbers", "interpose/account/render_output"},
    {"interpose/account/render.cpp", "interpose/account/render_json", "interpose/account/render_openmetrics",
     "interpose/account/account"},
    {"interpose/account/report_at_exit", "interpose/account/task"},
    # C and C++.
    {"interpose/process"},
    {"interpose/account/task.cpp"},
    {"interpose/serve"},
    {"interpose/malloc", "interpose/operator_new", "interpose/glibc_extras"},
]

RANKS = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

# All that the tools may know of the library: the bytes of a ledger, and how a report of it reads.
SEEN_BY_TOOLS = ("interpose/account/ledger_format.h", "interpose/account/render", "tools/")


def name_of(path):
    """What stands for a file in LAYERS."""
    if str(path) in RANKS:
        return str(path)
    name = str(path).rsplit(".", 1)[0]
    if name in RANKS:
        return name
    for several in ("allocator/os", "allocator/page_source"):
        if name.startswith(several + "_"):
            return several
    return name


def quoted_includes(*directories):
    for path in house.sources(*directories):
        for number, quoted, target in house.includes_of(path):
            if quoted:
                yield path, number, target


class Layering(unittest.TestCase):
    def test_every_file_has_a_rank(self):
        names = {name_of(path) for path in house.sources("allocator", "interpose")}
        unranked = sorted(names - set(RANKS))
        self.assertEqual(unranked, [], "give these files a rank in LAYERS")
        self.assertEqual(sorted(set(RANKS) - names), [], "ranks of files that do not exist")

    def test_includes_go_down(self):
        wrong = []
        for path, number, target in quoted_includes("allocator", "interpose"):
            below, above = RANKS.get(name_of(target)), RANKS.get(name_of(path))
            is_own_header = path.suffix == ".cpp" and target in (str(path.with_suffix(".h")), name_of(path) + ".h")
            if below is None or above is None or is_own_header:
                continue
            if below >= above:
                wrong.append(f"{path}:{number}: includes {target}, which is not below it")
        self.assertEqual(wrong, [])

    def test_quoted_includes_name_a_file_from_the_root(self):
        wrong = [f"{path}:{number}: no file {target}" for path, number, target in quoted_includes(
            "allocator", "interpose", "tools") if not (house.ROOT / target).is_file()
            and not (house.ROOT / "runtime/include" / target).is_file()]
        self.assertEqual(wrong, [])

    def test_the_allocator_knows_nothing_above_it(self):
        wrong = [f"{path}:{number}: {target}" for path, number, target in quoted_includes("allocator")
                 if not target.startswith("allocator/")]
        self.assertEqual(wrong, [])

    def test_interpose_knows_nothing_of_runtime_sources_and_tools(self):
        wrong = [f"{path}:{number}: {target}" for path, number, target in quoted_includes("interpose")
                 if target.startswith(("runtime/src", "tools/", "tests/"))]
        self.assertEqual(wrong, [])

    def test_tools_see_only_the_format_of_a_ledger(self):
        wrong = [f"{path}:{number}: {target}" for path, number, target in quoted_includes("tools")
                 if target.startswith(("allocator/", "interpose/", "tests/")) and not target.startswith(SEEN_BY_TOOLS)]
        self.assertEqual(wrong, [])

    def test_headers_do_not_include_in_circles(self):
        graph = {}
        for path, _, target in quoted_includes("allocator", "interpose"):
            graph.setdefault(str(path), set()).add(target)

        def circle_from(path, trail):
            if path in trail:
                return trail[trail.index(path):] + [path]
            for target in sorted(graph.get(path, ())):
                found = circle_from(target, trail + [path])
                if found:
                    return found
            return None

        for path in sorted(graph):
            self.assertIsNone(circle_from(path, []))

    def test_every_source_is_built(self):
        wrong = []
        for path in house.sources("allocator", "interpose", "tools", suffixes=(".cpp",)):
            lists = [house.ROOT / parent / "meson.build" for parent in path.parents if parent.parts]
            text = "".join(file.read_text() for file in lists if file.is_file())
            if f"'{path.name}'" not in text and f"/{path.name}'" not in text:
                wrong.append(str(path))
        self.assertEqual(wrong, [], "sources that no meson.build lists")


if __name__ == "__main__":
    unittest.main()
