// Text that is borrowed or owned.
#include "bursar/cow_string.h"

#include <gtest/gtest.h>

#include <thread>
#include <unordered_set>

#include "tests/runtime/failing_memory.h"

namespace {

using bursar::CowString;

TEST(CowString, StartsEmptyAndBorrowed) {
  const CowString text;
  EXPECT_TRUE(text.empty());
  EXPECT_TRUE(text.is_borrowed());
  EXPECT_EQ(text.view(), "");
}

TEST(CowString, BorrowingPointsAtTheText) {
  const std::string source = "some text";
  const CowString text = CowString::borrow(source);
  EXPECT_EQ(text.data(), source.data());
  EXPECT_EQ(text.size(), source.size());
  EXPECT_TRUE(text.is_borrowed());
}

TEST(CowString, BorrowingAllocatesNothing) {
  const std::uint64_t before = bursar::testing::allocation_calls();
  const CowString text = CowString::borrow("some text that is longer than any small string");
  const CowString other = text.clone();
  EXPECT_EQ(other.view(), text.view());
  EXPECT_EQ(bursar::testing::allocation_calls(), before);
}

TEST(CowString, ACopyOwnsItsBytes) {
  std::string source = "some text";
  const CowString text = CowString::copy(source);
  source[0] = 'S';
  EXPECT_TRUE(text.is_owned());
  EXPECT_EQ(text, "some text");
}

TEST(CowString, NulAndInvalidUtf8AreBytesLikeOthers) {
  const std::string source("a\0b\xff\xc0\x80", 6);
  EXPECT_EQ(CowString::copy(source), source);
  EXPECT_EQ(CowString::borrow(source), source);
}

TEST(CowString, AnEmptyCopyOwnsNothingToRead) {
  const CowString text = CowString::copy("");
  EXPECT_TRUE(text.is_owned());
  EXPECT_TRUE(text.empty());
}

TEST(CowString, MovingLeavesAnEmptyBorrowedText) {
  CowString from = CowString::copy("some text");
  const CowString to = std::move(from);
  EXPECT_EQ(to, "some text");
  EXPECT_TRUE(from.is_borrowed());  // NOLINT(bugprone-use-after-move): what is left is promised
  EXPECT_TRUE(from.empty());
}

TEST(CowString, AssigningGivesTheOldBytesBack) {
  const std::int64_t before = bursar::testing::live_blocks();
  {
    CowString text = CowString::copy("one");
    text = CowString::copy("two");
    EXPECT_EQ(text, "two");
    EXPECT_EQ(bursar::testing::live_blocks(), before + 1);
  }
  EXPECT_EQ(bursar::testing::live_blocks(), before);
}

TEST(CowString, AssigningToItselfKeepsTheText) {
  CowString text = CowString::copy("one");
  CowString& same = text;
  text = std::move(same);
  EXPECT_EQ(text, "one");
}

TEST(CowString, WritingTakesACopyOfWhatIsBorrowed) {
  const std::string source = "some text";
  CowString text = CowString::borrow(source);
  text.mutable_data()[0] = 'S';
  EXPECT_EQ(text, "Some text");
  EXPECT_EQ(source, "some text");
}

TEST(CowString, WritingToWhatIsOwnedCopiesNothing) {
  CowString text = CowString::copy("some text");
  const char* const before = text.data();
  EXPECT_EQ(text.mutable_data(), before);
}

TEST(CowString, WithoutMemoryOwningLeavesTheTextBorrowed) {
  const std::string source = "some text";
  CowString text = CowString::borrow(source);
  const std::uint64_t failures = bursar::testing::for_each_allocation_failure([&](std::uint64_t /*nth*/) {
    try {
      text.own();
    } catch (const std::bad_alloc&) {
      EXPECT_EQ(text.data(), source.data());
    }
  });
  EXPECT_EQ(failures, 1u);
  EXPECT_TRUE(text.is_owned());
}

TEST(CowString, ASizeBeyondHalfTheAddressSpaceIsNoMemory) {
  EXPECT_TRUE(CowString::try_own_uninitialized(~std::size_t{0}).is_borrowed());
  EXPECT_TRUE(CowString::try_own_uninitialized(~std::size_t{0} / 2 + 1).is_borrowed());
}

TEST(CowString, ComparesAndHashesAsItsText) {
  EXPECT_EQ(CowString::copy("a"), CowString::borrow("a"));
  EXPECT_LT(CowString::borrow("a"), CowString::borrow("b"));
  EXPECT_EQ(std::hash<CowString>{}(CowString::copy("a")), std::hash<std::string_view>{}("a"));
}

TEST(CopyCounts, ACopyCountsItsBytes) {
  const bursar::CopyCounts before = bursar::copy_counts();
  const CowString text = CowString::copy("12345");
  const bursar::CopyCounts after = bursar::copy_counts();
  EXPECT_EQ(after.copies, before.copies + 1);
  EXPECT_EQ(after.copied_bytes, before.copied_bytes + 5);
  EXPECT_EQ(after.unchanged, before.unchanged);
}

TEST(CopyCounts, AThreadsEndAddsWhatItCounted) {
  const bursar::CopyCounts before = bursar::copy_counts();
  const std::uint64_t copies = bursar::copy_batch_calls * 3 + 7;
  std::thread([&] {
    for (std::uint64_t count = 0; count < copies; ++count) static_cast<void>(CowString::copy("12"));
  }).join();
  const bursar::CopyCounts after = bursar::copy_counts();
  EXPECT_EQ(after.copies, before.copies + copies);
  EXPECT_EQ(after.copied_bytes, before.copied_bytes + 2 * copies);
}

}  // namespace
