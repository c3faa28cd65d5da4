// Ledgers from files that may hold anything: one line of fault, or a ledger that can be reported.
#include "tools/bursar/ledger_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>

#include "tests/tools/made_ledger.h"
#include "tools/bursar/fault.h"

namespace {

namespace fs = std::filesystem;
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
  EXPECT_EQ(ledger.view().slots[7].size_classes[3].requested_bytes, 200U);
}

TEST_F(LedgerFileTest, TellsOnceWhatWasBeingHandedOver) {
  const auto made = std::make_unique<MadeLedger>();
  made->add_kind(0, "(outside tasks)");
  made->add_kind(1, "request");
  const bursar::ledger::Tag tag = made->begin_task(1, 1, "", 0, 0);
  made->enter(1, tag);
  made->count(1, 1, 70, 16, 30);
  made->enter(2, tag);
  made->count(2, 1, 5, 16, 0);
  // Killed as the first of four figures was in the table and not yet out of the slot.
  made->kinds[1].allocations += 70;
  write(made->bytes());

  const LedgerFile read = LedgerFile::read(file_);
  EXPECT_EQ(read.view().slots[1].at_entry.allocations, 70U);
  EXPECT_EQ(read.view().slots[2].at_entry.allocations, 0U);
  EXPECT_EQ(read.view().slots[1].at_entry.frees, 0U);
  EXPECT_EQ(read.view().tasks[1].allocations, 70U);
}

TEST_F(LedgerFileTest, RefusesWhatIsNoRegularFile) {
  const std::string fault = "is not a regular file, so it is no ledger";
  const fs::path fifo = directory_ / "fifo";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(fault_of(fifo), fault);
  EXPECT_EQ(fault_of("/proc/self/ns"), "is a directory, and has no ledger in it");
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
  EXPECT_EQ(fault_of(file_), "is empty: its process had no room for it there, or ended before it had begun");
  write("#!/bin/sh\necho no ledger\n");
  EXPECT_EQ(fault_of(file_), fault);
  EXPECT_EQ(fault_of("/proc/self/status"), fault);
}

TEST_F(LedgerFileTest, NamesTheVersionItDoesNotRead) {
  for (const char* version : {"3", "5"}) {
    EXPECT_EQ(fault_with([&](MadeLedger& made) { made.header.version = static_cast<uint32_t>(*version - '0'); }),
              std::string("is a ledger of version ") + version +
                  ", and this bursar reads version 4: use the bursar that wrote it");
  }
}

TEST_F(LedgerFileTest, RefusesSizesThatDoNotFit) {
  const std::string fault = "is damaged: the sizes in its header do not fit its version";
  EXPECT_EQ(fault_with([](MadeLedger& made) { made.header.header_bytes += 64; }), fault);
  for (bursar::ledger::Table bursar::ledger::Header::*table :
       {&bursar::ledger::Header::slots, &bursar::ledger::Header::kinds, &bursar::ledger::Header::tasks}) {
    EXPECT_EQ(fault_with([&](MadeLedger& made) { (made.header.*table).entry_bytes = 0; }), fault);
    EXPECT_EQ(fault_with([&](MadeLedger& made) { (made.header.*table).entry_count = 1U << 31; }), fault);
    EXPECT_EQ(fault_with([&](MadeLedger& made) { (made.header.*table).offset = 8; }), fault);
    EXPECT_EQ(fault_with([&](MadeLedger& made) { (made.header.*table).offset = sizeof made - 64; }), fault);
    EXPECT_EQ(fault_with([&](MadeLedger& made) { (made.header.*table).offset = UINT64_MAX - 63; }), fault);
  }
  EXPECT_EQ(
      fault_with([](MadeLedger& made) { made.header.size_class_count = bursar::ledger::size_class_capacity + 1; }),
      fault);
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
  EXPECT_EQ(fault_of(file_), "is damaged: it has " + std::to_string(bytes.size() + 1) + " bytes, its header says " +
                                 std::to_string(bytes.size()));
}

}  // namespace
