// Each way in brings the allocator in, alone or beside other libraries that preload, audit or wrap.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "guest_runner.h"

namespace {

using bursar::testing::Command;
using bursar::testing::guest_command;
using bursar::testing::library_path;
using bursar::testing::Outcome;
using bursar::testing::Way;

std::string way_name(const ::testing::TestParamInfo<Way>& info) { return name_of(info.param); }

class WayIn : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (!is_built(GetParam())) GTEST_SKIP() << "not built";
  }
};

TEST_P(WayIn, BringsThisAllocator) {
  const Outcome outcome = run(guest_command("c_guests", GetParam(), {"foreign.a_second_free_ends_the_program"}));
  EXPECT_TRUE(outcome.killed_by(SIGABRT)) << outcome.text();
  EXPECT_EQ(outcome.errors.rfind("bursar: double free of 0x", 0), 0U) << outcome.text();
}

TEST_P(WayIn, ServesWithoutAnEnvironment) {
  Command command = guest_command("c_guests", GetParam(), {"entry_points.each_maker_fits_each_free"});
  command.environment["PATH"] = "";
  const Outcome outcome = run(command);
  EXPECT_TRUE(outcome.exited_with(0)) << outcome.text();
}

TEST_P(WayIn, NamesAnUnknownKeyOnceAndStarts) {
  Command command = guest_command("c_guests", GetParam(), {"entry_points.each_maker_fits_each_free"});
  command.environment["BURSAR"] = "no_such_key=1";
  const Outcome outcome = run(command);
  EXPECT_TRUE(outcome.exited_with(0)) << outcome.text();
  EXPECT_EQ(outcome.output, "");
  const size_t first = outcome.errors.find("no_such_key");
  EXPECT_NE(first, std::string::npos) << outcome.text();
  EXPECT_EQ(outcome.errors.find("no_such_key", first + 1), std::string::npos) << outcome.text();
}

INSTANTIATE_TEST_SUITE_P(By, WayIn,
                         ::testing::Values(Way::preload, Way::preload_jemalloc, Way::shared, Way::static_exe,
                                           Way::static_pie),
                         way_name);

// --- beside other libraries

using Guests = std::vector<const char*>;

const Guests guests_of_malloc = {
    "libc_callers.sorts_trees_tables_and_obstacks", "thread_exit.key_destructors_allocate_in_all_rounds",
    "threads.a_reused_thread_identity_is_another_thread", "fork.parent_and_child_do_not_share_the_heap",
    "dynamic.a_library_with_keys_comes_and_goes"};

// These also ask for alignments and usable sizes, which not every library in front of an allocator hands on.
Guests guests_of_all() {
  Guests guests = guests_of_malloc;
  guests.push_back("entry_points.each_maker_fits_each_free");
  guests.push_back("edge_cases.usable_size_is_constant_and_writable");
  return guests;
}

class Beside : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (!is_built(GetParam())) GTEST_SKIP() << "not built";
  }

  // Runs the guests with the allocator and another library, before or behind it.
  static void run_beside(const std::string& other, bool first, const Guests& guests,
                         const std::string& extra_variable = "", const std::string& extra_value = "") {
    for (const char* name : guests) {
      Command command = guest_command("c_guests", GetParam(), {name});
      command.preloads.insert(first ? command.preloads.begin() : command.preloads.end(), other);
      command.environment["GUEST_LIBRARIES"] = library_path("");
      if (!extra_variable.empty()) command.environment[extra_variable] = extra_value;
      const Outcome outcome = run(command);
      ASSERT_TRUE(outcome.exited_with(0)) << command.text() << "\n" << outcome.text();
      EXPECT_EQ(outcome.errors.find("bursar: "), std::string::npos) << command.text() << "\n" << outcome.text();
      EXPECT_EQ(outcome.errors.find("ERROR: ld.so"), std::string::npos) << command.text() << "\n" << outcome.text();
    }
  }

  static std::string system_library(const std::string& name) {
    for (const char* directory : {"/lib/x86_64-linux-gnu/", "/lib/aarch64-linux-gnu/", "/usr/lib64/"})
      if (access((directory + name).c_str(), R_OK) == 0) return directory + name;
    return "";
  }

  static void run_beside_system_library(const std::string& name, bool first, const std::string& variable = "",
                                        const std::string& value = "") {
    const std::string path = system_library(name);
    if (path.empty()) GTEST_SKIP() << "this system has no " << name;
    run_beside(path, first, guests_of_malloc, variable, value);
  }
};

TEST_P(Beside, AnEarlyLibraryInFront) { run_beside(library_path("libearly_library.so"), true, guests_of_all()); }
TEST_P(Beside, AnEarlyLibraryBehind) { run_beside(library_path("libearly_library.so"), false, guests_of_all()); }
TEST_P(Beside, AWrappingLibraryInFront) { run_beside(library_path("libwrapping_library.so"), true, guests_of_all()); }
TEST_P(Beside, AWrappingLibraryBehind) { run_beside(library_path("libwrapping_library.so"), false, guests_of_all()); }
TEST_P(Beside, LibmemusageInFront) { run_beside_system_library("libmemusage.so", true); }
TEST_P(Beside, LibmemusageBehind) { run_beside_system_library("libmemusage.so", false); }
TEST_P(Beside, LibcMallocDebugInFront) { run_beside_system_library("libc_malloc_debug.so.0", true); }
TEST_P(Beside, LibcMallocDebugBehind) {
  run_beside_system_library("libc_malloc_debug.so.0", false, "GLIBC_TUNABLES", "glibc.malloc.check=3");
}
TEST_P(Beside, LibpcprofileInFront) {
  run_beside_system_library("libpcprofile.so", true, "PCPROFILE_OUTPUT", "/dev/null");
}

TEST_P(Beside, AnAuditingLibrary) {
  if (GetParam() == Way::preload_jemalloc)
    GTEST_SKIP() << "jemalloc's thread-local data is larger than what the loader keeps for an audited program";
  for (const char* name : guests_of_all()) {
    Command command = guest_command("c_guests", GetParam(), {name});
    command.environment["GUEST_LIBRARIES"] = library_path("");
    command.environment["LD_AUDIT"] = library_path("libaudit_library.so");
    const Outcome outcome = run(command);
    ASSERT_TRUE(outcome.exited_with(0)) << command.text() << "\n" << outcome.text();
    EXPECT_EQ(outcome.errors, "") << command.text();
  }
}

INSTANTIATE_TEST_SUITE_P(The, Beside, ::testing::Values(Way::plain, Way::preload, Way::preload_jemalloc, Way::shared),
                         way_name);

}  // namespace
