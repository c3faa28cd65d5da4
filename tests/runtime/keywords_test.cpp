// Keywords as symbols.
#include "bursar/keywords.h"

#include <gtest/gtest.h>

#include "bursar/interner.h"

namespace {

using namespace bursar::literals;  // NOLINT(google-build-using-namespace): the literals are made for it
using bursar::Symbol;

static_assert("while"_keyword == bursar::keyword("while"));
static_assert("while"_keyword != "for"_keyword);
static_assert(bursar::is_python_keyword("lambda"_keyword) && !bursar::is_cpp_keyword("lambda"_keyword));
static_assert(bursar::is_cpp_keyword("co_await"_keyword) && !bursar::is_python_keyword("co_await"_keyword));
static_assert(bursar::is_python_keyword("if"_keyword) && bursar::is_cpp_keyword("if"_keyword));
static_assert(bursar::is_python_soft_keyword("match"_keyword) && !bursar::is_python_keyword("match"_keyword));
static_assert(bursar::is_python_soft_keyword("case"_keyword) && bursar::is_cpp_keyword("case"_keyword));
static_assert(!bursar::is_python_keyword(Symbol()) && !bursar::is_cpp_keyword(Symbol()));

int kind_of(Symbol symbol) {
  switch (symbol) {
    case "if"_keyword: return 1;
    case "while"_keyword: return 2;
    case "constexpr"_keyword: return 3;
    default: return 0;
  }
}

TEST(Keywords, AreCasesOfASwitch) {
  EXPECT_EQ(kind_of(bursar::intern("if")), 1);
  EXPECT_EQ(kind_of(bursar::intern("while")), 2);
  EXPECT_EQ(kind_of(bursar::intern("constexpr")), 3);
  EXPECT_EQ(kind_of(bursar::intern("if_not")), 0);
}

TEST(Keywords, HaveTheirSymbolsInEveryInterner) {
  bursar::Interner local;
  for (const std::string_view word : bursar::python_keywords) {
    EXPECT_EQ(local.intern(word), bursar::intern(word));
    EXPECT_TRUE(bursar::is_python_keyword(local.intern(word))) << word;
    EXPECT_EQ(local.view(local.intern(word)), word);
  }
  for (const std::string_view word : bursar::cpp_keywords) {
    EXPECT_EQ(local.intern(word), bursar::intern(word));
    EXPECT_TRUE(bursar::is_cpp_keyword(local.intern(word))) << word;
    EXPECT_EQ(local.view(local.intern(word)), word);
  }
  for (const std::string_view word : bursar::python_soft_keywords) {
    EXPECT_TRUE(bursar::is_python_soft_keyword(local.intern(word))) << word;
    EXPECT_FALSE(bursar::is_python_keyword(local.intern(word))) << word;
  }
}

TEST(Keywords, CanBeReadBeforeAnythingIsInterned) { EXPECT_EQ("nonlocal"_keyword.view(), "nonlocal"); }

TEST(Keywords, OtherWordsAreNone) {
  bursar::Interner local;
  for (const std::string_view word : {"While", "whil", "whilee", "print", "final", "override", "import_"}) {
    const Symbol symbol = local.intern(word);
    EXPECT_FALSE(bursar::is_python_keyword(symbol) || bursar::is_cpp_keyword(symbol) ||
                 bursar::is_python_soft_keyword(symbol))
        << word;
  }
}

}  // namespace
