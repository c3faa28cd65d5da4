// Texts kept once: alone, at limits, without memory, with odd texts.
#include "bursar/interner.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/src/text_hash.h"
#include "tests/runtime/failing_memory.h"
#include "tests/runtime/failing_pages.h"
#include "tests/runtime/random_text.h"

namespace {

using bursar::Interner;
using bursar::InternerOptions;
using bursar::InternError;
using bursar::InternStatus;
using bursar::Symbol;
using namespace std::string_view_literals;

std::string numbered(std::size_t number) { return "name_" + std::to_string(number); }

TEST(Interner, EqualTextsHaveOneSymbol) {
  Interner interner;
  const Symbol one = interner.intern("name");
  EXPECT_EQ(interner.intern(std::string("na") + "me"), one);
  EXPECT_NE(interner.intern("names"), one);
  EXPECT_EQ(interner.view(one), "name");
}

TEST(Interner, TheEmptyTextIsTheSymbolOfNothing) {
  Interner interner;
  EXPECT_EQ(interner.intern(""), Symbol());
  EXPECT_EQ(interner.intern(std::string_view()), Symbol());
  EXPECT_EQ(interner.view(Symbol()), "");
  EXPECT_EQ(Symbol().view(), "");
}

TEST(Interner, FindAddsNothing) {
  Interner interner;
  EXPECT_FALSE(interner.find("name").has_value());
  EXPECT_EQ(interner.stats().texts, 0u);
  const Symbol symbol = interner.intern("name");
  EXPECT_EQ(interner.find("name"), symbol);
}

TEST(Interner, KeepsAsManyTextsAsComeAndFindsThemAll) {
  Interner interner;
  std::vector<Symbol> symbols;
  for (std::size_t number = 0; number < 100'000; ++number) symbols.push_back(interner.intern(numbered(number)));
  for (std::size_t number = 0; number < symbols.size(); ++number) {
    ASSERT_EQ(interner.view(symbols[number]), numbered(number));
    ASSERT_EQ(interner.intern(numbered(number)), symbols[number]);
  }
  EXPECT_EQ(interner.stats().texts, symbols.size());
}

TEST(Interner, BehavesAsAMapOnRandomBytes) {
  bursar::testing::RandomText random;
  Interner interner;
  std::map<std::string, Symbol> model;
  for (int round = 0; round < 50'000; ++round) {
    const std::string text = random.text(random.below(24), round % 2 == 0 ? "ab"sv : ""sv);
    const Symbol symbol = interner.intern(text);
    const auto [entry, is_new] = model.emplace(text, symbol);
    ASSERT_EQ(entry->second, symbol);
    ASSERT_EQ(interner.view(symbol), text);
  }
}

TEST(Interner, NulAndInvalidUtf8AreBytesLikeOthers) {
  Interner interner;
  const Symbol with_nul = interner.intern("a\0b"sv);
  EXPECT_NE(with_nul, interner.intern("a"));
  EXPECT_NE(with_nul, interner.intern("a\0c"sv));
  EXPECT_EQ(interner.view(with_nul), "a\0b"sv);
  EXPECT_EQ(interner.view(interner.intern("\xff\xc0\x80")), "\xff\xc0\x80");
}

TEST(Interner, TextsOfEveryLengthComeBack) {
  Interner interner;
  std::vector<std::size_t> lengths;
  for (std::size_t bytes = 0; bytes < 600; ++bytes) lengths.push_back(bytes);
  for (const std::size_t around : {16'384u, 65'536u, 131'072u, 1u << 20}) {
    for (std::size_t bytes = around - 20; bytes < around + 20; ++bytes) lengths.push_back(bytes);
  }
  for (const std::size_t bytes : lengths) {
    const std::string text(bytes, 'x');
    const Symbol symbol = interner.intern(text);
    ASSERT_EQ(interner.view(symbol), text) << bytes;
    ASSERT_EQ(interner.intern(text), symbol) << bytes;
  }
}

TEST(Interner, TwoInternersAreApart) {
  Interner one;
  Interner other;
  static_cast<void>(one.intern("a"));
  EXPECT_FALSE(other.find("a").has_value());
}

TEST(Interner, MovesWithItsTexts) {
  Interner from;
  const Symbol symbol = from.intern("name");
  Interner to = std::move(from);
  EXPECT_EQ(to.view(symbol), "name");
  Interner assigned;
  assigned = std::move(to);
  EXPECT_EQ(assigned.intern("name"), symbol);
}

TEST(Interner, OwnsExactlyTheSymbolsItGave) {
  Interner interner;
  std::vector<Symbol> given{Symbol(), interner.intern("if")};
  for (std::size_t number = 0; number < 50; ++number) given.push_back(interner.intern(numbered(number)));
  given.push_back(interner.intern(std::string(200'000, 'x')));
  for (const Symbol symbol : given) EXPECT_TRUE(interner.owns(symbol));
  std::size_t owned = 0;
  for (std::uint32_t id = 0; id < 6 * 65'536; ++id) owned += interner.owns(Symbol(bursar::SymbolId{id})) ? 1 : 0;
  EXPECT_EQ(owned, given.size() - 1 + bursar::detail::keyword_block.words);
  EXPECT_FALSE(interner.owns(Symbol(bursar::SymbolId{UINT32_MAX})));
}

// ---- limits ---------------------------------------------------------------------------------------------------------

template <typename Work>
InternStatus status_of(Work work) {
  try {
    work();
  } catch (const InternError& error) {
    EXPECT_NE(std::string_view(error.what()).find("interner: "), std::string_view::npos);
    return error.status();
  }
  return InternStatus::ok;
}

TEST(InternerLimits, TheLastTextThatFitsIsTheLast) {
  Interner interner({.texts_max = 2, .seed = {}});
  static_cast<void>(interner.intern("a"));
  static_cast<void>(interner.intern("b"));
  EXPECT_EQ(status_of([&] { static_cast<void>(interner.intern("c")); }), InternStatus::count_limit);
  EXPECT_EQ(interner.stats().texts, 2u);
  EXPECT_EQ(status_of([&] { static_cast<void>(interner.intern("a")); }), InternStatus::ok);
  EXPECT_EQ(status_of([&] { static_cast<void>(interner.intern("while")); }), InternStatus::ok);
}

TEST(InternerLimits, BytesAreCountedWithoutWhatDoesNotFit) {
  Interner interner({.text_bytes_max = 5, .seed = {}});
  static_cast<void>(interner.intern("abc"));
  EXPECT_EQ(status_of([&] { static_cast<void>(interner.intern("xyz")); }), InternStatus::bytes_limit);
  EXPECT_EQ(interner.stats().text_bytes, 3u);
  EXPECT_EQ(status_of([&] { static_cast<void>(interner.intern("xy")); }), InternStatus::ok);
}

TEST(InternerLimits, WhenAllSymbolsAreGivenOutItSaysSo) {
  Interner interner({.blocks_max = 3, .seed = {}});
  std::size_t number = 0;
  InternStatus status = InternStatus::ok;
  while (status == InternStatus::ok) status = interner.try_intern(numbered(number++)).status;
  EXPECT_EQ(status, InternStatus::symbols_exhausted);
  EXPECT_EQ(interner.stats().texts, number - 1);
  EXPECT_FALSE(interner.find(numbered(number - 1)).has_value());
  EXPECT_EQ(interner.view(interner.intern(numbered(0))), numbered(0));
  EXPECT_EQ(interner.try_intern(std::string(100'000, 'x')).status, InternStatus::symbols_exhausted);
}

// ---- memory ---------------------------------------------------------------------------------------------------------

TEST(InternerMemory, ATextThatFindsNoMemoryLeavesAllAsItWas) {
  bool has_failed = true;
  for (std::uint64_t nth = 1; has_failed; ++nth) {
    ASSERT_LT(nth, 100u);
    Interner interner({.seed = {}, .pages = &bursar::testing::counted_pages});
    bursar::testing::acquisitions_to_failure = nth;
    has_failed = false;
    std::vector<Symbol> symbols;
    for (std::size_t number = 0; number < 5'000; ++number) {
      const bursar::InternResult result = interner.try_intern(numbered(number));
      if (!result) {
        has_failed = true;
        ASSERT_EQ(result.status, InternStatus::out_of_memory);
        ASSERT_EQ(interner.stats().texts, number);
        ASSERT_FALSE(interner.find(numbered(number)).has_value());
        symbols.push_back(interner.intern(numbered(number)));  // the next attempt has memory
      } else {
        symbols.push_back(result.symbol);
      }
    }
    for (std::size_t number = 0; number < symbols.size(); ++number)
      ASSERT_EQ(interner.view(symbols[number]), numbered(number));
    bursar::testing::acquisitions_to_failure = 0;
  }
}

TEST(InternerMemory, MakingOneWithoutMemoryLosesNothing) {
  for (std::uint64_t nth = 1; nth <= 2; ++nth) {
    bursar::testing::acquisitions_to_failure = nth;
    EXPECT_THROW(Interner({.seed = {}, .pages = &bursar::testing::counted_pages}), std::bad_alloc);
  }
  bursar::testing::acquisitions_to_failure = 0;
  EXPECT_EQ(bursar::testing::live_page_bytes, 0);
  const std::int64_t blocks = bursar::testing::live_blocks();
  bursar::testing::FailNthAllocation failure(1);
  EXPECT_FALSE(Interner::try_make().has_value());
  EXPECT_EQ(bursar::testing::live_blocks(), blocks);
}

TEST(InternerMemory, AllPagesGoBack) {
  {
    Interner interner({.shards = 4, .seed = {}, .pages = &bursar::testing::counted_pages});
    for (std::size_t number = 0; number < 20'000; ++number) static_cast<void>(interner.intern(numbered(number)));
    static_cast<void>(interner.intern(std::string(300'000, 'x')));
  }
  EXPECT_EQ(bursar::testing::live_page_bytes, 0);
}

TEST(InternerMemory, InterningReducesMemoryByFiveSixths) {
  // Names as in sources: few are used often (Zipf's law), against a std::string for each use.
  Interner interner;
  std::size_t string_bytes = 0;
  std::size_t uses = 0;
  for (std::size_t number = 1; number <= 5'000; ++number) {
    const std::string name = "identifier_" + std::to_string(number);
    for (std::size_t use = 0; use < 1 + 20'000 / number; ++use, ++uses) {
      static_cast<void>(interner.intern(name));
      string_bytes += sizeof(std::string) + (name.size() > 15 ? name.size() + 1 : 0);
    }
  }
  const bursar::InternerStats stats = interner.stats();
  EXPECT_LT((uses * sizeof(Symbol) + stats.block_bytes + stats.table_bytes) * 6, string_bytes);
}

TEST(InternerMemory, AHitAllocatesNothing) {
  Interner interner;
  static_cast<void>(interner.intern("name"));
  const std::uint64_t before = bursar::testing::allocation_calls();
  for (int round = 0; round < 10'000; ++round) static_cast<void>(interner.intern("name"));
  EXPECT_EQ(bursar::testing::allocation_calls(), before);
}

// ---- hostile texts --------------------------------------------------------------------------------------------------

constexpr std::uint64_t buckets = 4096;

/// Texts that all fall into one bucket of 4,096 with a seed that the attacker knows.
std::vector<std::string> colliding_texts(std::uint64_t seed, std::size_t count) {
  const bursar::detail::TextHash hash(seed);
  std::vector<std::string> texts;
  for (std::size_t number = 0; texts.size() < count; ++number) {
    if (hash(numbered(number)) % buckets == 0) texts.push_back(numbered(number));
  }
  return texts;
}

std::size_t fullest_bucket(const bursar::detail::TextHash& hash, const std::vector<std::string>& texts) {
  std::unordered_map<std::uint64_t, std::size_t> counts;
  std::size_t most = 0;
  for (const std::string& text : texts) most = std::max(most, ++counts[hash(text) % buckets]);
  return most;
}

TEST(InternerHostile, TextsAimedAtOneSeedSpreadUnderAnother) {
  const std::vector<std::string> texts = colliding_texts(1, 1'000);
  EXPECT_EQ(fullest_bucket(bursar::detail::TextHash(1), texts), texts.size());
  for (std::uint64_t seed = 2; seed < 50; ++seed) {
    // A quarter of a text a bucket on average: eight in one bucket have a chance of 10^-6 a seed.
    EXPECT_LT(fullest_bucket(bursar::detail::TextHash(seed), texts), 8u) << seed;
  }
}

TEST(InternerHostile, NoTextMakesTheProductZeroForEverySeed) {
  // wyhash's public constants, which blind its multiplication whatever the seed.
  std::vector<std::string> texts;
  for (const std::uint64_t constant :
       {0xa0761d6478bd642full, 0xe7037ed1a0b428dbull, 0x8ebc6af09c88c6e3ull, 0x589965cc75374cc3ull}) {
    for (std::uint64_t other = 0; other < 250; ++other) {
      std::string text(16, '\0');
      std::memcpy(text.data(), &constant, 8);
      std::memcpy(text.data() + 8, &other, 8);
      texts.push_back(text);
    }
  }
  for (std::uint64_t seed = 2; seed < 50; ++seed) {
    EXPECT_LT(fullest_bucket(bursar::detail::TextHash(seed), texts), 8u) << seed;
  }
}

TEST(InternerHostile, CollidingTextsAreKeptApartEvenUnderTheSeedTheyAimAt) {
  Interner interner({.seed = 1});
  const std::vector<std::string> texts = colliding_texts(1, 300);
  std::vector<Symbol> symbols;
  for (const std::string& text : texts) symbols.push_back(interner.intern(text));
  for (std::size_t index = 0; index < texts.size(); ++index) {
    ASSERT_EQ(interner.view(symbols[index]), texts[index]);
    ASSERT_EQ(interner.intern(texts[index]), symbols[index]);
  }
}

TEST(InternerHostile, TwoInternersHaveTwoSeeds) {
  // Their symbols are given out in one order; their tables are not seen from outside, so the hashes themselves are asked.
  EXPECT_NE(bursar::detail::TextHash(1)("name"), bursar::detail::TextHash(2)("name"));
}

// ---- the process's own ----------------------------------------------------------------------------------------------

TEST(GlobalInterner, ItsSymbolsKnowTheirText) {
  const Symbol symbol = bursar::intern("some name");
  EXPECT_EQ(symbol.view(), "some name");
  EXPECT_EQ(Interner::global().intern("some name"), symbol);
}

TEST(GlobalInterner, WorksInAChildOfFork) {
  const Symbol symbol = bursar::intern("before");
  const pid_t child = fork();
  if (child == 0) _exit(bursar::intern("before") == symbol && bursar::intern("after").view() == "after" ? 0 : 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Symbol, IsOrderedAndHashedByItsNumber) {
  const Symbol one(bursar::SymbolId{1});
  const Symbol two(bursar::SymbolId{2});
  EXPECT_LT(one, two);
  EXPECT_EQ(std::hash<Symbol>{}(two), 2u);
}

}  // namespace
