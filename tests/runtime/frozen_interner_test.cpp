// Frozen images: what they find, what damage does, and overlays over them.
#include "bursar/frozen_interner.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "runtime/src/frozen_image.h"
#include "tests/runtime/failing_memory.h"
#include "tests/runtime/random_text.h"

namespace {

using namespace bursar::literals;  // NOLINT(google-build-using-namespace): the literals are made for it
using bursar::FrozenInterner;
using bursar::FrozenResult;
using bursar::FrozenStatus;
using bursar::Interner;
using bursar::Symbol;

constexpr std::size_t names = 3'000;

std::string numbered(std::size_t number) { return "name_" + std::to_string(number); }

FrozenInterner frozen_names(std::size_t count = names, std::optional<std::uint64_t> seed = {}) {
  Interner interner;
  for (std::size_t number = 0; number < count; ++number) static_cast<void>(interner.intern(numbered(number)));
  FrozenResult result = FrozenInterner::freeze(interner, seed);
  EXPECT_EQ(result.status, FrozenStatus::ok);
  return std::move(result.interner);
}

/// A copy of an image, aligned as images must be.
std::vector<std::uint64_t> words_of(std::span<const std::byte> image) {
  std::vector<std::uint64_t> words((image.size() + 7) / 8);
  std::memcpy(words.data(), image.data(), image.size());
  return words;
}

TEST(FrozenInterner, FindsAndResolvesEveryText) {
  const FrozenInterner frozen = frozen_names();
  EXPECT_EQ(frozen.texts(), names);
  for (std::size_t number = 0; number < names; ++number) {
    const std::optional<Symbol> symbol = frozen.find(numbered(number));
    ASSERT_TRUE(symbol.has_value());
    ASSERT_EQ(frozen.view(*symbol), numbered(number));
    ASSERT_TRUE(frozen.owns(*symbol));
  }
  EXPECT_FALSE(frozen.find(numbered(names)).has_value());
}

TEST(FrozenInterner, KeywordsHaveTheirUsualSymbols) {
  const FrozenInterner frozen = frozen_names();
  for (const std::string_view word : bursar::python_keywords) {
    EXPECT_EQ(frozen.find(word), bursar::intern(word));
    EXPECT_EQ(frozen.view(bursar::intern(word)), word);
  }
  EXPECT_EQ(frozen.find(""), Symbol());
}

TEST(FrozenInterner, OneWithoutAnImageHasTheKeywordsAlone) {
  const FrozenInterner none;
  EXPECT_EQ(none.find("while"), "while"_keyword);
  EXPECT_EQ(none.view("while"_keyword), "while");
  EXPECT_FALSE(none.find("name").has_value());
}

TEST(FrozenInterner, TakesTextsOfAnyLengthAndBytes) {
  Interner interner;
  std::vector<std::string> texts{std::string("a\0b", 3), "\xff\xc0",
                                 std::string(254, 'x'),  std::string(255, 'x'),
                                 std::string(256, 'x'),  std::string(200'000, 'x')};
  for (const std::string& text : texts) static_cast<void>(interner.intern(text));
  const FrozenResult frozen = FrozenInterner::freeze(interner);
  ASSERT_TRUE(frozen);
  for (const std::string& text : texts) ASSERT_EQ(frozen.interner.view(frozen.interner.find(text).value()), text);
}

TEST(FrozenInterner, OfNothingFindsNothing) {
  const FrozenResult frozen = FrozenInterner::freeze(Interner());
  ASSERT_TRUE(frozen);
  EXPECT_EQ(frozen.interner.texts(), 0u);
  EXPECT_FALSE(frozen.interner.find("name").has_value());
}

TEST(FrozenInterner, TheSameTextsAndSeedMakeTheSameImage) {
  Interner backwards;
  for (std::size_t number = names; number-- > 0;) static_cast<void>(backwards.intern(numbered(number)));
  const FrozenResult other = FrozenInterner::freeze(backwards, 7);
  const FrozenInterner one = frozen_names(names, 7);
  ASSERT_EQ(one.image().size(), other.interner.image().size());
  EXPECT_EQ(std::memcmp(one.image().data(), other.interner.image().data(), one.image().size()), 0);
}

TEST(FrozenInterner, AnImageWorksWhereverItLies) {
  const FrozenInterner frozen = frozen_names();
  const std::vector<std::uint64_t> copy = words_of(frozen.image());
  const FrozenResult borrowed = FrozenInterner::borrow(std::as_bytes(std::span(copy)).first(frozen.image().size()));
  ASSERT_TRUE(borrowed);
  for (std::size_t number = 0; number < names; ++number) {
    ASSERT_EQ(borrowed.interner.find(numbered(number)), frozen.find(numbered(number)));
  }
}

TEST(FrozenInterner, ComesBackFromAFile) {
  const std::string path = ::testing::TempDir() + "frozen_interner_test." + std::to_string(getpid());
  const FrozenInterner frozen = frozen_names();
  ASSERT_EQ(frozen.save(path.c_str()), FrozenStatus::ok);
  const FrozenResult opened = FrozenInterner::open(path.c_str());
  unlink(path.c_str());
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened.interner.find(numbered(1)), frozen.find(numbered(1)));
}

TEST(FrozenInterner, AFileThatIsNotThereIsToldAsSuch) {
  EXPECT_EQ(FrozenInterner::open("/no/such/file").status, FrozenStatus::file_error);
  EXPECT_EQ(frozen_names(1).save("/no/such/directory/file"), FrozenStatus::file_error);
}

TEST(FrozenInterner, EveryByteThatIsDamagedIsNoticed) {
  const FrozenInterner frozen = frozen_names(40);
  std::vector<std::uint64_t> copy = words_of(frozen.image());
  auto* bytes = reinterpret_cast<unsigned char*>(copy.data());
  for (std::size_t at = 0; at < frozen.image().size(); ++at) {
    bytes[at] ^= 0x10;
    EXPECT_FALSE(FrozenInterner::borrow(std::as_bytes(std::span(copy)).first(frozen.image().size()))) << at;
    bytes[at] ^= 0x10;
  }
}

TEST(FrozenInterner, EveryLengthThatIsShortIsNoticed) {
  const FrozenInterner frozen = frozen_names(40);
  for (std::size_t bytes = 0; bytes < frozen.image().size(); ++bytes) {
    EXPECT_FALSE(FrozenInterner::borrow(frozen.image().first(bytes))) << bytes;
  }
}

TEST(FrozenInterner, AnImageMadeWithIntentLeadsNoSearchAstray) {
  // Every byte behind the checksum takes other values under a checksum that fits; what is accepted is searched whole.
  const FrozenInterner frozen = frozen_names(20);
  std::vector<std::uint64_t> copy = words_of(frozen.image());
  auto* bytes = reinterpret_cast<unsigned char*>(copy.data());
  const std::size_t skipped = offsetof(bursar::detail::FrozenHeader, keywords);
  const bursar::detail::TextHash checksum(bursar::detail::frozen_checksum_seed);
  for (std::size_t at = skipped; at < frozen.image().size(); ++at) {
    for (const std::uint64_t change : {0x01u, 0x80u, 0xffu}) {
      bytes[at] = static_cast<unsigned char>(bytes[at] ^ change);
      copy[1] = checksum({reinterpret_cast<const char*>(bytes) + skipped, frozen.image().size() - skipped});
      const FrozenResult result = FrozenInterner::borrow(std::as_bytes(std::span(copy)).first(frozen.image().size()));
      if (result) {
        result.interner.for_each([&](std::string_view text) { static_cast<void>(result.interner.find(text)); });
        for (std::size_t number = 0; number < 20; ++number) static_cast<void>(result.interner.find(numbered(number)));
      }
      bytes[at] = static_cast<unsigned char>(bytes[at] ^ change);
    }
  }
}

TEST(FrozenInterner, SaysWhatIsWrong) {
  const std::vector<std::uint64_t> zeros(100);
  EXPECT_EQ(FrozenInterner::borrow(std::as_bytes(std::span(zeros))).status, FrozenStatus::not_an_image);
  const FrozenInterner frozen = frozen_names(40);
  std::vector<std::uint64_t> copy = words_of(frozen.image());
  copy.back() ^= 1;
  EXPECT_EQ(FrozenInterner::borrow(std::as_bytes(std::span(copy)).first(frozen.image().size())).status,
            FrozenStatus::damaged);
  EXPECT_STREQ(bursar::to_text(FrozenStatus::damaged), "a damaged image: make it anew");
}

TEST(FrozenInterner, OwnsExactlyItsSymbols) {
  const FrozenInterner frozen = frozen_names(100);
  std::size_t owned = 0;
  for (std::uint32_t id = 0; id < 10'000; ++id) owned += frozen.owns(Symbol(bursar::SymbolId{id})) ? 1 : 0;
  EXPECT_EQ(owned, 1 + 100 + bursar::detail::keyword_block.words);
}

TEST(FrozenInterner, WithoutMemoryThereIsNoneAndNothingIsLost) {
  Interner interner;
  for (std::size_t number = 0; number < 100; ++number) static_cast<void>(interner.intern(numbered(number)));
  const std::int64_t blocks = bursar::testing::live_blocks();
  bursar::testing::for_each_allocation_failure([&](std::uint64_t /*nth*/) {
    const FrozenResult result = FrozenInterner::freeze(interner);
    EXPECT_TRUE(result || result.status == FrozenStatus::out_of_memory);
  });
  EXPECT_EQ(bursar::testing::live_blocks(), blocks);
}

// ---- overlays -------------------------------------------------------------------------------------------------------

Interner over(const FrozenInterner& base) {
  bursar::InternerOptions options;
  options.base = &base;
  return Interner(options);
}

TEST(Overlay, TextsOfTheBaseKeepTheirSymbols) {
  const FrozenInterner base = frozen_names();
  Interner overlay = over(base);
  for (std::size_t number = 0; number < names; ++number) {
    const Symbol symbol = overlay.intern(numbered(number));
    ASSERT_EQ(symbol, base.find(numbered(number)));
    ASSERT_EQ(overlay.view(symbol), numbered(number));
    ASSERT_TRUE(overlay.owns(symbol));
  }
  EXPECT_EQ(overlay.stats().texts, 0u);
}

TEST(Overlay, NewTextsAreItsOwn) {
  const FrozenInterner base = frozen_names();
  Interner overlay = over(base);
  std::vector<Symbol> symbols;
  for (std::size_t number = names; number < 3 * names; ++number) symbols.push_back(overlay.intern(numbered(number)));
  for (std::size_t index = 0; index < symbols.size(); ++index) {
    ASSERT_EQ(overlay.view(symbols[index]), numbered(names + index));
    ASSERT_EQ(overlay.find(numbered(names + index)), symbols[index]);
    ASSERT_TRUE(overlay.owns(symbols[index]));
    ASSERT_FALSE(base.owns(symbols[index]));
  }
  EXPECT_EQ(overlay.stats().texts, 2 * names);
}

TEST(Overlay, KeywordsAreTheUsualOnes) {
  const FrozenInterner base = frozen_names(10);
  Interner overlay = over(base);
  EXPECT_EQ(overlay.intern("while"), "while"_keyword);
}

TEST(Overlay, FreezingItFreezesBaseAndOverlay) {
  const FrozenInterner base = frozen_names(10);
  Interner overlay = over(base);
  static_cast<void>(overlay.intern("another"));
  const FrozenResult both = FrozenInterner::freeze(overlay);
  ASSERT_TRUE(both);
  EXPECT_EQ(both.interner.texts(), 11u);
  EXPECT_TRUE(both.interner.find(numbered(3)).has_value());
  EXPECT_TRUE(both.interner.find("another").has_value());
}

}  // namespace
