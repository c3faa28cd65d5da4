// Numbers of bytes as one types them.
#include "tools/bursar/byte_count.h"

#include <gtest/gtest.h>

namespace {

using bursar::tool::parse_byte_count;

TEST(ByteCount, HasUnitsOf1024) {
  EXPECT_EQ(parse_byte_count("1"), 1U);
  EXPECT_EQ(parse_byte_count("200M"), 200U << 20);
  EXPECT_EQ(parse_byte_count("64k"), 64U << 10);
  EXPECT_EQ(parse_byte_count("2G"), uint64_t{2} << 30);
  EXPECT_EQ(parse_byte_count("64T"), uint64_t{1} << 46);
}

TEST(ByteCount, IsNothingElse) {
  for (const char* text : {"", "0", "-1", "+1", " 1", "1 ", "1.5G", "M", "1MB", "1Q", "65T", "18446744073709551616",
                           "36028797018963968K", "1\xff"}) {
    EXPECT_EQ(parse_byte_count(text), std::nullopt) << text;
  }
}

}  // namespace
