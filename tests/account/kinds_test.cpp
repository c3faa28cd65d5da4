// Tests of kinds by name.
#include <algorithm>
#include <thread>

#include "table_user.h"

namespace {

using namespace bursar;
using namespace bursar::testing;

namespace tables = account::tables;

class Kinds : public Tables {};

TEST_F(Kinds, TheFirstIsWhatNoTaskDid) {
  EXPECT_EQ(book.header().kinds_used, 1U);
  EXPECT_EQ(book.kind(0).is_there, 1U);
  EXPECT_STREQ(book.kind(0).name, "(outside tasks)");
}

TEST_F(Kinds, ANameHasOneKind) {
  const uint32_t search = tables::kind_named("GET /search");
  EXPECT_EQ(tables::kind_named(std::string("GET /search").c_str()), search);
  EXPECT_NE(tables::kind_named("GET /searc"), search);
  EXPECT_STREQ(book.kind(search).name, "GET /search");
  EXPECT_EQ(book.kind(search).is_there, 1U);
  EXPECT_EQ(book.header().kinds_used, 3U);
}

TEST_F(Kinds, NullAndEmptyAreUnnamed) {
  const uint32_t unnamed = tables::kind_named(nullptr);
  EXPECT_EQ(tables::kind_named(""), unnamed);
  EXPECT_STREQ(book.kind(unnamed).name, "(unnamed)");
}

TEST_F(Kinds, HugeAndBinaryNamesAreCutAndCleaned) {
  const std::string huge(1'000'000, 'h');
  const uint32_t kind = tables::kind_named(huge.c_str());
  EXPECT_EQ(book.kind(kind).name, std::string(63, 'h'));
  EXPECT_EQ(tables::kind_named((huge + "else").c_str()), kind) << "they differ behind what is kept";
  EXPECT_STREQ(kind_named("\x01\xff\n").name, "???");
}

TEST_F(Kinds, BeyondTheTableAllAreOfTheLast) {
  std::vector<uint32_t> kinds;
  for (int i = 0; i < 100'000; ++i) kinds.push_back(tables::kind_named(("kind " + std::to_string(i)).c_str()));
  for (uint32_t i = 0; i < 1022; ++i) ASSERT_EQ(kinds[i], i + 1);
  EXPECT_EQ(std::count(kinds.begin(), kinds.end(), ledger::kind_of_others), 100'000 - 1022);
  EXPECT_STREQ(book.kind(ledger::kind_of_others).name, "(other kinds)");
  EXPECT_EQ(book.header().kinds_used, ledger::kind_count);
  EXPECT_EQ(tables::kind_named("kind 500"), 501U) << "those that are there stay";
}

TEST_F(Kinds, ThreadsThatComeWithTheSameNamesGetTheSameKinds) {
  constexpr size_t names = 400;
  std::vector<std::vector<uint32_t>> found(4, std::vector<uint32_t>(names));
  std::vector<std::thread> threads;
  for (auto& kinds : found) {
    threads.emplace_back([&kinds] {
      for (size_t i = 0; i < names; ++i) kinds[i] = tables::kind_named(("name " + std::to_string(i)).c_str());
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& kinds : found) EXPECT_EQ(kinds, found[0]);
  EXPECT_EQ(book.header().kinds_used, names + 1);
  for (size_t i = 0; i < names; ++i) EXPECT_EQ(book.kind(found[0][i]).name, "name " + std::to_string(i));
}

class ProcessAsTask : public Tables {
 protected:
  void SetUp() override {
    Options options;
    options.task_source = ledger::TaskSource::process;
    open(options, "/usr/sbin/nginx");
  }
};

TEST_F(ProcessAsTask, IsTheFirstKindUnderItsName) {
  EXPECT_STREQ(book.kind(0).name, "nginx");
  EXPECT_EQ(tables::kind_named("nginx"), 0U);
}

}  // namespace
