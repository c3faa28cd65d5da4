// What the tests of the account's tables share: a ledger in memory, and blocks that have nothing but tags.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "interpose/account/ledger.h"
#include "interpose/account/task_tables.h"

namespace bursar::testing {

using ledger::book;
using ledger::Tag;

/// Tests of tables that a process has one of: each runs in a process of its own.
class Tables : public ::testing::Test {
 protected:
  void SetUp() override { open({}); }
  void open(const Options& options, const char* program = "/usr/bin/program");
};

/// The tags of blocks that live, in the place of the heap's: the tables walk over them.
class TaggedBlocks {
 public:
  explicit TaggedBlocks(size_t count);
  ~TaggedBlocks();
  std::atomic<Tag>& operator[](size_t index) { return tags_[index]; }

 private:
  std::vector<std::atomic<Tag>> tags_;
};
inline constexpr size_t tagged_block_bytes = 48;

/// How often the tags were walked over.
size_t walks();

inline const ledger::TaskKind& kind_named(const char* name) { return book.kind(account::tables::kind_named(name)); }
inline ledger::Task& record_of(Tag tag) { return book.task(ledger::record_of(tag)); }

/// Live bytes of a kind and of a task as a reader computes them (K2, T3).
int64_t live_of(const ledger::TaskKind& kind);
int64_t live_of(const ledger::Task& task);

/// How many values a distribution has.
uint64_t values_of(const ledger::Distribution& distribution);

/// A task that allocated so much, of which so much was freed in it; ended.
Tag run_task(uint32_t kind, const account::Stay& stay);

/// The seed of a random test: that of BURSAR_TEST_SEED, or a new one; told.
uint32_t seed();

}  // namespace bursar::testing
