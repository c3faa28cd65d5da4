// Transformations of text: what they write, and that they write nothing where nothing changes.
#include "bursar/zero_copy.h"

#include <gtest/gtest.h>

#include <memory_resource>

#include "tests/runtime/failing_memory.h"
#include "tests/runtime/random_text.h"

namespace {

using namespace bursar::zero_copy;  // NOLINT(google-build-using-namespace): what is tested
using bursar::CowString;
using bursar::testing::RandomText;
using namespace std::string_view_literals;

constexpr auto json = EscapeStyle::json;
constexpr auto c = EscapeStyle::c;

// ---- nothing changes ------------------------------------------------------------------------------------------------

void expect_untouched(const CowString& result, std::string_view text) {
  EXPECT_TRUE(result.is_borrowed());
  EXPECT_EQ(result.data(), text.data());
  EXPECT_EQ(result.size(), text.size());
}

TEST(ZeroCopy, ZeroCopiesAndZeroAllocationsWhereNothingChanges) {
  const std::string_view text = "plain text \xc3\xa4 \xff longer than any small string, and longer than 64 bytes";
  const std::uint64_t before = bursar::testing::allocation_calls();
  expect_untouched(escape(text), text);
  expect_untouched(escape<json>(text), text);
  expect_untouched(unescape(text), text);
  expect_untouched(unescape<json>(text), text);
  expect_untouched(replace(text, "absent", "present"), text);
  expect_untouched(lower(text), text);
  expect_untouched(normalize_newlines(text), text);
  expect_untouched(expand_tabs(text), text);
  EXPECT_EQ(bursar::testing::allocation_calls(), before);
}

TEST(ZeroCopy, EmptyTextIsBorrowed) {
  expect_untouched(escape(""sv), "");
  EXPECT_TRUE(escape(std::string_view()).is_borrowed());
  EXPECT_TRUE(unescape(std::string_view()).is_borrowed());
  EXPECT_TRUE(lower(std::string_view()).is_borrowed());
  EXPECT_TRUE(replace(std::string_view(), "a", "b").is_borrowed());
  EXPECT_TRUE(expand_tabs(std::string_view()).is_borrowed());
}

TEST(ZeroCopy, CopiesAndTheirBytesAreCounted) {
  const bursar::CopyCounts before = bursar::copy_counts();
  static_cast<void>(escape("clean"));
  static_cast<void>(escape("a\nb"));
  static_cast<void>(lower("ABC"));
  const bursar::CopyCounts after = bursar::copy_counts();
  EXPECT_EQ(after.unchanged, before.unchanged + 1);
  EXPECT_EQ(after.copies, before.copies + 2);
  EXPECT_EQ(after.copied_bytes, before.copied_bytes + 4 + 3);
}

// ---- memory ---------------------------------------------------------------------------------------------------------

TEST(ZeroCopy, WithoutMemoryATransformationThrowsAndLosesNothing) {
  const std::int64_t blocks = bursar::testing::live_blocks();
  const std::uint64_t failures = bursar::testing::for_each_allocation_failure([](std::uint64_t nth) {
    try {
      EXPECT_EQ(escape("a\nb"), "a\\nb");
    } catch (const std::bad_alloc&) {
      EXPECT_EQ(nth, 1u);
    }
  });
  EXPECT_EQ(failures, 1u);
  EXPECT_EQ(bursar::testing::live_blocks(), blocks);
}

TEST(ZeroCopy, TheTryFormGivesNothingWithoutMemory) {
  bursar::testing::FailNthAllocation failure(1);
  EXPECT_FALSE(try_transform(Lower{}, "ABC").has_value());
  EXPECT_TRUE(try_transform(Lower{}, "abc").has_value());
}

TEST(ZeroCopy, ChangedTextGoesToTheMemoryThatIsNamed) {
  std::pmr::monotonic_buffer_resource memory;
  const std::string_view clean = "clean";
  EXPECT_EQ(transform_into(memory, Escape<c>{}, clean).data(), clean.data());
  EXPECT_EQ(transform_into(memory, Escape<c>{}, "a\tb"), "a\\tb");
}

TEST(ZeroCopy, AResultBeyondTheAddressSpaceIsNoMemory) {
  // 2^14 occurrences of a text of 2^50 bytes, which nobody reads before its size is known to be too large.
  const std::string many(std::size_t{1} << 14, 'x');
  const std::string_view huge(many.data(), std::size_t{1} << 50);
  EXPECT_EQ((Replace{"x", huge}.measure(many, 0)), SIZE_MAX);
  EXPECT_FALSE(try_transform(Replace{"x", huge}, many).has_value());
}

// ---- escape and unescape --------------------------------------------------------------------------------------------

TEST(Escape, CWritesLettersAndThreeOctalDigits) {
  EXPECT_EQ(escape("\a\b\f\n\r\t\v\"\\'?"), R"(\a\b\f\n\r\t\v\"\\'?)");
  EXPECT_EQ(escape("\x01"
                   "1\x7f\x1f"),
            R"(\0011\177\037)");
  EXPECT_EQ(escape("a\0b"sv), R"(a\000b)");
}

TEST(Escape, JsonWritesLettersAndFourHexDigits) {
  EXPECT_EQ(escape<json>("\b\f\n\r\t\"\\/'"), R"(\b\f\n\r\t\"\\/')");
  EXPECT_EQ(escape<json>("\a\v\x1f\0"sv), R"(\u0007\u000b\u001f\u0000)");
}

TEST(Escape, BytesAbove7fStay) {
  const std::string_view text = "\x80\xff\xc3\xa4\xed\xa0\x80";
  expect_untouched(escape(text), text);
  expect_untouched(escape<json>(text), text);
}

template <EscapeStyle style>
void expect_round_trips() {
  RandomText random;
  for (int round = 0; round < 20'000; ++round) {
    const std::string_view alphabet = round % 2 == 0 ? ""sv
                                                     : "\\\\\"\n\0\x01\x7f"
                                                       "uU0x1234abcdnt"sv;
    const std::string text = random.text(random.below(150), alphabet);
    const CowString escaped = escape<style>(text);
    ASSERT_EQ(escaped.view().find('\n'), std::string_view::npos);
    ASSERT_EQ(escaped.view().find('\0'), std::string_view::npos);
    ASSERT_EQ(find_malformed_escape(escaped, style), std::string_view::npos);
    ASSERT_EQ(unescape<style>(escaped), text);
  }
}
TEST(Escape, CIsUndoneByUnescape) { expect_round_trips<c>(); }
TEST(Escape, JsonIsUndoneByUnescape) { expect_round_trips<json>(); }

TEST(Unescape, CReadsWhatEscapeNeverWrites) {
  EXPECT_EQ(unescape(R"(\'\?\7\012\x41\x041\u00e4\U0001f600)"), "'?\a\nA\x41\xc3\xa4\xf0\x9f\x98\x80");
}

TEST(Unescape, JsonReadsSolidusAndSurrogatePairs) {
  EXPECT_EQ(unescape<json>(R"(\/\u0041\u00E4\ud83d\ude00\uffff)"), "/A\xc3\xa4\xf0\x9f\x98\x80\xef\xbf\xbf");
}

TEST(Unescape, WritesEveryLengthOfUtf8) {
  EXPECT_EQ(unescape(R"(\u0001\u007f\u0080\u07ff\u0800\uffff\U00010000\U0010ffff)"),
            "\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

TEST(Unescape, AMalformedCEscapeStaysAndIsFound) {
  for (const std::string_view text :
       {R"(\)"sv, R"(a\q)"sv, R"(\x)"sv, R"(\xg)"sv, R"(\x100)"sv, R"(\x10000000000000041)"sv, R"(\777)"sv, R"(\8)"sv,
        R"(\u12)"sv, R"(\ud800)"sv, R"(\U00110000)"sv, R"(\Uffffffff)"sv, "\\\n"sv, "\\\0"sv}) {
    expect_untouched(unescape(text), text);
    EXPECT_EQ(find_malformed_escape(text, c), text.find('\\')) << text;
  }
}

TEST(Unescape, AMalformedJsonEscapeStaysAndIsFound) {
  for (const std::string_view text :
       {R"(\)"sv, R"(a\q)"sv, R"(\a)"sv, R"(\')"sv, R"(\x41)"sv, R"(\u12)"sv, R"(\udc00)"sv, R"(\ud83d)"sv,
        R"(\ud83dx)"sv, R"(\ud83d\u0041x)"sv.substr(0, 7), R"(\ud83d\u)"sv}) {
    expect_untouched(unescape<json>(text), text);
    EXPECT_EQ(find_malformed_escape(text, json), text.find('\\')) << text;
  }
}

TEST(Unescape, GoodEscapesBesideMalformedOnesAreRead) {
  EXPECT_EQ(unescape(R"(\q\n\q)"), "\\q\n\\q");
  EXPECT_EQ(unescape<json>(R"(\ud83d\u0041)"), R"(\ud83dA)");
  EXPECT_EQ(find_malformed_escape(R"(\n\q)", c), 2u);
}

// ---- replace --------------------------------------------------------------------------------------------------------

TEST(Replace, ReplacesEveryOccurrenceWithoutOverlap) {
  EXPECT_EQ(replace("aaaaa", "aa", "b"), "bba");
  EXPECT_EQ(replace("a.b.c", ".", "::"), "a::b::c");
  EXPECT_EQ(replace("a.b.c", ".", ""), "abc");
  EXPECT_EQ(replace("aaa", "a", ""), "");
}

TEST(Replace, TakesNulLikeAnyByte) { EXPECT_EQ(replace("a\0b"sv, "\0"sv, "--"), "a--b"); }

TEST(Replace, WhatChangesNothingIsBorrowed) {
  const std::string_view text = "text";
  expect_untouched(replace(text, "", "x"), text);
  expect_untouched(replace(text, "t", "t"), text);
  expect_untouched(replace(text, "text and more", ""), text);
}

std::string replaced_by_find(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

TEST(Replace, AgreesWithALoopOnRandomText) {
  RandomText random;
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = random.text(random.below(100), "ab");
    const std::string from = random.text(1 + random.below(3), "ab");
    const std::string to = random.text(random.below(4), "abc");
    ASSERT_EQ(replace(text, from, to), replaced_by_find(text, from, to));
  }
}

// ---- case, newlines, tabs -------------------------------------------------------------------------------------------

TEST(Case, AsciiLettersChangeAndNoOtherByte) {
  for (std::size_t bytes = 0; bytes < 100; ++bytes) {
    std::string text;
    std::string expected;
    for (std::size_t at = 0; at < bytes; ++at) {
      const auto byte = static_cast<unsigned char>(at * 37 + bytes * 11);
      text += static_cast<char>(byte);
      expected += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
    }
    ASSERT_EQ(lower(text), expected);
  }
  EXPECT_EQ(upper("abcxyz{`\xc3\xa4"), "ABCXYZ{`\xc3\xa4");
}

TEST(Case, LowerOfUpperIsLower) {
  RandomText random;
  for (int round = 0; round < 5'000; ++round) {
    const std::string text = random.text(random.below(100));
    ASSERT_EQ(lower(upper(text)), lower(text));
  }
}

TEST(Newlines, CrLfAndCrBecomeLf) {
  EXPECT_EQ(normalize_newlines("a\r\nb\rc\nd\r\r\n\n\r"), "a\nb\nc\nd\n\n\n\n");
  EXPECT_EQ(normalize_newlines("\r"), "\n");
}

TEST(Newlines, AgreeWithALoopOnRandomText) {
  RandomText random;
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = random.text(random.below(100), "\r\nab");
    const std::string expected = replaced_by_find(replaced_by_find(text, "\r\n", "\n"), "\r", "\n");
    ASSERT_EQ(normalize_newlines(text), expected);
  }
}

TEST(Tabs, FillUpToTheNextStop) {
  EXPECT_EQ(expand_tabs("\ta\tbc\t", 4), "    a   bc  ");
  EXPECT_EQ(expand_tabs("12345678\t9"), "12345678        9");
}

TEST(Tabs, ALineBeginsAfterCrAndLf) { EXPECT_EQ(expand_tabs("abc\n\tx\r\ty", 4), "abc\n    x\r    y"); }

TEST(Tabs, AUtf8SequenceTakesOneColumn) { EXPECT_EQ(expand_tabs("\xc3\xa4\tx", 4), "\xc3\xa4   x"); }

TEST(Tabs, VanishWithoutColumns) { EXPECT_EQ(expand_tabs("a\tb", 0), "ab"); }

TEST(Tabs, TheWidestTabsAreMeasured) {
  // 2^16 tabs of 2^32 - 1 columns: more than there is memory for, and told as such.
  const std::string text(std::size_t{1} << 16, '\t');
  EXPECT_EQ((ExpandTabs{UINT32_MAX}.measure(text, 0)), (std::size_t{1} << 16) * UINT32_MAX);
}

// ---- trim -----------------------------------------------------------------------------------------------------------

TEST(Trim, TakesAsciiWhiteSpaceFromBothEnds) {
  EXPECT_EQ(trim(" \t\n\v\f\r a b \n"), "a b");
  EXPECT_EQ(trim_start("  a "), "a ");
  EXPECT_EQ(trim_end(" a  "), " a");
  EXPECT_EQ(trim("   "), "");
  EXPECT_EQ(trim(""), "");
}

TEST(Trim, KeepsNulAndSpacesOfOtherScripts) {
  EXPECT_EQ(trim("\0a\0"sv), "\0a\0"sv);
  EXPECT_EQ(trim("\xc2\xa0"), "\xc2\xa0");
}

}  // namespace
