#!/usr/bin/env python3
"""Includes go strictly down: a file may include only files of a lower layer, besides its own header."""

import unittest

import house

# From the bottom up. A file is named without its suffix, or with it where the source stands above its header;
# os_linux stands for os, page_source_os and page_source_jemalloc for page_source.
LAYERS = [
    # The system, units, and what has no include at all.
    {"allocator/os_vdso", "allocator/annotate", "interpose/export", "interpose/loop/loop"},
    {"allocator/os", "allocator/units", "allocator/text", "allocator/settings", "allocator/thread"},
    # Single tools of the heap, each of one job.
    {"allocator/lock", "allocator/report", "allocator/run", "allocator/size_class", "allocator/page_map",
     "allocator/metadata", "allocator/fork_guard"},
    {"allocator/check"},
    # Where memory comes from, and how it is cut.
    {"allocator/page_source"},
    {"allocator/tags"},
    {"allocator/segment", "allocator/emergency", "allocator/mapping_cache", "allocator/tract"},
    {"allocator/tracts"},
    {"allocator/depot"},
    {"allocator/slab", "allocator/large", "allocator/bump"},
    {"allocator/thread_heap"},
    {"allocator/heap_registry", "allocator/thread_heap_mail"},
    {"allocator/fast_path"},
    {"allocator/heap"},
    {"allocator/tag_walk"},
    # The account: what a ledger holds and how it reads; then what writes it.
    {"interpose/account/task_format", "interpose/account/environment", "interpose/account/kind_names",
     "interpose/account/standard_error",
     "interpose/account/index_stack", "interpose/loop/presence", "interpose/loop/loop.cpp"},
    {"interpose/account/ledger_format"},
    {"interpose/account/ledger_view", "interpose/account/options", "interpose/account/thread_account",
     "interpose/account/render_runtime"},
    {"interpose/account/render", "interpose/account/ledger"},
    {"interpose/account/kind_table", "interpose/account/task_records", "interpose/account/worst_tasks",
     "interpose/account/task_handles", "interpose/account/counting"},
    {"interpose/account/task_tables", "interpose/account/live_bytes", "interpose/account/thread_kinds"},
    {"interpose/account/render_totals", "interpose/account/render_numbers", "interpose/account/render_output"},
    {"interpose/account/render_task_totals", "interpose/account/budget", "interpose/account/budget_report"},
    {"interpose/account/render_thread_totals"},
    {"interpose/account/render_text", "interpose/account/render_json"},
    {"interpose/account/render.cpp", "interpose/account/render_tasks", "interpose/account/render_json.cpp",
     "interpose/account/render_json_tasks", "interpose/account/render_openmetrics",
     "interpose/account/account", "interpose/account/recorder"},
    {"interpose/account/current_task", "interpose/account/thread_account.cpp"},
    {"interpose/account/task", "interpose/account/task_sources", "interpose/account/metrics"},
    {"interpose/account/report_at_exit"},
    # C and C++.
    {"interpose/process"},
    {"interpose/account/task.cpp", "interpose/account/task_sources.cpp"},
    {"interpose/serve", "interpose/budget_exception"},
    {"interpose/malloc", "interpose/operator_new", "interpose/glibc_extras"},
]

# The runtime: its headers (bursar/...) and the sources beside them.
RUNTIME_LAYERS = [
    {"bursar/export", "bursar/bursar", "bursar/check", "bursar/batch_detail", "bursar/batch_inline"},
    {"bursar/memory", "bursar/thread_token", "bursar/reduce", "bursar/task", "bursar/metrics", "bursar/budget"},
    {"bursar/arena_error", "bursar/arena_state"},
    {"bursar/arena_inline", "bursar/pool_core"},
    {"bursar/arena"},
    {"bursar/object_pool", "bursar/arena_resource", "bursar/arena_pointer", "bursar/arena_pool", "bursar/shared_arena",
     "bursar/aligned_buffer"},
    {"bursar/batch"},
]
# Text stands beside the arenas: it knows nothing of them.
RUNTIME_LAYERS += [
    {"bursar/byte_scan", "bursar/symbol"},
    {"bursar/text_split", "bursar/cow_string"},
    {"bursar/zero_copy", "bursar/keywords"},
    {"bursar/interner"},
    {"bursar/frozen_interner", "bursar/shared_interner"},
    {"bursar/task_arena"},
]

RANKS = {name: rank for rank, layer in enumerate(LAYERS) for name in layer}

# All that the tools may know of the library: the bytes of a ledger, and how a report of it reads.
SEEN_BY_TOOLS = ("interpose/account/ledger_format.h", "interpose/account/ledger_view.h", "interpose/account/task_format.h",
                 "interpose/account/render", "allocator/text.h", "tools/")


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


def runtime_name_of(path):
    """bursar/arena for runtime/include/bursar/arena.h; a source stands above every header."""
    return str(path).removeprefix("runtime/include/").rsplit(".", 1)[0]


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
            "allocator", "interpose", "runtime", "tools") if not (house.ROOT / target).is_file()
            and not (house.ROOT / "runtime/include" / target).is_file()]
        self.assertEqual(wrong, [])

    def test_the_runtime_goes_down_and_knows_only_itself(self):
        ranks = {name: rank for rank, layer in enumerate(RUNTIME_LAYERS) for name in layer}
        names = {runtime_name_of(path) for path in house.sources("runtime/include", suffixes=(".h",))}
        self.assertEqual(sorted(names ^ set(ranks)), [], "headers without a rank, or ranks without a header")
        wrong = []
        for path, number, target in quoted_includes("runtime"):
            name = target.rsplit(".", 1)[0]
            if target.startswith("runtime/src/"):
                continue
            if name not in ranks or ranks[name] >= ranks.get(runtime_name_of(path), len(RUNTIME_LAYERS)):
                wrong.append(f"{path}:{number}: includes {target}, which is not below it")
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
        for path in house.sources("allocator", "interpose", "runtime", "tools", suffixes=(".cpp",)):
            lists = [house.ROOT / parent / "meson.build" for parent in path.parents if parent.parts]
            text = "".join(file.read_text() for file in lists if file.is_file())
            if f"'{path.name}'" not in text and f"/{path.name}'" not in text:
                wrong.append(str(path))
        self.assertEqual(wrong, [], "sources that no meson.build lists")


if __name__ == "__main__":
    unittest.main()
