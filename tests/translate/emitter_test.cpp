#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/translate/translated.h"

namespace bursar::translate {
namespace {

TEST(Emitter, AModuleIsANamespace) {
  EXPECT_EQ(translated("").text, "#include <py/py.h>\n\nnamespace module {\n\n\n}  // namespace module\n");
}

TEST(Emitter, WordsOfCppGetAnUnderscore) {
  EXPECT_EQ(body("new = int.delete\n"), "module::new_ = py::int_.delete_;\n");
}

TEST(Emitter, LiteralsAreEscaped) {
  EXPECT_EQ(body("'\"\\\\\\n\\t\\x01\\x7f\\0008'\n"), "\"\\\"\\\\\\n\\t\\001\\177\\0008\"_s;\n");
}

TEST(Emitter, NumbersAreThoseOfCpp) {
  EXPECT_EQ(body("1_000\n0o17\n0xFF\n2.5e3\n3j\n"), "1'000;\n017;\n0xFF;\n2.5e3;\npy::imaginary(3);\n");
}

TEST(Emitter, ADotBehindANumberIsNotItsOwn) { EXPECT_EQ(body("1 .real\n"), "(1).real;\n"); }

TEST(Emitter, OperandsKeepTheirParentheses) { EXPECT_EQ(body("(1 + 2) * -3\n"), "(1 + 2) * (-3);\n"); }

TEST(Emitter, TargetsOfSeveralPartsAreTied) {
  EXPECT_EQ(body("a, *b = c = 1\n"), "py::tie(module::a, py::rest(module::b)) = module::c = 1;\n");
}

TEST(Emitter, AugmentedAssignmentsWithoutAnOperatorAreCalls) {
  EXPECT_EQ(body("a += 1\na **= 2\n"), "module::a += 1;\nmodule::a = py::power(module::a, 2);\n");
}

TEST(Emitter, BranchesFollowEachOther) {
  EXPECT_EQ(body("if 1: pass\nelif 2: pass\nelse: pass\n"), "if (1) {\n  ;\n} else if (2) {\n  ;\n} else {\n  ;\n}\n");
}

TEST(Emitter, TriesHaveAllTheirBlocks) {
  EXPECT_EQ(body("try: pass\nexcept A as b: raise\nexcept: raise C from 1\nelse: pass\nfinally: pass\n"),
            "try {\n  ;\n} catch (py::A& module::b) {\n  throw;\n} catch (...) {\n  throw py::caused(py::C, 1);\n"
            "} py::otherwise {\n  ;\n} py::finally {\n  ;\n}\n");
}

TEST(Emitter, LoopsHaveAnElse) {
  EXPECT_EQ(body("while 1: break\nelse: continue\n"), "while (1) {\n  break;\n} py::otherwise {\n  continue;\n}\n");
}

TEST(Emitter, ImportsNameWhatTheyBind) {
  EXPECT_EQ(body("import a.b\nfrom ..c import d as e\nfrom f import *\n"),
            "module::a = py::import_package(\"a.b\");\nmodule::e = py::import_from(\"..c\", "
            "\"d\");\npy::import_all(\"f\");\n");
}

TEST(Emitter, FunctionsAndClassesHaveTheirHeads) {
  EXPECT_EQ(body("class A(B, m=C):\n  async def f(self, /, a: int, *, b=1, **c) -> str: await a\n"),
            "struct A : py::bases<py::B, py::keyword(\"m\", py::C)> {\n  py::object f;\n"
            "  py::task f(py::object self, py::positional_end, py::annotated<py::int_> a, py::keywords_follow, "
            "py::object b = 1, py::keywords c) -> py::annotated<py::str> {\n    co_await a;\n  }\n};\n");
}

TEST(Emitter, ALongTextLeavesInPieces) {
  std::string source;
  while (source.size() < 3 * text_piece_bytes) source += "x = 'a text that has some bytes'\n";
  const Translated result = translated(source);
  EXPECT_EQ(result.pieces, (result.text.size() + text_piece_bytes - 1) / text_piece_bytes);
}

TEST(Emitter, ALiteralLargerThanAPieceIsWhole) {
  const std::string literal(2 * text_piece_bytes + 17, 'a');
  EXPECT_EQ(body("'" + literal + "'\n"), "\"" + literal + "\"_s;\n");
}

TEST(Emitter, DeepBlocksAreIndented) {
  std::string source;
  for (std::size_t level = 0; level < 60; ++level) source += std::string(level, ' ') + "if 1:\n";
  source += std::string(60, ' ') + "pass\n";
  EXPECT_NE(translated(source).text.find("\n" + std::string(120, ' ') + ";\n"), std::string::npos);
}

/// A source with something of everything.
std::string everything() {
  std::string source = R"py(
"""doc \N{DASH} "quoted" \x00"""
import os.path as p, sys
from .. import x
@p(1)
class A(B, metaclass=sys):
    v: int = 3
    def f(self, a, *args, new=[1, 2][0:], **kw) -> str:
        global g
        g = [i * v for i in range(10) if i < new < 3]
        if a and new or not c: return -a ** 2
        elif (y := f(a)) is not None: pass
        else: del a[0], new
        try: raise X from e
        except (A, B) as e: print(e, end='')
        finally: x += 1; x //= 2
        return lambda q, *r: (q, r, {1: 2, **r}, {1}, f'a{b}', b'\xff', r'\d', 'a' "b")
print "opaque"
match x:
    case [1, A(b=c) as d, *rest] | {"k": v, **w} if d: pass
    case _: pass
async def h():
    async with a as b, c: yield 0o17 + 1_000 + 3j
    async for i, *j in x: await i
)py";
  for (int index = 0; index < 3000; ++index)
    source += "name_" + std::to_string(index) + " = f(name_" + std::to_string(index / 2) + ", '\\t" +
              std::to_string(index) + "')\n";
  return source;
}

TEST(Emitter, AllVariantsWriteTheSameText) {
  const std::string source = everything();
  const std::string expected = translated_by<StandardMemory, ScalarScan>(source).text;
  EXPECT_GT(expected.size(), 2 * text_piece_bytes);
  EXPECT_EQ((translated_by<StandardMemory, SimdScan>(source).text), expected);
  EXPECT_EQ((translated_by<RuntimeMemory, ScalarScan>(source).text), expected);
  EXPECT_EQ((translated_by<RuntimeMemory, SimdScan>(source).text), expected);
}

TEST(Emitter, AllVariantsCountTheSame) {
  const std::string source = everything();
  const auto counts_of = [](const Translated& result) {
    return std::vector<std::uint64_t>{result.counts.statements,  result.counts.opaque_statements,
                                      result.counts.nodes,       result.counts.copies_avoided,
                                      result.counts.copies_made, result.names};
  };
  const auto expected = counts_of(translated_by<StandardMemory, ScalarScan>(source));
  EXPECT_EQ(expected[1], 1U);
  EXPECT_EQ(counts_of(translated_by<StandardMemory, SimdScan>(source)), expected);
  EXPECT_EQ(counts_of(translated_by<RuntimeMemory, ScalarScan>(source)), expected);
  EXPECT_EQ(counts_of(translated_by<RuntimeMemory, SimdScan>(source)), expected);
}

}  // namespace
}  // namespace bursar::translate
