#include <gtest/gtest.h>

#include <string>

#include "tests/translate/translated.h"

namespace bursar::translate {
namespace {

/// Whether a piece of text is in the translation of a source.
testing::AssertionResult has(std::string_view source, std::string_view piece) {
  const std::string text = translated(source).text;
  if (text.find(piece) != text.npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "no '" << piece << "' in\n" << text;
}

TEST(Resolver, WhatTheModuleBindsIsOfTheModule) { EXPECT_TRUE(has("x = 1\nx\n", "\nmodule::x;\n")); }

TEST(Resolver, WhatNobodyBindsIsBuiltIn) { EXPECT_TRUE(has("len\n", "\npy::len;\n")); }

TEST(Resolver, AFunctionOwnsWhatItBindsAnywhere) {
  EXPECT_TRUE(has("x = 1\ndef f():\n  x\n  x = 2\n", "auto f() {\n  py::object x;\n  x;\n  x = 2;\n}"));
}

TEST(Resolver, AFunctionSeesTheModule) { EXPECT_TRUE(has("def f():\n  x\nx = 1\n", "auto f() {\n  module::x;\n}")); }

TEST(Resolver, ParametersAreDeclaredWhereTheyStand) {
  EXPECT_TRUE(has("def f(a, *b):\n  a = b\n", "auto f(py::object a, py::arguments b) {\n  a = b;\n}"));
}

TEST(Resolver, GlobalNamesAreOfTheModule) {
  EXPECT_TRUE(has("def f():\n  global x\n  x = 1\nx\n", "  module::x = 1;\n}\nmodule::x;\n"));
}

TEST(Resolver, NonlocalNamesAreOfTheFunctionAround) {
  EXPECT_TRUE(has("def f():\n  x = 1\n  def g():\n    nonlocal x\n    x = 2\n",
                  "auto g() {\n    // nonlocal x\n    x = 2;\n  }"));
}

TEST(Resolver, FunctionsDoNotSeeTheClassAroundThem) {
  EXPECT_TRUE(has("class A:\n  x = 1\n  def f(self):\n    return x\n", "return py::x;"));
}

TEST(Resolver, TheBodyOfAClassSeesItsOwnNames) {
  EXPECT_TRUE(has("class A:\n  x = 1\n  y = x\n", "struct A {\n  py::object x, y;\n  x = 1;\n  y = x;\n};"));
}

TEST(Resolver, AComprehensionOwnsItsTargets) {
  const std::string text = translated("def f():\n  return [x for x in y]\n").text;
  EXPECT_EQ(text.find("py::object x"), text.npos) << text;
  EXPECT_TRUE(has("def f():\n  return [x for x in y]\n", "for (auto&& x : py::y) yield(x);"));
}

TEST(Resolver, TheFirstIterableIsOutsideOfTheComprehension) {
  EXPECT_TRUE(has("class A:\n  x = [1]\n  y = [x for x in x]\n", "for (auto&& x : x) yield(x);"));
  EXPECT_TRUE(has("class A:\n  x = [1]\n  y = [z for y in x for z in x]\n", "for (auto&& z : py::x) yield(z);"));
}

TEST(Resolver, AWalrusBindsAroundTheComprehension) {
  EXPECT_TRUE(has("def f():\n  [(y := x) for x in 1]\n", "py::object y;"));
}

TEST(Resolver, DefaultsAndDecoratorsAreOutsideOfTheFunction) {
  EXPECT_TRUE(has("@x\ndef f(x=x): pass\n", "[[py::decorate(py::x)]]\nauto f(py::object x = py::x) {"));
}

TEST(Resolver, ImportsHandlersAndTargetsBind) {
  EXPECT_TRUE(
      has("def f():\n  import a.b, c as d\n  from e import g as h\n  for i, (j, *k) in 1: pass\n"
          "  with 1 as l: pass\n  try: pass\n  except 2 as m: pass\n  def n(): pass\n  class o: pass\n  del p\n",
          "py::object a, d, h, i, j, k, l, m, n, o, p;\n"));
}

TEST(Resolver, PatternsBindTheirNamesAndUseWhatTheyCall) {
  EXPECT_TRUE(has("def f():\n  match 1:\n    case A(b=c) | [*d] | {'k': e, **g} as h: pass\n    case _: pass\n",
                  "py::object c, d, e, g, h;\n"));
}

TEST(Resolver, NamesAreCountedWhereverTheyStand) { EXPECT_EQ(translated("a = b\ndef f(c): return c.d\n").names, 5U); }

TEST(Resolver, AScopeOfManyNamesKeepsTheirOrder) {
  std::string source;
  std::string expected = "py::object ";
  for (int index = 0; index < 1000; ++index) {
    source += "v" + std::to_string(index) + " = " + std::to_string(index) + "\n";
    expected += (index == 0 ? "v" : ", v") + std::to_string(index);
  }
  EXPECT_TRUE(has(source, expected + ";\n"));
}

}  // namespace
}  // namespace bursar::translate
