#!/usr/bin/env python3
"""What the libraries show and what they need: exactly the export list, libc and nothing else, little static TLS."""

import re
import subprocess
import unittest

import house

TLS_BYTES_MAX = 64

# Weak references that a process without a C++ runtime leaves empty: operator new is then never called.
CPP_RUNTIME = {
    "__cxa_allocate_exception", "__cxa_begin_catch", "__cxa_end_catch", "__cxa_free_exception", "__cxa_rethrow",
    "__cxa_throw", "__gxx_personality_v0", "_Unwind_Resume", "_ZNSt9bad_allocD1Ev", "_ZSt15get_new_handlerv",
    "_ZSt9terminatev", "_ZTISt9bad_alloc", "_ZTVSt9bad_alloc", "_ZSt17__throw_bad_allocv",
    "_ZTVN10__cxxabiv120__si_class_type_infoE",
}
TOOLCHAIN = {"_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__cxa_finalize", "__gmon_start__"}
# A sanitizer in the process brings its own malloc; bursar looks for it to step aside.
OTHERS = {"__asan_init", "__hwasan_init", "__msan_init", "__tsan_init"}

# What libbursar-loop.so shows: the calls in which an event loop waits, and the name by which the heap knows of it.
LOOP_CALLS = {"epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll", "__poll_chk", "__ppoll_chk", "select", "pselect"}
LOOP_PRESENCE = {"bursar_loop_is_loaded"}
# What the heap's libraries show to it.
LOOP_BORDERS = {"bursar_loop_leave", "bursar_loop_enter"}

DATA_HOOKS = {"__malloc_hook", "__realloc_hook", "__memalign_hook", "__free_hook", "__malloc_initialize_hook"}


def exports_wanted():
    """The export list, and the functions of our own that the public header declares."""
    text = re.sub(r"#[^\n]*", "", (house.ROOT / "interpose/exports.map").read_text())
    names = set(re.findall(r"[\w*]+", text[text.index("global:") + len("global:"):text.index("local:")]))
    header = (house.ROOT / "runtime/include/bursar/bursar.h").read_text()
    header = re.sub(r"//[^\n]*|/\*.*?\*/", "", header, flags=re.DOTALL)
    names.remove("bursar_*")
    return names | set(re.findall(r"\b(bursar_\w+)\s*\((?!\*)", header))


def dynamic_symbols(library):
    """(name, kind, version) of every dynamic symbol."""
    for line in house.output_of("nm", "-D", library).splitlines():
        kind, name = line.split()[-2:]
        yield name.split("@")[0], kind, name.partition("@")[2]


def defined(library):
    return {name: (kind, version) for name, kind, version in dynamic_symbols(library) if kind not in "Uwv"}


class Symbols:
    def test_exports_are_the_list(self):
        names = set(defined(self.library))
        self.assertEqual(sorted(names - exports_wanted()), [], "exported beyond the list")
        self.assertEqual(sorted(exports_wanted() - names), [], "missing from the list")

    def test_exports_have_no_version(self):
        versioned = [name for name, (_, version) in defined(self.library).items() if version]
        self.assertEqual(versioned, [], "a versioned definition does not answer other versions' references")

    def test_exports_are_functions_and_hooks(self):
        data = {name for name, (kind, _) in defined(self.library).items() if kind not in "TtWi"}
        self.assertEqual(data - DATA_HOOKS, set())

    def test_needs_libc_alone(self):
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", house.output_of("readelf", "-dW", self.library))
        self.assertIn("libc.so.6", needed)
        self.assertEqual([name for name in needed if not re.fullmatch(r"libc\.so\.6|ld-linux.*\.so\.\d", name)], [])

    def test_undefined_symbols_are_of_libc(self):
        wrong = [f"{name}@{version}" for name, kind, version in dynamic_symbols(self.library)
                 if kind == "U" and not version.startswith("GLIBC_")]
        self.assertEqual(wrong, [])

    def test_weak_references_are_known(self):
        weak = {name for name, kind, version in dynamic_symbols(self.library)
                if kind in "wv" and not version.startswith("GLIBC_")}
        self.assertEqual(sorted(weak - CPP_RUNTIME - TOOLCHAIN - OTHERS - LOOP_PRESENCE), [])

    def test_the_operators_can_be_preempted(self):
        flags = house.output_of("readelf", "-dW", self.library)
        self.assertNotIn("SYMBOLIC", flags, "a program's own operator new must get every call")

    def test_it_is_never_unloaded_and_bound_at_start(self):
        flags = house.output_of("readelf", "-dW", self.library)
        self.assertRegex(flags, r"FLAGS_1.*\bNOW\b")
        self.assertRegex(flags, r"FLAGS_1.*\bNODELETE\b")

    def test_nothing_is_writable_and_executable(self):
        segments = house.output_of("readelf", "-lW", self.library)
        self.assertNotRegex(segments, r"\bRWE\b")
        self.assertIn("GNU_RELRO", segments)
        self.assertNotIn("TEXTREL", house.output_of("readelf", "-dW", self.library))


