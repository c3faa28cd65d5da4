// Text made on the stack.
#include "allocator/text.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace bursar {
namespace {

TEST(Text, JoinsWhatIsAdded) {
  Text<64> text;
  text.add("a ")
      .add("bcdef", 3)
      .add(" ")
      .add_decimal(1234567890)
      .add(" ")
      .add_address(reinterpret_cast<const void*>(uintptr_t{0xfedcba9876543210}));
  EXPECT_STREQ(text.c_str(), "a bcd 1234567890 0xfedcba9876543210");
  EXPECT_EQ(text.length(), strlen(text.c_str()));
}

TEST(Text, HasDigitsForTheEndsOfTheRange) {
  Text<64> text;
  text.add_decimal(0).add(" ").add_decimal(UINT64_MAX).add(" ").add_address(nullptr);
  EXPECT_STREQ(text.c_str(), "0 18446744073709551615 0x0");
}

TEST(Text, CutsWhatDoesNotFit) {
  Text<8> text;
  text.add("1234567890");
  EXPECT_STREQ(text.c_str(), "1234567");
  text.add("x", 1).add_decimal(5).add_address(&text);
  EXPECT_EQ(text.length(), 7U);
}

TEST(Text, CutsANumberFromBehind) {
  Text<5> text;
  EXPECT_STREQ(text.add_decimal(987654).c_str(), "9876");
}

TEST(Text, NeverWritesBeyondItsCapacity) {
  struct {
    Text<16> text;
    char behind[16];
  } place;
  memset(place.behind, '#', sizeof(place.behind));
  for (int i = 0; i < 100; ++i) place.text.add("abc", 3).add_decimal(UINT64_MAX).add_address(&place);
  (void)place.text.c_str();
  EXPECT_EQ(std::string(place.behind, sizeof(place.behind)), std::string(sizeof(place.behind), '#'));
}

TEST(Text, IsEmptyAtFirst) {
  Text<4> text;
  EXPECT_EQ(text.length(), 0U);
  EXPECT_STREQ(text.c_str(), "");
}

}  // namespace
}  // namespace bursar
