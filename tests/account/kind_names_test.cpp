// Tests of names as the account keeps them.
#include "interpose/account/kind_names.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>

namespace {

using namespace bursar;

std::string clean(const char* name, size_t bytes = 64) {
  char text[256];
  kind_names::clean(name, text, bytes);
  return text;
}

std::string starred(const char* name) {
  char text[64];
  kind_names::clean_starred(name, text, sizeof(text));
  return text;
}

TEST(KindNames, NullIsEmpty) {
  EXPECT_EQ(clean(nullptr), "");
  EXPECT_EQ(clean(""), "");
}

TEST(KindNames, Utf8IsKept) {
  for (const char* name : {"GET /search?q=x", "größe", "検索", "\xf0\x9f\x90\x99", " "}) EXPECT_EQ(clean(name), name);
}

TEST(KindNames, WhatIsNoUtf8IsAQuestionMarkAByte) {
  EXPECT_EQ(clean("a\x80z"), "a?z");
  EXPECT_EQ(clean("\xff\xfe\xfd"), "???");
  EXPECT_EQ(clean("\xc0\xaf"), "??") << "longer than it needs to be";
  EXPECT_EQ(clean("\xe0\x80\x80"), "???");
  EXPECT_EQ(clean("\xed\xa0\x80"), "???") << "half of a pair";
  EXPECT_EQ(clean("\xf4\x90\x80\x80"), "????") << "beyond the last character";
  EXPECT_EQ(clean("\xf5\x80\x80\x80"), "????");
}

TEST(KindNames, ACharacterThatIsBrokenOffDoesNotLeadBeyondTheEnd) {
  EXPECT_EQ(clean("a\xe6\xa4"), "a??");
  EXPECT_EQ(clean("\xf0\x9f\x90"), "???");
  EXPECT_EQ(clean("\xc3"), "?");
}

TEST(KindNames, WhatSteersATerminalIsAQuestionMark) {
  EXPECT_EQ(clean("\x1b[2Jx"), "?[2Jx");
  EXPECT_EQ(clean("a\nb\tc\x7f"), "a?b?c?");
  EXPECT_EQ(clean("\xc2\x9b"
                  "31m"),
            "?31m")
      << "the control sequence introducer in one character";
  EXPECT_EQ(clean("x\xe2\x80\xae"
                  "txt.exe"),
            "x?txt.exe")
      << "turns the direction of the line";
}

TEST(KindNames, ALongNameIsCutAtACharacter) {
  EXPECT_EQ(clean(std::string(100000, 'x').c_str()), std::string(63, 'x'));
  EXPECT_EQ(clean("abcä", 6), "abcä");
  EXPECT_EQ(clean("abcdä", 6), "abcd");
  EXPECT_EQ(clean("ab\xff\xff", 4), "ab?");
}

TEST(KindNames, NothingBehindWhatFitsIsRead) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* pages = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(pages, MAP_FAILED);
  char* end = static_cast<char*>(pages) + page;
  ASSERT_EQ(mprotect(end, page, PROT_NONE), 0);
  memset(end - 64, 'x', 64);  // no NUL before what may not be read
  EXPECT_EQ(clean(end - 64), std::string(63, 'x'));
}

TEST(KindNames, RowsOfDigitsBecomeAStar) {
  EXPECT_EQ(starred("worker-3"), "worker-*");
  EXPECT_EQ(starred("worker-17"), "worker-*");
  EXPECT_EQ(starred("12ab34"), "*ab*");
  EXPECT_EQ(starred("0"), "*");
  EXPECT_EQ(starred("plain"), "plain");
  EXPECT_EQ(starred("a1*2"), "a***");
  EXPECT_EQ(starred(nullptr), "");
}

}  // namespace
