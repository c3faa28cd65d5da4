#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "bench/translate/file_translator.h"
#include "bench/translate/runtime_memory.h"
#include "bench/translate/scan.h"
#include "bursar/arena.h"
#include "bursar/interner.h"

namespace bursar::translate {
namespace {

/// A name and so many bytes behind it that can be read.
std::string padded(const std::string& name) { return name + std::string(source_tail_bytes, '\0'); }

Symbol interned(SymbolCache& cache, const std::string& name) {
  const std::string text = padded(name);
  return cache.intern(std::string_view(text).substr(0, name.size()));
}

TEST(SymbolCache, GivesTheInternersSymbolsForNamesOfEveryLength) {
  Interner interner;
  SymbolCache cache(interner);
  for (int round = 0; round < 2; ++round) {
    for (std::size_t bytes = 1; bytes <= 40; ++bytes) {
      const std::string name(bytes, 'a');
      EXPECT_EQ(interned(cache, name), interner.intern(name)) << bytes << " bytes, round " << round;
    }
  }
}

TEST(SymbolCache, LooksAtNothingBehindTheName) {
  Interner interner;
  SymbolCache cache(interner);
  const std::string text = padded("abcdefghijkl");
  for (std::size_t bytes = 1; bytes <= 12; ++bytes) {
    const std::string_view name = std::string_view(text).substr(0, bytes);
    EXPECT_EQ(interner.view(cache.intern(name)), name);
  }
}

TEST(SymbolCache, NamesThatShareASlotStayApart) {
  Interner interner;
  SymbolCache cache(interner);
  for (int round = 0; round < 2; ++round) {
    for (int index = 0; index < 10'000; ++index) {
      const std::string name = "v" + std::to_string(index);
      ASSERT_EQ(interner.view(interned(cache, name)), name);
    }
  }
}

TEST(SymbolCache, ForgetsWhenItIsCleared) {
  Interner interner;
  SymbolCache cache(interner);
  (void)interned(cache, "first");
  interner = Interner();
  cache.clear();
  (void)interner.intern("another");
  EXPECT_EQ(interner.view(interned(cache, "first")), "first");
}

TEST(RuntimeBindings, KeepsThousandsOfNamesApart) {
  Interner interner;
  Arena arena;
  RuntimeBindings bindings;
  for (int index = 0; index < 5000; ++index) {
    const Symbol name = interner.intern("v" + std::to_string(index));
    EXPECT_EQ(bindings.find(name), nullptr);
    bindings.at(name, arena).is_bound = index % 2 == 0;
  }
  for (int index = 0; index < 5000; ++index) {
    const Binding* found = bindings.find(interner.intern("v" + std::to_string(index)));
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(found->is_bound, index % 2 == 0);
  }
}

TEST(RuntimeBindings, AnEmptyScopeKnowsNothing) {
  Interner interner;
  EXPECT_EQ(RuntimeBindings().find(interner.intern("a")), nullptr);
}

/// A source with so many names that a thread gives its names up behind it.
std::string source_of_many_names() {
  std::string source;
  for (int index = 0; index < 9000; ++index) source += "name" + std::to_string(index) + " = 1\n";
  return source;
}

std::size_t tokens_of(RuntimeMemory::Workspace& workspace, const std::string& source) {
  RuntimeMemory::File file(workspace);
  const std::string text = padded(source);
  const std::string_view view = std::string_view(text).substr(0, source.size());
  auto tokens = file.tokens(view);
  EXPECT_EQ((PythonTokenizer<SimdScan, RuntimeTokens>(view, tokens).tokenize()), TokenizerFault::none);
  EXPECT_EQ(tokens.text(tokens.at(1)), source.substr(0, source.find(' ')));
  return tokens.size();
}

TEST(RuntimeWorkspace, GivesManyNamesUpBeforeTheNextFile) {
  RuntimeMemory::Shared shared(1);
  RuntimeMemory::Workspace workspace(shared);
  (void)tokens_of(workspace, source_of_many_names());
  EXPECT_EQ(workspace.interner.stats().texts, 9000U);
  (void)tokens_of(workspace, "name8999 = 1\n");
  EXPECT_EQ(workspace.interner.stats().texts, 1U);
}

TEST(RuntimeTokens, ManyTokensAreThoseOfFew) {
  RuntimeMemory::Shared shared(1);
  RuntimeMemory::Workspace workspace(shared);
  constexpr std::size_t tokens_a_line = 4;
  // The encoding and the endmarker besides. Twice: the second time with blocks that were kept.
  EXPECT_EQ(tokens_of(workspace, source_of_many_names()), 9000 * tokens_a_line + 2);
  EXPECT_EQ(tokens_of(workspace, source_of_many_names()), 9000 * tokens_a_line + 2);
}

}  // namespace
}  // namespace bursar::translate
