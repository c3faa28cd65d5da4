// BURSAR in odd surroundings: closed files, a program with more rights than its user, limits that root sets.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "guest_runner.h"

namespace {

using bursar::testing::Command;
using bursar::testing::guest_command;
using bursar::testing::guest_path;
using bursar::testing::library_path;
using bursar::testing::Outcome;
using bursar::testing::Way;

constexpr int nobody = 65534;
constexpr int daemon_user = 1;

std::string contents_of(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class Environment : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (!is_built(GetParam())) GTEST_SKIP() << "not built";
    char name[] = "/tmp/bursar-test-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    // Others must reach, and write to, what lies here.
    ASSERT_EQ(chmod(name, 01777), 0);
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  // The text of a report, or nothing if there is none.
  [[nodiscard]] std::string report() const { return contents_of(directory_ / "report"); }

  [[nodiscard]] Command reporting(const std::string& guest_case) const {
    Command command = guest_command("c_guests", GetParam(), {guest_case});
    command.environment["BURSAR"] = "stats,out=" + (directory_ / "report").string();
    return command;
  }

  std::filesystem::path directory_;
};

TEST_P(Environment, AReportIsWrittenToTheFileThatIsNamed) {
  const Outcome outcome = run(reporting("entry_points.each_maker_fits_each_free"));
  EXPECT_TRUE(outcome.exited_with(0)) << outcome.text();
  EXPECT_EQ(outcome.errors, "");
  EXPECT_NE(report(), "");
}

TEST_P(Environment, AReportIsWrittenWhenTheProgramClosedAllFiles) {
  const Outcome outcome = run(reporting("descriptors.all_files_may_be_closed"));
  EXPECT_TRUE(outcome.exited_with(0)) << outcome.text();
  EXPECT_NE(report(), "");
}

TEST_P(Environment, AReportDoesNotGoIntoFilesThatTookTheFirstNumbers) {
  const Outcome outcome = run(reporting("descriptors.files_that_take_the_first_numbers_stay_untouched"));
  EXPECT_TRUE(outcome.exited_with(0)) << outcome.text();
  EXPECT_NE(report(), "");
}

TEST_P(Environment, AReportThatCannotBeWrittenDoesNotChangeTheExitStatus) {
  Command command = guest_command("c_guests", GetParam(), {"entry_points.each_maker_fits_each_free"});
  command.environment["BURSAR"] = "stats,out=/no/such/directory/report";
  const Outcome outcome = run(command);
  EXPECT_TRUE(outcome.exited_with(0)) << outcome.text();
  EXPECT_EQ(outcome.output, "");
}

TEST_P(Environment, AProgramWithoutStandardFilesRuns) {
  for (const char* name :
       {"entry_points.each_maker_fits_each_free", "threads.a_reused_thread_identity_is_another_thread",
        "fork.parent_and_child_do_not_share_the_heap"})
    for (const bool reports : {false, true}) {
      Command command = guest_command("c_guests", GetParam(), {name});
      if (reports) command.environment["BURSAR"] = "stats,no_such_key";
      command.closed_descriptors = {0, 1, 2};
      const Outcome outcome = run(command);
      EXPECT_TRUE(outcome.exited_with(0)) << command.text() << "\n" << outcome.text();
    }
}

TEST_P(Environment, MisuseWithoutStandardErrorStillEndsTheProgram) {
  Command command = guest_command("c_guests", GetParam(), {"foreign.a_second_free_ends_the_program"});
  command.closed_descriptors = {2};
  const Outcome outcome = run(command);
  EXPECT_TRUE(outcome.killed_by(SIGABRT)) << outcome.text();
}

TEST_P(Environment, HardCasesHoldUnderStatistics) {
  for (const char* name :
       {"edge_cases.usable_size_is_constant_and_writable", "thread_exit.key_destructors_allocate_in_all_rounds",
        "threads.ten_thousand_threads_leave_their_survivors_only",
        "fork_variants.fork_in_a_handler_that_interrupted_malloc",
        "fork_variants.what_a_vfork_child_allocates_is_the_parents", "denied.all_that_saves_memory_is_denied",
        "limits.address_space_of_64_mib"}) {
    const Command command = reporting(name);
    const Outcome outcome = run(command);
    EXPECT_TRUE(outcome.exited_with(0)) << command.text() << "\n" << outcome.text();
    EXPECT_EQ(outcome.errors, "") << command.text();
  }
}

// --- more rights than the user

class SetUid : public Environment {
 protected:
  void SetUp() override {
    Environment::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (geteuid() != 0) GTEST_SKIP() << "only root can make a program that runs as another user";
    struct statvfs file_system {};
    ASSERT_EQ(statvfs(directory_.c_str(), &file_system), 0);
    if ((file_system.f_flag & ST_NOSUID) != 0) GTEST_SKIP() << "/tmp is mounted without setuid";
  }

