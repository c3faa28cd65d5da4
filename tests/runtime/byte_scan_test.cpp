// The first byte of a class: every length, every place, and no byte outside the text.
#include "bursar/byte_scan.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <string>

#include "tests/runtime/random_text.h"

namespace {

using bursar::byte_scan::Bytes16;
using bursar::byte_scan::find_first;

struct IsX {
  [[nodiscard]] Bytes16 matches(Bytes16 bytes) const noexcept { return bursar::byte_scan::equal(bytes, 'x'); }
};
struct IsLow {
  [[nodiscard]] Bytes16 matches(Bytes16 bytes) const noexcept {
    return bursar::byte_scan::between(bytes, '\0', '\x1f');
  }
};
struct IsHigh {
  [[nodiscard]] Bytes16 matches(Bytes16 bytes) const noexcept {
    return bursar::byte_scan::between(bytes, '\x80', '\xff');
  }
};

constexpr std::size_t bytes_max = 200;

TEST(ByteScan, FindsTheOneMatchAtEveryPlaceOfEveryLength) {
  for (std::size_t bytes = 1; bytes <= bytes_max; ++bytes) {
    for (std::size_t at = 0; at < bytes; ++at) {
      std::string text(bytes, '.');
      text[at] = 'x';
      ASSERT_EQ(find_first(text, IsX{}), at) << "of " << bytes;
    }
  }
}

TEST(ByteScan, TellsTheFirstOfSeveral) {
  for (std::size_t bytes = 1; bytes <= bytes_max; ++bytes) {
    for (std::size_t at = 0; at < bytes; ++at) {
      std::string text(bytes, '.');
      std::fill(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), 'x');
      ASSERT_EQ(find_first(text, IsX{}), at) << "of " << bytes;
    }
  }
}

TEST(ByteScan, WithoutAMatchItIsTheLength) {
  for (std::size_t bytes = 0; bytes <= bytes_max; ++bytes) {
    EXPECT_EQ(find_first(std::string(bytes, '.'), IsX{}), bytes);
  }
}

TEST(ByteScan, ZeroBytesThatPadRegistersAreNoMatches) {
  for (std::size_t bytes = 0; bytes <= bytes_max; ++bytes) {
    EXPECT_EQ(find_first(std::string(bytes, '.'), IsLow{}), bytes);
  }
}

TEST(ByteScan, AgreesWithALoopOnRandomBytes) {
  bursar::testing::RandomText random;
  for (int round = 0; round < 20'000; ++round) {
    const std::string text =
        random.text(random.below(bytes_max), "\x01\x1f\x20\x7f\x80\xff...........................");
    const auto low = std::find_if(text.begin(), text.end(), [](unsigned char byte) { return byte < 0x20; });
    const auto high = std::find_if(text.begin(), text.end(), [](unsigned char byte) { return byte >= 0x80; });
    ASSERT_EQ(find_first(text, IsLow{}), static_cast<std::size_t>(low - text.begin()));
    ASSERT_EQ(find_first(text, IsHigh{}), static_cast<std::size_t>(high - text.begin()));
  }
}

TEST(ByteScan, ReadsNothingOutsideTheText) {
  // Two pages of text between pages that nobody may touch.
  const std::size_t page_bytes = 4096;
  auto* pages = static_cast<char*>(mmap(nullptr, 4 * page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  ASSERT_EQ(mprotect(pages + page_bytes, 2 * page_bytes, PROT_READ | PROT_WRITE), 0);
  char* const start = pages + page_bytes;
  char* const end = start + 2 * page_bytes;
  std::fill(start, end, '.');
  for (std::size_t bytes = 0; bytes <= bytes_max; ++bytes) {
    EXPECT_EQ(find_first({end - bytes, bytes}, IsX{}), bytes);
    EXPECT_EQ(find_first({start, bytes}, IsX{}), bytes);
  }
  munmap(pages, 4 * page_bytes);
}

}  // namespace
