// Memory for the heap's own records.
#include "allocator/metadata.h"

#include <gtest/gtest.h>

#include <vector>

#include "allocator/units.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar {
namespace {

using fake_os::Call;
using fake_os::Failure;

TEST(Metadata, RecordsReadZeroAndKeepApart) {
  test::Random random(test::told_seed());
  struct Record {
    void* start;
    size_t bytes;
  };
  std::vector<Record> records;
  for (uint64_t i = 0; i < 3000; ++i) {
    const size_t bytes = random.bytes(6000);
    void* start = metadata::allocate_locked(bytes);
    ASSERT_NE(start, nullptr);
    ASSERT_EQ(address_of(start) % metadata::record_alignment, 0U);
    ASSERT_TRUE(test::is_zero(start, bytes));
    test::fill(start, bytes, i);
    records.push_back({start, bytes});
  }
  for (uint64_t i = 0; i < records.size(); ++i) ASSERT_TRUE(test::holds(records[i].start, records[i].bytes, i));
}

TEST(Metadata, CountsWhatIsInUse) {
  const size_t before = metadata::used_bytes();
  ASSERT_NE(metadata::allocate_locked(1), nullptr);
  EXPECT_EQ(metadata::used_bytes() - before, metadata::record_alignment);
  ASSERT_NE(metadata::allocate_locked(4096), nullptr);
  EXPECT_EQ(metadata::used_bytes() - before, metadata::record_alignment + 4096U);
}

TEST(Metadata, ServesARecordLargerThanAChunk) {
  void* small = metadata::allocate_locked(64);
  auto* large = static_cast<char*>(metadata::allocate_locked(3 * MiB + 1));
  ASSERT_NE(large, nullptr);
  EXPECT_TRUE(test::is_zero(large, 3 * MiB + 1));
  test::fill(large, 3 * MiB + 1, 7);
  void* next = metadata::allocate_locked(64);
  ASSERT_NE(next, nullptr);
  EXPECT_TRUE(test::is_zero(next, 64));
  EXPECT_TRUE(test::is_zero(small, 64));
  EXPECT_TRUE(test::holds(large, 3 * MiB + 1, 7));
}

TEST(Metadata, ComesBackAfterTheSystemRefused) {
  fake_os::fail(Call::reserve, 1, Failure::once);
  EXPECT_EQ(metadata::allocate_locked(64), nullptr);
  fake_os::fail(Call::commit, 1, Failure::once);
  EXPECT_EQ(metadata::allocate_locked(64), nullptr);
  EXPECT_EQ(metadata::used_bytes(), 0U);
  void* record = metadata::allocate_locked(64);
  ASSERT_NE(record, nullptr);
  EXPECT_TRUE(test::is_zero(record, 64));
}

TEST(Metadata, StartsAfreshAfterAFork) {
  auto* before = static_cast<char*>(metadata::allocate_locked(64));
  metadata::forget_after_fork();
  auto* after = static_cast<char*>(metadata::allocate_locked(64));
  ASSERT_NE(after, nullptr);
  EXPECT_GE(static_cast<size_t>(after > before ? after - before : before - after), 64 * KiB) << "not in the old chunk";
}

}  // namespace
}  // namespace bursar
