// What the tests of the account's tables share.
#include "table_user.h"

#include <cstdlib>
#include <iostream>
#include <random>

#include "interpose/account/task_records.h"

namespace bursar::account {

// The tables ask only which thread begins a task; here none has an account.
ThreadAccount* current_thread_account() noexcept { return nullptr; }

}  // namespace bursar::account

namespace bursar::testing {
namespace {

std::vector<std::atomic<Tag>>* walked = nullptr;
std::atomic<size_t> walk_count{0};

void walk(heap::TagVisitor visit, void* context) noexcept {
  walk_count.fetch_add(1);
  if (walked == nullptr) return;
  for (std::atomic<Tag>& tag : *walked) {
    if (tag.load() != 0) visit(context, {tag, tagged_block_bytes, 3});
  }
}

}  // namespace

void Tables::open(const Options& options, const char* program) {
  account::records::set_walk(walk);
  ASSERT_TRUE(book.open(options, program));
  account::tables::start();
}

TaggedBlocks::TaggedBlocks(size_t count) : tags_(count) { walked = &tags_; }
TaggedBlocks::~TaggedBlocks() { walked = nullptr; }

size_t walks() { return walk_count.load(); }

int64_t live_of(const ledger::TaskKind& kind) {
  return static_cast<int64_t>(kind.inherited_bytes + kind.allocated_bytes - kind.freed_bytes);
}

int64_t live_of(const ledger::Task& task) {
  const uint64_t elsewhere = task.freed_elsewhere & ((uint64_t{1} << 48) - 1);
  return static_cast<int64_t>(task.allocated_bytes - task.freed_bytes - elsewhere);
}

uint64_t values_of(const ledger::Distribution& distribution) {
  uint64_t values = 0;
  for (const auto& bucket : distribution.buckets) values += bucket;
  return values;
}

Tag run_task(uint32_t kind, const account::Stay& stay) {
  const Tag tag = account::tables::begin_task(kind);
  account::tables::count_stay(tag, stay);
  account::tables::end_task(tag);
  return tag;
}

uint32_t seed() {
  const char* given = std::getenv("BURSAR_TEST_SEED");
  const uint32_t value =
      given != nullptr ? static_cast<uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  std::cout << "BURSAR_TEST_SEED=" << value << "\n";
  return value;
}

}  // namespace bursar::testing
