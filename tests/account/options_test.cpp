// Tests of the keys of BURSAR that are about tasks.
#include "interpose/account/options.h"

#include <gtest/gtest.h>

namespace {

using bursar::Options;
using bursar::ledger::TaskSource;

Options parsed(const char* text) {
  Options options;
  bursar::options::parse(text, options);
  return options;
}

/// The budget of a good value; a bad one is told and leaves none.
uint64_t budget_of(const std::string& value, bool is_told = false) {
  ::testing::internal::CaptureStderr();
  const Options options = parsed(("budget=" + value).c_str());
  const std::string told = ::testing::internal::GetCapturedStderr();
  const std::string line =
      "bursar: BURSAR: bad value `budget=" + value + "` ignored (BURSAR=help lists what there is)\n";
  EXPECT_EQ(told, is_told ? line : "");
  return options.budget_bytes;
}

TEST(TaskOptions, WithoutThemThereIsNoAccount) {
  const Options options = parsed("");
  EXPECT_EQ(options.task_source, TaskSource::api);
  EXPECT_EQ(options.budget_bytes, 0U);
  EXPECT_FALSE(options.wants_account());
  EXPECT_FALSE(parsed("tasks=api").wants_account());
}

TEST(TaskOptions, EachSourceHasAName) {
  EXPECT_EQ(parsed("tasks=api").task_source, TaskSource::api);
  EXPECT_EQ(parsed("tasks=thread").task_source, TaskSource::thread);
  EXPECT_EQ(parsed("tasks=process").task_source, TaskSource::process);
  EXPECT_EQ(parsed("tasks=loop").task_source, TaskSource::loop);
}

TEST(TaskOptions, ASourceOrABudgetNeedsTheAccount) {
  EXPECT_TRUE(parsed("tasks=thread").wants_account());
  EXPECT_TRUE(parsed("budget=1M").wants_account());
}

TEST(TaskOptions, AnotherSourceIsTold) {
  for (const char* text : {"tasks", "tasks=", "tasks=threads", "tasks=Thread"}) {
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(parsed(text).task_source, TaskSource::api);
    EXPECT_NE(::testing::internal::GetCapturedStderr().find("bad value `" + std::string(text) + "`"),
              std::string::npos);
  }
}

TEST(TaskOptions, BudgetsHaveBinaryUnits) {
  EXPECT_EQ(budget_of("65536"), 65536U);
  EXPECT_EQ(budget_of("64K"), 64U * 1024);
  EXPECT_EQ(budget_of("100KiB"), 100U * 1024);
  EXPECT_EQ(budget_of("3M"), 3U * 1024 * 1024);
  EXPECT_EQ(budget_of("3MiB"), 3U * 1024 * 1024);
  EXPECT_EQ(budget_of("2G"), uint64_t{2} << 30);
  EXPECT_EQ(budget_of("65536G"), uint64_t{1} << 46);
}

TEST(TaskOptions, BudgetsOutOfBoundsAreTold) {
  for (const char* value : {"0", "65535", "63K", "65537G", "18446744073709551616", "99999999999999999999999G"}) {
    EXPECT_EQ(budget_of(value, true), 0U);
  }
}

TEST(TaskOptions, WhatIsNoNumberOfBytesIsTold) {
  for (const char* value : {"", "M", "-1M", "1.5M", "1MB", "1m", "1 M", "1MiBx", "1Mi", "1T"})
    EXPECT_EQ(budget_of(value, true), 0U);
}

}  // namespace
