// Hostile ledgers by the thousand, in one process: each gives a fault of one line or a report, whatever is in it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "tests/tools/made_ledger.h"
#include "tools/bursar/fault.h"
#include "tools/bursar/ledger_file.h"
#include "tools/bursar/report.h"
#include "tools/bursar/runtime_tree.h"
#include "tools/bursar/snapshot.h"
#include "tools/bursar/task_tree.h"

namespace {

using namespace bursar;
using ledger::Format;
using test::MadeLedger;

/// A file without a name on any disk; the path leads to it while this lives.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("ledger", MFD_CLOEXEC)) {}
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  void write(const std::string& bytes) const {
    ASSERT_EQ(ftruncate(descriptor_, 0), 0);
    ASSERT_EQ(pwrite(descriptor_, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }

  void extend(off_t bytes) const { ASSERT_EQ(ftruncate(descriptor_, bytes), 0); }

 private:
  int descriptor_;
};

/// Reads by every way there is. True for a report, false for a fault.
bool read_all_ways(const std::string& path) {
  try {
    const tool::LedgerFile file = tool::LedgerFile::read(path);
    for (const Format format : {Format::text, Format::json, Format::openmetrics}) {
      const std::string report = tool::report_of(file, {}, format);
      EXPECT_FALSE(report.empty());
      EXPECT_EQ(report.back(), '\n');
      EXPECT_TRUE(format != Format::json || nlohmann::json::accept(report)) << report;
    }
    const tool::Snapshot snapshot = tool::read_snapshot(path);
    EXPECT_LE(snapshot.kinds.size(), ledger::kind_count);
    EXPECT_LE(snapshot.worst_by_peak.size(), ledger::WorstTasks::capacity);
    tool::TaskTree tree;
    tree.add(file.view());
    tree.add(file.view());
    EXPECT_TRUE(nlohmann::json::accept(tree.rendered(Format::json)));
    tool::RuntimeTree runtime;
    runtime.add(file.view());
    runtime.add(file.view());
    EXPECT_EQ(runtime.text().empty(), runtime.totals().are_all_zero());
    return true;
  } catch (const tool::Fault& fault) {
    EXPECT_EQ(std::string(fault.what()).find('\n'), std::string::npos) << fault.what();
    return false;
  }
}

uint64_t seed_of_test() {
  const char* given = std::getenv("BURSAR_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::printf("BURSAR_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

std::string ledger_with_everything() {
  const auto made = test::make_server_ledger();
  made->start_thread(1, 11, "worker-1");
  made->count(1, 3, 1'000, 40, 900);
  made->enter(1, made->tasks[3].tag);
  made->count(1, 0, 5, 100'000, 2);
  made->start_thread(2, 12, "guest");
  std::strcpy(made->header.thread_kinds[0].name, "worker-*");
  made->header.thread_kinds[0].is_there = 1;
  made->tell(ledger::RuntimeFigure::arena_bytes, 1'000'000);
  made->tell(ledger::RuntimeFigure::pool_misses, -1);
  return made->bytes();
}

/// Where the numbers lie that lead a reader: others are only added up.
size_t offset_to_hit(std::mt19937_64& random, size_t size) {
  constexpr size_t slots = offsetof(MadeLedger, slots);
  constexpr size_t kinds = offsetof(MadeLedger, kinds);
  constexpr size_t tasks = offsetof(MadeLedger, tasks);
  switch (random() % 6) {
    case 0: return random() % offsetof(ledger::Header, thread_kinds);
    case 1: return random() % sizeof(ledger::Header);
    case 2: return slots + random() % (3 * sizeof(ledger::Slot));
    case 3: return kinds + random() % (3 * sizeof(ledger::TaskKind));
    case 4: return tasks + random() % (5 * sizeof(ledger::Task));
    default: return random() % size;
  }
}

void mutate(std::string& bytes, std::mt19937_64& random) {
  for (uint64_t left = 1 + random() % 8; left > 0; --left) {
    const size_t at = offset_to_hit(random, bytes.size()) & ~size_t{7};
    uint64_t word = 0;
    std::memcpy(&word, &bytes[at], sizeof word);
    switch (random() % 5) {
      case 0: word ^= uint64_t{1} << random() % 64; break;
      case 1: word = ~uint64_t{0}; break;
      case 2: word = random() >> random() % 64; break;
      case 3: word = uint64_t{1} << random() % 64; break;
      default: word += random() % 3 - 1; break;
    }
    std::memcpy(&bytes[at], &word, sizeof word);
  }
}

TEST(FuzzedLedger, GivesAFaultOrAReport) {
  std::mt19937_64 random(seed_of_test());
  const std::string whole = ledger_with_everything();
  const MemoryFile file;
  int reports = 0;
  constexpr int rounds = 3'000;
  for (int round = 0; round < rounds; ++round) {
    std::string bytes = whole;
    mutate(bytes, random);
    file.write(bytes);
    reports += read_all_ways(file.path()) ? 1 : 0;
  }
  EXPECT_GT(reports, rounds / 4);
  EXPECT_LT(reports, rounds);
}

TEST(FuzzedLedger, OfRandomTablesGivesAReport) {
  std::mt19937_64 random(seed_of_test());
  const std::string whole = ledger_with_everything();
  const MemoryFile file;
  for (int round = 0; round < 100; ++round) {
    std::string bytes = whole;
    for (size_t at = offsetof(ledger::Header, live_bytes); at + 8 <= bytes.size(); at += 8) {
      const uint64_t word = random() >> random() % 64;
      std::memcpy(&bytes[at], &word, sizeof word);
    }
    file.write(bytes);
    EXPECT_TRUE(read_all_ways(file.path()));
  }
}

TEST(FuzzedLedger, OfAllOnesGivesAReport) {
  std::string bytes = ledger_with_everything();
  const size_t start = offsetof(ledger::Header, live_bytes);
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(start), bytes.end(), '\xff');
  const MemoryFile file;
  file.write(bytes);
  EXPECT_TRUE(read_all_ways(file.path()));
}

TEST(FuzzedLedger, CutAnywhereGivesAFault) {
  const std::string whole = ledger_with_everything();
  const MemoryFile file;
  for (size_t length = 0; length < whole.size(); length += length < 16'384 ? 61 : 4'099) {
    file.write(whole.substr(0, length));
    EXPECT_FALSE(read_all_ways(file.path())) << length;
  }
}

/// The header may say that the file is as long as it is; what is read of it is bounded all the same.
TEST(HugeLedger, OfATebibyteIsReadInBoundedMemory) {
  auto made = test::make_server_ledger();
  constexpr uint64_t tebibyte = uint64_t{1} << 40;
  made->header.file_bytes = tebibyte;
  made->header.slots.offset = tebibyte / 2;
  made->header.kinds = {tebibyte / 4, sizeof(ledger::TaskKind), ledger::kind_count};
  made->header.tasks = {tebibyte / 8, sizeof(ledger::Task), ledger::task_record_count};
  made->header.slots_used = UINT64_MAX;
  made->header.kinds_used = UINT64_MAX;
  made->header.tasks_used = UINT64_MAX;
  const MemoryFile file;
  file.write(made->bytes());
  file.extend(tebibyte);
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  EXPECT_TRUE(read_all_ways(file.path()));
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 256 * 1024);
}

}  // namespace
