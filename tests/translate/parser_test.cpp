#include <gtest/gtest.h>

#include <string>

#include "tests/translate/translated.h"

namespace bursar::translate {
namespace {

std::string repeated(std::string_view text, std::size_t count) {
  std::string result;
  for (std::size_t index = 0; index < count; ++index) result += text;
  return result;
}

TEST(Parser, ProductsBindMoreTightlyThanSums) { EXPECT_EQ(body("1 + 2 * 3 - 4\n"), "(1 + (2 * 3)) - 4;\n"); }

TEST(Parser, ThePowerBindsToTheRight) { EXPECT_EQ(body("2 ** 3 ** 4\n"), "py::power(2, py::power(3, 4));\n"); }

TEST(Parser, ThePowerBindsMoreTightlyThanASignBeforeIt) { EXPECT_EQ(body("-2 ** -3\n"), "-py::power(2, -3);\n"); }

TEST(Parser, NotBindsLessTightlyThanAComparison) { EXPECT_EQ(body("not 1 < 2\n"), "!(1 < 2);\n"); }

TEST(Parser, AndBindsMoreTightlyThanOr) { EXPECT_EQ(body("1 or 2 and 3\n"), "1 || (2 && 3);\n"); }

TEST(Parser, TwoWordsAreOneOperator) {
  EXPECT_EQ(body("1 not in 2\n1 is not 2\n"), "!py::contains(1, 2);\n!py::is(1, 2);\n");
}

TEST(Parser, ComparisonsFormAChain) { EXPECT_EQ(body("1 < 2 <= 3\n"), "py::chain(1, \" < \", 2, \" <= \", 3);\n"); }

TEST(Parser, AConditionalTakesAllOfItsParts) {
  EXPECT_EQ(body("1 if 2 else 3 if 4 else 5\n"), "2 ? 1 : (4 ? 3 : 5);\n");
}

TEST(Parser, ACommaMakesATuple) { EXPECT_EQ(body("(1,)\n()\n(1)\n"), "py::tuple(1);\npy::tuple();\n1;\n"); }

TEST(Parser, BracesAreASetOrADictionary) {
  EXPECT_EQ(body("{1, 2}\n{}\n{1: 2, **{}}\n"),
            "py::set(1, 2);\npy::dictionary();\npy::dictionary({1, 2}, py::all_of(py::dictionary()));\n");
}

TEST(Parser, SlicesHaveUpToThreeParts) {
  EXPECT_EQ(body("''[1:]\n''[::2, 3]\n"),
            "\"\"_s[py::slice(1, py::none, py::none)];\n"
            "\"\"_s[py::tuple(py::slice(py::none, py::none, 2), 3)];\n");
}

TEST(Parser, ArgumentsHaveNamesAndStars) {
  EXPECT_EQ(body("print(1, *2, a=3, **4)\n"),
            "py::print(1, py::unpack(2), py::keyword(\"a\", 3), py::unpack_keywords(4));\n");
}

TEST(Parser, EscapesAreUndone) {
  EXPECT_EQ(body(R"('\x41\u00e9\101\q')"
                 "\n"),
            "\"A\xc3\xa9"
            "A\\\\q\"_s;\n");
}

TEST(Parser, RawStringsKeepTheirBackslashes) {
  EXPECT_EQ(body(R"(r'\n')"
                 "\n"),
            "\"\\\\n\"_s;\n");
}

TEST(Parser, StringsSideBySideAreOne) {
  EXPECT_EQ(body("'a' b'b' f'{c}'\n"), "\"a\"_s + \"b\"_b + py::format(\"{c}\");\n");
}

TEST(Parser, ALineMayHoldSeveralStatements) { EXPECT_EQ(translated("a = 1; b = 2; pass\n").counts.statements, 3U); }

TEST(Parser, MatchIsANameWhereItsLineEndsWithoutAColon) {
  EXPECT_EQ(body("match(1)\nmatch = 2\n"), "module::match(1);\nmodule::match = 2;\n");
}

TEST(Parser, CasesAreReadAsTheExpressionsTheyLookLike) {
  const Translated result = translated("match x:\n  case [1, str() as y] if y: pass\n  case _: pass\n");
  EXPECT_EQ(result.counts.opaque_statements, 0U);
  EXPECT_EQ(body_of(result.text),
            "py::match (py::x) {\n  py::when (py::list(1, (module::y = py::str())); module::y) {\n    ;\n  }\n"
            "  py::when (_) {\n    ;\n  }\n}\n");
}

TEST(Parser, ParenthesesOfAWithStatementMayBeAroundItsItems) {
  EXPECT_EQ(body("with (1 as a, 2): pass\nwith (1): pass\n"),
            "py::with (module::a = 1, 2) {\n  ;\n}\npy::with (1) {\n  ;\n}\n");
}

TEST(Parser, AStatementThatDoesNotFitIsOpaque) {
  const Translated result = translated("print 1\nx = 2\n");
  EXPECT_EQ(result.counts.statements, 2U);
  EXPECT_EQ(result.counts.opaque_statements, 1U);
  EXPECT_EQ(body_of(result.text), "py::opaque(\"print 1\");\nmodule::x = 2;\n");
}

TEST(Parser, AnOpaqueStatementTakesItsBlockAlong) {
  const Translated result = translated("while 1 2:\n  if 1:\n    pass\nx = 2\n");
  EXPECT_EQ(result.counts.statements, 2U);
  EXPECT_EQ(result.counts.opaque_statements, 1U);
}

TEST(Parser, WhatAnOpaqueStatementBeganIsNotCounted) {
  EXPECT_EQ(translated("f(1, 2, 3) 4\n").counts.nodes, translated("print 1\n").counts.nodes);
}

TEST(Parser, OneStatementInABlockMayBeOpaqueAlone) {
  const Translated result = translated("if 1:\n  exec 'a'\n  b = 2\n");
  EXPECT_EQ(result.counts.statements, 3U);
  EXPECT_EQ(result.counts.opaque_statements, 1U);
}

TEST(Parser, NestingUpToTheBoundIsRead) {
  constexpr std::size_t brackets = nesting_max - 1;
  const Translated result = translated(repeated("(", brackets) + "1" + repeated(")", brackets) + "\n");
  EXPECT_EQ(result.counts.opaque_statements, 0U);
  EXPECT_EQ(result.nesting_fault_line, 0U);
}

TEST(Parser, NestingBeyondTheBoundIsAFaultAndOpaque) {
  const Translated result = translated("x = 1\n" + repeated("[", 100'000) + repeated("]", 100'000) + "\ny = 2\n");
  EXPECT_EQ(result.nesting_fault_line, 2U);
  EXPECT_EQ(result.counts.statements, 3U);
  EXPECT_EQ(result.counts.opaque_statements, 1U);
}

TEST(Parser, SignsNestWithinTheBound) { EXPECT_EQ(translated(repeated("- ", 100'000) + "1\n").nesting_fault_line, 1U); }

TEST(Parser, ChainsOfOperatorsAreBoundLikeNesting) {
  EXPECT_EQ(translated("1" + repeated("+1", nesting_max) + "\n").nesting_fault_line, 0U);
  EXPECT_EQ(translated("1" + repeated("+1", nesting_max + 1) + "\n").nesting_fault_line, 1U);
}

TEST(Parser, ChainsOfAttributesAreBoundLikeNesting) {
  EXPECT_EQ(translated("a" + repeated(".a", nesting_max) + "\n").nesting_fault_line, 0U);
  EXPECT_EQ(translated("a" + repeated(".a()", nesting_max) + "\n").nesting_fault_line, 1U);
}

TEST(Parser, ChainsWithinBracketsAddUp) {
  const std::string chain = repeated("+1", nesting_max / 2 + 1);
  EXPECT_EQ(translated("((1" + chain + ")" + chain + ")\n").nesting_fault_line, 1U);
}

TEST(Parser, ManyElementsAreNoNesting) {
  const Translated result = translated("[" + repeated("1, ", 100'000) + "]\n");
  EXPECT_EQ(result.nesting_fault_line, 0U);
  EXPECT_EQ(result.counts.opaque_statements, 0U);
}

}  // namespace
}  // namespace bursar::translate
