// Which sizes share a class.
#include "allocator/size_class.h"

#include <gtest/gtest.h>

namespace bursar {
namespace {

TEST(SizeClass, EverySizeGoesToTheSmallestClassThatHoldsIt) {
  for (size_t bytes = 1; bytes <= medium_bytes_max; ++bytes) {
    const SizeClass size_class = size_class_of(bytes);
    ASSERT_GE(block_bytes_of(size_class), bytes);
    ASSERT_LT(block_bytes_of(size_class - 1), bytes) << "class " << size_class;
    ASSERT_LT(size_class, size_class_count);
  }
}

TEST(SizeClass, ZeroBytesAreServedAsOne) { EXPECT_EQ(size_class_of(0), size_class_of(1)); }

TEST(SizeClass, BlocksAscendInMultiplesOfTheAlignment) {
  for (SizeClass size_class = 1; size_class < size_class_count; ++size_class) {
    EXPECT_GT(block_bytes_of(size_class), block_bytes_of(size_class - 1));
    EXPECT_EQ(block_bytes_of(size_class) % block_alignment, 0U);
    EXPECT_EQ(size_class_of(block_bytes_of(size_class)), size_class);
  }
}

TEST(SizeClass, WasteIsAtMostFifteenBytesOrAFifth) {
  for (size_t bytes = 1; bytes <= medium_bytes_max; ++bytes) {
    const size_t block_bytes = block_bytes_of(size_class_of(bytes));
    const size_t waste = block_bytes - bytes;
    ASSERT_TRUE(bytes <= small_bytes_max ? waste <= 15 : waste * 5 <= block_bytes) << bytes;
  }
}

TEST(SizeClass, ASlabHoldsAtLeastEightBlocks) {
  for (SizeClass size_class = 1; size_class < size_class_count; ++size_class) {
    const size_t granules = slab_granules_of(size_class);
    EXPECT_TRUE(is_power_of_two(granules));
    EXPECT_GE(granules * granule_bytes / block_bytes_of(size_class), 8U);
    EXPECT_TRUE(granules == 1 || granules / 2 * granule_bytes / block_bytes_of(size_class) < 8) << "more than needed";
  }
}

}  // namespace
}  // namespace bursar
