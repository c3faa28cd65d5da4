// What the environment may change about the heap.
#include "allocator/settings.h"

#include <gtest/gtest.h>

namespace bursar {
namespace {

TEST(Settings, WhatIsFreeAsLongAsTheDelayIsDue) {
  // Free since 100, delay 500: due at 600.
  EXPECT_FALSE(100 < purge_before_ms(599, 500));
  EXPECT_TRUE(100 < purge_before_ms(600, 500));
}

TEST(Settings, WithoutADelayEverythingIsDue) { EXPECT_TRUE(600 < purge_before_ms(600, 0)); }

TEST(Settings, NothingIsDueWhereTheClockIsYoungerThanTheDelay) {
  EXPECT_EQ(purge_before_ms(499, 500), 0U);
  EXPECT_EQ(purge_before_ms(0, INT64_MAX), 0U);
  EXPECT_EQ(purge_before_ms(500, 500), 1U) << "what was free at the clock's start";
}

}  // namespace
}  // namespace bursar