  // A copy that runs with the rights of a user of its own, or with those of whoever starts it.
  [[nodiscard]] Command copy(bool set_uid) const {
    const std::string path = directory_ / (set_uid ? "with_rights" : "without_rights");
    std::filesystem::copy_file(guest_path("c_guests", GetParam()), path);
    EXPECT_EQ(chown(path.c_str(), daemon_user, daemon_user), 0);
    EXPECT_EQ(chmod(path.c_str(), set_uid ? 06755 : 0755), 0);
    Command command = reporting("entry_points.each_maker_fits_each_free");
    command.arguments[0] = path;
    command.user = nobody;
    return command;
  }
};

TEST_P(SetUid, AProgramWithMoreRightsIgnoresTheVariable) {
  const Outcome with_rights = run(copy(true));
  if (with_rights.exited_with(127)) GTEST_SKIP() << "another user cannot reach the library of this build";
  EXPECT_TRUE(with_rights.exited_with(0)) << with_rights.text();
  EXPECT_EQ(with_rights.errors, "");
  EXPECT_EQ(report(), "") << "a program with more rights wrote the file that its user named";

  // The same program without more rights does write it.
  const Outcome without_rights = run(copy(false));
  EXPECT_TRUE(without_rights.exited_with(0)) << without_rights.text();
  EXPECT_NE(report(), "");
}

TEST_P(SetUid, AProgramWithMoreRightsDoesNotEvenComplain) {
  Command command = copy(true);
  command.environment["BURSAR"] = "help,no_such_key=1,stats,ledger=" + (directory_ / "ledger").string();
  const Outcome outcome = run(command);
  if (outcome.exited_with(127)) GTEST_SKIP() << "another user cannot reach the library of this build";
  EXPECT_TRUE(outcome.exited_with(0)) << outcome.text();
  EXPECT_EQ(outcome.output + outcome.errors, "");
  EXPECT_FALSE(std::filesystem::exists(directory_ / "ledger"));
}

std::string way_name(const ::testing::TestParamInfo<Way>& info) { return name_of(info.param); }

INSTANTIATE_TEST_SUITE_P(By, Environment,
                         ::testing::Values(Way::preload, Way::preload_jemalloc, Way::shared, Way::static_exe),
                         way_name);

// A preload with a slash in its path is the loader's to ignore, so only linked programs are asked.
INSTANTIATE_TEST_SUITE_P(By, SetUid, ::testing::Values(Way::shared, Way::static_exe, Way::static_pie), way_name);

// --- the whole machine

// The kernel's promise of memory is one setting for all: this takes it back, and runs only where asked to.
class StrictOvercommit : public ::testing::TestWithParam<Way> {
 protected:
  static constexpr const char* setting_path = "/proc/sys/vm/overcommit_memory";

  void SetUp() override {
    if (!is_built(GetParam())) GTEST_SKIP() << "not built";
    if (std::getenv("BURSAR_TEST_OVERCOMMIT") == nullptr)
      GTEST_SKIP() << "changes a setting of the whole machine: set BURSAR_TEST_OVERCOMMIT=1 to run it as root";
    before_ = contents_of(setting_path);
    std::ofstream(setting_path) << "2\n";
    if (contents_of(setting_path) != "2\n") GTEST_SKIP() << "this user may not change " << setting_path;
  }
  void TearDown() override {
    if (!before_.empty()) std::ofstream(setting_path) << before_;
  }

  std::string before_;
};

TEST_P(StrictOvercommit, ProgramsRunAndFork) {
  for (const char* name :
       {"entry_points.each_maker_fits_each_free", "resize.realloc_keeps_the_bytes_that_fit",
        "threads.ten_thousand_threads_leave_nothing_behind", "fork.the_child_of_an_allocating_program_uses_the_heap"}) {
    const Outcome outcome = run(guest_command("c_guests", GetParam(), {name}));
    EXPECT_TRUE(outcome.exited_with(0)) << name << "\n" << outcome.text();
  }
}

INSTANTIATE_TEST_SUITE_P(By, StrictOvercommit, ::testing::Values(Way::preload, Way::preload_jemalloc), way_name);

}  // namespace
