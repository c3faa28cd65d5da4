// Every case of the guest programs by one way in, with BURSAR set where it is given: `guest_test --way=WAY [--settings=SETTINGS]`. DIRECTORY in the
// settings stands for one that each case has for itself.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "guest_runner.h"
#include "guests/expect.h"

namespace {

using bursar::testing::Command;
using bursar::testing::Outcome;
using bursar::testing::Way;

struct GuestCase {
  std::string guest;
  std::string name;  // FILE.CASE
  unsigned flags = 0;
};

std::string file_of(const GuestCase& guest_case) { return guest_case.name.substr(0, guest_case.name.find('.')); }
std::string case_of(const GuestCase& guest_case) { return guest_case.name.substr(guest_case.name.find('.') + 1); }

bool runs_by(const GuestCase& guest_case, Way way) {
  if ((guest_case.flags & dynamic_only) != 0 && !is_dynamic(way)) return false;
  if ((guest_case.flags & (bursar_only | aborts)) != 0 && !has_bursar(way)) return false;
  if ((guest_case.flags & plain_only) != 0 && way != Way::plain) return false;
  if ((guest_case.flags & costly) != 0 && (way == Way::shared || !is_dynamic(way))) return false;
  return true;
}

bool runs_with(const GuestCase& guest_case, const std::string& settings) {
  if ((guest_case.flags & uncounted) != 0 && !settings.empty()) return false;
  return (guest_case.flags & no_new_file) == 0 || settings.find("out=") == std::string::npos;
}

class GuestTest : public ::testing::Test {
 public:
  GuestTest(GuestCase guest_case, Way way, std::string settings)
      : case_(std::move(guest_case)), way_(way), settings_(std::move(settings)) {}

 private:
  void SetUp() override {
    const std::string placeholder = "DIRECTORY";
    const size_t at = settings_.find(placeholder);
    if (at == std::string::npos) return;
    directory_ = ::testing::TempDir() + "/bursar-test-XXXXXX";
    ASSERT_NE(mkdtemp(directory_.data()), nullptr);
    settings_.replace(at, placeholder.size(), directory_);
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  void TestBody() override {
    Command command = bursar::testing::guest_command(case_.guest, way_, {case_.name});
    command.environment["GUEST_WAY"] = name_of(way_);
    command.environment["GUEST_LIBRARIES"] = bursar::testing::library_path("");
    command.environment["GUEST_BURSAR"] = bursar::testing::library_path("libbursar.so");
    command.environment["GUEST_BURSAR_JEMALLOC"] = bursar::testing::library_path("libbursar-jemalloc.so");
    if (!settings_.empty()) command.environment["BURSAR"] = settings_;
    if (settings_.find("tasks=loop") != std::string::npos) {
      command.preloads.insert(command.preloads.begin(), bursar::testing::library_path("libbursar-loop.so"));
    }
    const Outcome outcome = run(command);
    SCOPED_TRACE(command.text());
    if (outcome.exited_with(77)) GTEST_SKIP() << outcome.errors;
    if ((case_.flags & aborts) != 0) {
      EXPECT_TRUE(outcome.killed_by(SIGABRT)) << outcome.text();
      EXPECT_FALSE(outcome.output.empty()) << outcome.text();
      EXPECT_EQ(outcome.errors, outcome.output) << outcome.text();
      return;
    }
    EXPECT_TRUE(outcome.exited_with(0)) << outcome.text();
    EXPECT_EQ(outcome.output, "");
    EXPECT_EQ(outcome.errors, "");
  }

  GuestCase case_;
  Way way_;
  std::string settings_;
  std::string directory_;
};

// A guest that cannot say what it holds ends the run: its cases must not get lost.
std::vector<GuestCase> cases_of(const std::string& guest) {
  const Outcome outcome = run(bursar::testing::guest_command(guest, Way::plain, {"--list"}));
  std::vector<GuestCase> cases;
  std::istringstream lines(outcome.output);
  for (GuestCase guest_case{guest, "", 0}; lines >> guest_case.name >> guest_case.flags;) cases.push_back(guest_case);
  if (!outcome.exited_with(0) || cases.empty()) {
    std::fprintf(stderr, "%s does not list its cases: %s\n", guest.c_str(), outcome.text().c_str());
    std::exit(1);
  }
  return cases;
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  Way way = Way::plain;
  const auto value_of = [](const std::string& option, const std::string& name) {
    return option.rfind(name, 0) == 0 ? option.substr(name.size()) : "";
  };
  const std::string settings = argc == 3 ? value_of(argv[2], "--settings=") : "";
  const bool is_known = argc >= 2 && bursar::testing::way_of(value_of(argv[1], "--way="), &way);
  if (!is_known || argc > 3 || (argc == 3 && settings.empty())) {
    std::fprintf(stderr,
                 "usage: %s --way=plain|preload|preload_jemalloc|shared|static|static_pie [--settings=SETTINGS]\n",
                 argv[0]);
    return 2;
  }
  std::istringstream guests(GUEST_NAMES);
  for (std::string guest; guests >> guest;)
    for (const GuestCase& guest_case : cases_of(guest))
      if (runs_by(guest_case, way) && runs_with(guest_case, settings))
        ::testing::RegisterTest((file_of(guest_case) + "/" + name_of(way)).c_str(), case_of(guest_case).c_str(),
                                nullptr, nullptr, __FILE__, __LINE__,
                                [=]() -> GuestTest* { return new GuestTest(guest_case, way, settings); });
  return RUN_ALL_TESTS();
}
