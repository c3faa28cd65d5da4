#!/usr/bin/env python3
"""The public headers in programs of other compilers, other flags and other languages, and the exception across all borders."""

import itertools
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(os.environ["BURSAR_SOURCE_ROOT"])
LIBRARY = os.environ["BURSAR_LIBRARY"]
SECONDS_MAX = 60

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]

CATCHER = r"""
#include <bursar/budget.h>
#include <bursar/metrics.h>
#include <bursar/task.h>
#include <cstdio>
int main() {
  bursar::Task task("work");
  if (!task.set_budget(1 << 20)) return 3;
  try {
    std::printf("%p\n", ::operator new(16 << 20));
  } catch (const bursar::BudgetExceeded& error) {
    std::printf("%zu %s\n", error.limit_bytes(), error.task());
    return 0;
  }
}
"""

USER = r"""
#include <bursar/budget.h>
#include <bursar/metrics.h>
#include <bursar/task.h>
#include <cstdlib>
struct Counter {
  int calls = 0;
  bursar_budget_answer operator()(const bursar_budget_event& event) {
    ++calls;
    return event.limit_bytes == 0 ? BURSAR_BUDGET_ALLOW : BURSAR_BUDGET_REFUSE;
  }
};
int main() {
  static Counter counter;
  bursar::set_budget_handler(counter);
  bursar::Task task("work", bursar::TaskMemory::arena);
  task.label("one");
  bursar::Task moved = std::move(task);
  const bool has_budget = moved.set_budget(1 << 20);
  const bursar::TaskSwitch switched(bursar::Task::detached("apart"));
  const bursar::TaskSwitch back(moved);
  void* block = std::malloc(16 << 20);
  const bool is_refused = block == nullptr;
  std::free(block);
  const bool is_counting = bursar::MemoryMetrics::read().is_counting();
  return has_budget == is_counting && is_refused == is_counting && counter.calls == (is_counting ? 1 : 0) ? 0 : 1;
}
"""

IN_C = r"""
#include <bursar/bursar.h>
#include <stdlib.h>
int main(void) {
  struct bursar_metrics metrics = {0};
  bursar_task* task = bursar_task_begin ? bursar_task_begin("work", BURSAR_TASK_DEFAULT) : NULL;
  if (task) bursar_task_end(task);
  return bursar_metrics_read ? bursar_metrics_read(&metrics, sizeof metrics) : 0;
}
"""

PLUGIN = r"""
#include <new>
extern "C" int try_new() {
  try {
    delete[] new char[16 << 20];
  } catch (const std::bad_alloc&) {
    return 7;
  }
  return 1;
}
"""

HOST_IN_C = r"""
#include <dlfcn.h>
int main(int count, char** words) {
  void* plugin = count > 1 ? dlopen(words[1], RTLD_NOW) : 0;
  if (!plugin) return 2;
  int (*try_new)(void) = (int (*)(void))dlsym(plugin, "try_new");
  return try_new();
}
"""


class Headers(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.directory = pathlib.Path(temporary.name)

    def compile(self, compiler, text, *flags, name="program"):
        source = self.directory / ("source.c" if compiler in ("gcc", "clang") else "source.cpp")
        source.write_text(text)
        program = self.directory / name
        done = subprocess.run([compiler, "-I", ROOT / "runtime/include", *flags, source, "-o", program],
                              capture_output=True, text=True, timeout=SECONDS_MAX)
        self.assertEqual((done.returncode, done.stderr), (0, ""), f"{compiler} {flags}")
        return program

    def run_program(self, program, *words, settings=None):
        environment = {name: value for name, value in os.environ.items() if name not in ("BURSAR", "LD_PRELOAD")}
        if settings:
            environment.update(BURSAR=settings, LD_PRELOAD=LIBRARY)
        done = subprocess.run([program, *words], env=environment, capture_output=True, text=True, timeout=SECONDS_MAX)
        self.assertEqual(done.stderr, "")
        return done

    def test_all_flags_build_them_and_work_with_and_without_bursar(self):
        for compiler, flags in itertools.product(
                ("g++", "clang++"), ([], ["-fno-exceptions", "-fno-rtti"], ["-O2", "-fvisibility=hidden"])):
            with self.subTest(compiler=compiler, flags=flags):
                program = self.compile(compiler, USER, "-std=c++20", "-fno-builtin", *WARNINGS, *flags)
                self.assertEqual(self.run_program(program).returncode, 0)
                self.assertEqual(self.run_program(program, settings="stats=json,out=/dev/null").returncode, 0)

    def test_c_takes_the_header(self):
        for compiler in ("gcc", "clang"):
            program = self.compile(compiler, IN_C, "-std=c11", *WARNINGS)
            self.assertEqual(self.run_program(program).returncode, 0)
            self.assertEqual(self.run_program(program, settings="stats=json,out=/dev/null").returncode, 0)

    def test_the_exception_is_caught_by_its_type_in_every_program(self):
        for compiler, flags in itertools.product(
                ("g++", "clang++"), ([], ["-O2", "-fvisibility=hidden"], ["-fno-rtti"])):
            with self.subTest(compiler=compiler, flags=flags):
                program = self.compile(compiler, CATCHER, "-std=c++20", *flags)
                done = self.run_program(program, settings="stats=json,out=/dev/null")
                self.assertEqual((done.returncode, done.stdout), (0, "1048576 work\n"))

    def test_an_operator_new_of_the_program_s_own_libstdcpp_throws_bad_alloc(self):
        text = CATCHER.replace("const bursar::BudgetExceeded& error", "const std::bad_alloc&").replace(
            "error.limit_bytes(), error.task()", "size_t{1}, \"caught\"")
        program = self.compile("g++", text, "-std=c++20", "-static-libstdc++", "-static-libgcc")
        self.assertEqual(self.run_program(program, settings="stats=json,out=/dev/null").stdout, "1 caught\n")

    def test_a_cpp_runtime_that_comes_later_throws_bad_alloc(self):
        plugin = self.compile("g++", PLUGIN, "-shared", "-fPIC", "-fno-builtin", name="plugin.so")
        host = self.compile("gcc", HOST_IN_C)
        self.assertEqual(self.run_program(host, plugin, settings="tasks=process,budget=4M").returncode, 7)


if __name__ == "__main__":
    unittest.main()
