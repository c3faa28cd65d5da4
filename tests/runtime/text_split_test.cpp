// Pieces and lines of a text.
#include "bursar/text_split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/runtime/failing_memory.h"

namespace {

using bursar::zero_copy::lines;
using bursar::zero_copy::split;
using Pieces = std::vector<std::string>;

static_assert(std::ranges::forward_range<decltype(split("", ','))>);
static_assert(std::ranges::view<decltype(split("", ','))>);
static_assert(std::ranges::borrowed_range<decltype(lines(""))>);

template <typename Range>
Pieces pieces_of(Range range) {
  Pieces pieces;
  for (const std::string_view piece : range) pieces.emplace_back(piece);
  return pieces;
}

TEST(Split, GivesThePiecesBetweenBytes) {
  EXPECT_EQ(pieces_of(split("a,b,,c", ',')), (Pieces{"a", "b", "", "c"}));
  EXPECT_EQ(pieces_of(split(",", ',')), (Pieces{"", ""}));
}

TEST(Split, AnEmptyTextIsOneEmptyPiece) {
  EXPECT_EQ(pieces_of(split("", ',')), Pieces{""});
  EXPECT_EQ(pieces_of(split("", "--")), Pieces{""});
}

TEST(Split, CutsAtNul) {
  const std::string_view text("a\0b", 3);
  EXPECT_EQ(pieces_of(split(text, '\0')), (Pieces{"a", "b"}));
}

TEST(Split, GivesThePiecesBetweenTexts) {
  EXPECT_EQ(pieces_of(split("a--b---c--", "--")), (Pieces{"a", "b", "-c", ""}));
}

TEST(Split, AnEmptySeparatorCutsNowhere) { EXPECT_EQ(pieces_of(split("abc", "")), Pieces{"abc"}); }

TEST(Split, PiecesPointIntoTheText) {
  const std::string text = "one two";
  EXPECT_EQ((*split(text, ' ').begin()).data(), text.data());
}

TEST(Split, AllocatesNothing) {
  const std::uint64_t before = bursar::testing::allocation_calls();
  std::size_t bytes = 0;
  for (const std::string_view piece : split("a piece longer than any small string,and another one", ',')) {
    bytes += piece.size();
  }
  EXPECT_EQ(bytes, 51u);
  EXPECT_EQ(bursar::testing::allocation_calls(), before);
}

TEST(Split, WorksWithTheAlgorithmsOfRanges) {
  const auto range = split("b,a,c", ',');
  EXPECT_EQ(std::ranges::distance(range), 3);
  EXPECT_EQ(*std::ranges::max_element(range), "c");
  const auto found = std::ranges::find(range, "a");
  EXPECT_EQ(*found, "a");
}

TEST(Lines, EndAtLfCrLfAndCr) { EXPECT_EQ(pieces_of(lines("a\nb\r\nc\rd")), (Pieces{"a", "b", "c", "d"})); }

TEST(Lines, AnEndAtTheEndBeginsNoLine) {
  EXPECT_EQ(pieces_of(lines("a\n")), Pieces{"a"});
  EXPECT_EQ(pieces_of(lines("a\r\n")), Pieces{"a"});
  EXPECT_EQ(pieces_of(lines("a\n\n")), (Pieces{"a", ""}));
}

TEST(Lines, AnEmptyTextHasNone) { EXPECT_EQ(pieces_of(lines("")), Pieces{}); }

}  // namespace
