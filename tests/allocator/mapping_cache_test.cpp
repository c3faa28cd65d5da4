// Mappings kept for the next large block.
#include "allocator/mapping_cache.h"

#include <gtest/gtest.h>

#include <vector>

#include "allocator/page_source.h"
#include "allocator/settings.h"
#include "tests/allocator/fake_os.h"

namespace bursar {
namespace {

using fake_os::Call;

Mapping make(size_t bytes, size_t alignment = granule_bytes) {
  void* start = page_source::map(bytes, alignment);
  EXPECT_NE(start, nullptr);
  return {address_of(start), bytes};
}

class MappingCacheTest : public testing::Test {
 protected:
  MappingCacheTest() { fake_os::set_clock_ms(1'000'000); }

  uint64_t unmapped() const { return fake_os::calls(Call::release) - releases_before_; }
  void start_counting() { releases_before_ = fake_os::calls(Call::release); }

  MappingCache cache;

 private:
  uint64_t releases_before_ = 0;
};

TEST_F(MappingCacheTest, GivesBackWhatWasPut) {
  const Mapping mapping = make(4 * MiB);
  cache.put_locked(mapping);
  EXPECT_EQ(cache.kept_bytes(), 4 * MiB);
  const Mapping taken = cache.take_locked(4 * MiB, granule_bytes);
  EXPECT_EQ(taken.start, mapping.start);
  EXPECT_EQ(taken.bytes, mapping.bytes);
  EXPECT_EQ(cache.kept_bytes(), 0U);
  EXPECT_EQ(cache.take_locked(4 * MiB, granule_bytes).start, 0U) << "once only";
}

TEST_F(MappingCacheTest, GivesNeitherTooLittleNorMuchTooMuch) {
  cache.put_locked(make(5 * MiB));
  EXPECT_EQ(cache.take_locked(5 * MiB + granule_bytes, granule_bytes).start, 0U);
  EXPECT_EQ(cache.take_locked(4 * MiB - granule_bytes, granule_bytes).start, 0U);
  EXPECT_EQ(cache.take_locked(4 * MiB, granule_bytes).bytes, 5 * MiB);
}

TEST_F(MappingCacheTest, GivesTheSmallestThatFits) {
  cache.put_locked(make(5 * MiB));
  cache.put_locked(make(4 * MiB + granule_bytes));
  cache.put_locked(make(4 * MiB + 2 * granule_bytes));
  EXPECT_EQ(cache.take_locked(4 * MiB, granule_bytes).bytes, 4 * MiB + granule_bytes);
}

TEST_F(MappingCacheTest, HeedsTheAlignment) {
  const Mapping aligned = make(4 * MiB, 64 * MiB);
  const Mapping other{make(4 * MiB + granule_bytes).start + granule_bytes, 4 * MiB};
  cache.put_locked(other);
  cache.put_locked(aligned);
  EXPECT_EQ(cache.take_locked(4 * MiB, 64 * MiB).start, aligned.start);
  EXPECT_EQ(cache.take_locked(4 * MiB, 64 * MiB).start, 0U);
}

TEST_F(MappingCacheTest, KeepsABoundedNumberAndLetsTheOldestGo) {
  std::vector<Mapping> mappings;
  for (size_t i = 0; i < 20; ++i) mappings.push_back(make(2 * MiB + i * MiB / 2));
  start_counting();
  for (const Mapping& mapping : mappings) {
    fake_os::advance_clock_ms(1);
    cache.put_locked(mapping);
    EXPECT_LE(cache.kept_bytes(), 64 * MiB);
  }
  EXPECT_GT(unmapped(), 0U);
  EXPECT_EQ(cache.take_locked(mappings.front().bytes, granule_bytes).start, 0U);
  EXPECT_EQ(cache.take_locked(mappings.back().bytes, granule_bytes).start, mappings.back().start);
}

TEST_F(MappingCacheTest, KeepsAtMostSixteen) {
  std::vector<Mapping> mappings;
  for (size_t i = 0; i < 17; ++i) mappings.push_back(make(granule_bytes));
  start_counting();
  for (const Mapping& mapping : mappings) {
    fake_os::advance_clock_ms(1);
    cache.put_locked(mapping);
  }
  EXPECT_EQ(unmapped(), 1U);
  EXPECT_EQ(cache.kept_bytes(), 16 * granule_bytes);
  for (size_t i = 1; i < 17; ++i) EXPECT_NE(cache.take_locked(granule_bytes, granule_bytes).start, mappings[0].start);
}

TEST_F(MappingCacheTest, DoesNotKeepAGiant) {
  const Mapping giant = make(33 * MiB);
  start_counting();
  cache.put_locked(giant);
  EXPECT_EQ(unmapped(), 1U);
  EXPECT_EQ(cache.kept_bytes(), 0U);
}

TEST_F(MappingCacheTest, KeepsNothingWhenPurgingAtOnce) {
  settings.purge_ms = 0;
  const Mapping mapping = make(4 * MiB);
  start_counting();
  cache.put_locked(mapping);
  EXPECT_EQ(unmapped(), 1U);
  EXPECT_EQ(cache.take_locked(4 * MiB, granule_bytes).start, 0U);
}

TEST_F(MappingCacheTest, PurgesWhatWasKeptLongest) {
  const Mapping old = make(4 * MiB);
  const Mapping young = make(6 * MiB);
  cache.put_locked(old);
  fake_os::advance_clock_ms(100);
  cache.put_locked(young);
  EXPECT_FALSE(cache.purge_locked(1'000'000));
  EXPECT_TRUE(cache.purge_locked(1'000'050));
  EXPECT_EQ(cache.kept_bytes(), young.bytes);
  EXPECT_TRUE(cache.purge_locked(UINT64_MAX));
  EXPECT_EQ(cache.kept_bytes(), 0U);
  EXPECT_FALSE(cache.purge_locked(UINT64_MAX));
}

TEST_F(MappingCacheTest, ForgetsWithoutUnmapping) {
  const Mapping mapping = make(4 * MiB);
  cache.put_locked(mapping);
  start_counting();
  cache.forget_after_fork();
  EXPECT_EQ(unmapped(), 0U);
  EXPECT_EQ(cache.kept_bytes(), 0U);
  *static_cast<char*>(pointer_to(mapping.start)) = 1;
}

}  // namespace
}  // namespace bursar