class Library(Symbols, unittest.TestCase):
    library = house.product("BURSAR_LIBRARY")

    def test_static_tls_is_small(self):
        segment = re.search(r"^\s*TLS\s+(?:0x\w+\s+){4}0x(\w+)", house.output_of("readelf", "-lW", self.library), re.MULTILINE)
        self.assertIsNotNone(segment, "a heap for each thread needs a thread-local pointer")
        self.assertLessEqual(int(segment[1], 16), TLS_BYTES_MAX)

    def test_no_call_looks_up_thread_local_storage(self):
        self.assertNotIn("__tls_get_addr", {name for name, _, _ in dynamic_symbols(self.library)})


class JemallocLibrary(Symbols, unittest.TestCase):
    library = house.product("BURSAR_JEMALLOC_LIBRARY")


class LoopLibrary(unittest.TestCase):
    library = house.product("BURSAR_LOOP_LIBRARY")

    def test_exports_the_calls_that_wait(self):
        self.assertEqual(set(defined(self.library)), LOOP_CALLS | LOOP_PRESENCE)

    def test_needs_libc_alone(self):
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", house.output_of("readelf", "-dW", self.library))
        self.assertEqual(needed, ["libc.so.6"])

    def test_the_heap_may_be_absent(self):
        undefined = {name for name, kind, version in dynamic_symbols(self.library)
                     if kind in "wv" and not version.startswith("GLIBC_")}
        self.assertEqual(undefined - TOOLCHAIN, LOOP_BORDERS)

    def test_has_no_thread_local_storage(self):
        self.assertNotRegex(house.output_of("readelf", "-lW", self.library), r"(?m)^\s*TLS\b")


class Archive(unittest.TestCase):
    archive = house.product("BURSAR_ARCHIVE")

    def test_it_holds_one_object(self):
        self.assertEqual(len(house.output_of("ar", "t", self.archive).split()), 1)

    def test_it_shows_the_list(self):
        lines = house.output_of("nm", "-g", "--defined-only", self.archive).splitlines()
        names = {line.split()[2] for line in lines if len(line.split()) == 3}
        self.assertEqual(sorted(names - exports_wanted()), [])
        self.assertEqual(sorted(exports_wanted() - names), [])

    def test_it_needs_nothing_but_libc(self):
        # libgcc's integer helpers are part of every program.
        archives = [house.output_of("gcc", f"-print-file-name={name}").strip() for name in ("libc.a", "libgcc.a")]
        lines = house.output_of("nm", "-g", "--defined-only", *archives, stderr=subprocess.DEVNULL).splitlines()
        offered = {line.split()[2] for line in lines if len(line.split()) == 3}
        wanted = {line.split()[1] for line in house.output_of("nm", "-u", self.archive).splitlines()
                  if line.split()[:1] == ["U"]}
        self.assertEqual(sorted(wanted - offered - {"_GLOBAL_OFFSET_TABLE_"}), [])


if __name__ == "__main__":
    unittest.main()
