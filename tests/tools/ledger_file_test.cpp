// Ledgers from files that may hold anything: one line of fault, or a ledger that can be reported.
#include "tools/bursar/ledger_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "tests/tools/made_ledger.h"
#include "tools/bursar/fault.h"
#include "tools/bursar/report.h"

namespace {

namespace fs = std::filesystem;
using bursar::ledger::Format;
using bursar::test::MadeLedger;
using bursar::test::make_ledger;
using bursar::tool::Fault;
using bursar::tool::LedgerFile;

class LedgerFileTest : public testing::Test {
 protected:
  LedgerFileTest() {
    std::string path = testing::TempDir() + "/bursar-test-XXXXXX";
    directory_ = mkdtemp(path.data());
    file_ = directory_ / "ledger";
  }
  ~LedgerFileTest() override { fs::remove_all(directory_); }

  void write(const std::string& bytes) const {
    std::ofstream(file_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  /// What the fault says after the path; what is no fault says so.
  std::string fault_of(const fs::path& path) const {
    try {
      (void)LedgerFile::read(path);
      return "no fault";
    } catch (const Fault& fault) {
      const std::string line = fault.what();
      EXPECT_EQ(line.find('\n'), std::string::npos) << line;
      EXPECT_EQ(line.rfind(path.native() + ": ", 0), 0U) << line;
      EXPECT_EQ(fault.exit_status(), 2);
      return line.substr(path.native().size() + 2);
    }
  }

  std::string fault_with(const std::function<void(MadeLedger&)>& change) const {
    const auto made = make_ledger();
    change(*made);
    write(made->bytes());
    return fault_of(file_);
  }

  fs::path directory_;
  fs::path file_;
};

TEST_F(LedgerFileTest, ReadsWhatIsThere) {
  const auto made = make_ledger();
  made->count(0, 3, 5, 40, 2);
  made->count(7, 3, 5, 40, 2);
  write(made->bytes());
  const LedgerFile ledger = LedgerFile::read(file_);
  EXPECT_STREQ(ledger.header().program, "/usr/bin/guest");
  EXPECT_EQ(ledger.header().slots_used, 8U);
  EXPECT_EQ(ledger.slots()[7].requested_bytes, 200U);
}

TEST_F(LedgerFileTest, RefusesWhatIsNoRegularFile) {
  const std::string fault = "is not a regular file, so it is no ledger";
  const fs::path fifo = directory_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(fault_of(fifo), fault);
  EXPECT_EQ(fault_of(directory_), fault);
  EXPECT_EQ(fault_of("/dev/zero"), fault);
  EXPECT_EQ(fault_of("/dev/full"), fault);
}

TEST_F(LedgerFileTest, RefusesWhatCannotBeOpened) {
  EXPECT_EQ(fault_of(directory_ / "missing"), "cannot be opened: No such file or directory");
  fs::create_symlink(directory_ / "loop", directory_ / "loop");
  EXPECT_EQ(fault_of(directory_ / "loop"), "cannot be opened: Too many levels of symbolic links");
}

TEST_F(LedgerFileTest, RefusesOtherFiles) {
  const std::string fault = "is no ledger of bursar: it begins with other bytes";
  write("");
  EXPECT_EQ(fault_of(file_), fault);
  write("#!/bin/sh\necho no ledger\n");
  EXPECT_EQ(fault_of(file_), fault);
  EXPECT_EQ(fault_of("/proc/self/status"), fault);
}

TEST_F(LedgerFileTest, NamesTheVersionItDoesNotRead) {
  EXPECT_EQ(fault_with([](MadeLedger& made) { made.header.version = 1; }),
            "is a ledger of version 1, and this bursar reads version 2: use the bursar that wrote it");
}

TEST_F(LedgerFileTest, RefusesSizesThatDoNotFit) {
  const std::string fault = "is damaged: the sizes in its header do not fit its version";
  EXPECT_EQ(fault_with([](MadeLedger& made) { made.header.header_bytes += 64; }), fault);
  EXPECT_EQ(fault_with([](MadeLedger& made) { made.header.slot_bytes = 0; }), fault);
  EXPECT_EQ(fault_with([](MadeLedger& made) { made.header.slot_count = 1U << 31; }), fault);
  EXPECT_EQ(fault_with([](MadeLedger& made) { made.header.file_bytes = UINT64_MAX; }), fault);
  EXPECT_EQ(
      fault_with([](MadeLedger& made) { made.header.size_class_count = bursar::ledger::size_class_capacity + 1; }),
      fault);
  EXPECT_EQ(fault_with([](MadeLedger& made) { made.header.slots_used = 257; }), fault);
}

TEST_F(LedgerFileTest, RefusesAnUnfinishedOrUnknownState) {
  EXPECT_EQ(fault_with([](MadeLedger& made) { made.header.state = bursar::ledger::State::starting; }),
            "holds nothing: its process has not begun to count, or never did");
  EXPECT_EQ(fault_with([](MadeLedger& made) { made.header.state = static_cast<bursar::ledger::State>(9); }),
            "is damaged: its state is none that there is");
  EXPECT_EQ(fault_with([](MadeLedger& made) { std::memset(made.header.program, 'x', sizeof made.header.program); }),
            "is damaged: the program's name has no end");
}

TEST_F(LedgerFileTest, RefusesEveryTruncation) {
  const std::string bytes = make_ledger()->bytes();
  for (size_t length = 0; length < bytes.size(); length += length < 2'000 ? 13 : 9'973) {
    write(bytes.substr(0, length));
    EXPECT_NE(fault_of(file_), "no fault") << length;
  }
  write(bytes + "x");
  EXPECT_EQ(fault_of(file_), "is damaged: it has " + std::to_string(bytes.size() + 1) + " bytes, a ledger " +
                                 std::to_string(bytes.size()));
}

TEST_F(LedgerFileTest, FlippedBitsGiveAFaultOrAReport) {
  const char* given = std::getenv("BURSAR_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("BURSAR_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto made = make_ledger();
  for (size_t i = 0; i < 40; ++i) made->count(i % 3, i, 1'000 + i, 16 * i + 7, 900);
  const std::string bytes = made->bytes();
  int faults = 0;
  int reports = 0;
  for (int round = 0; round < 300; ++round) {
    std::string flipped = bytes;
    // Half of the rounds hit the header, which is small beside the slots.
    const size_t reach = round % 2 == 0 ? sizeof(bursar::ledger::Header) : flipped.size();
    for (uint64_t flips = 1 + random() % 8; flips > 0; --flips)
      flipped[random() % reach] ^= static_cast<char>(1U << random() % 8);
    write(flipped);
    try {
      const LedgerFile ledger = LedgerFile::read(file_);
      EXPECT_FALSE(bursar::tool::report_of(ledger, {}, Format::text).empty());
      EXPECT_TRUE(nlohmann::json::accept(bursar::tool::report_of(ledger, {}, Format::json)));
      ++reports;
    } catch (const Fault&) {
      ++faults;
    }
  }
  EXPECT_GT(faults, 0);
  EXPECT_GT(reports, 0);
}

}  // namespace
