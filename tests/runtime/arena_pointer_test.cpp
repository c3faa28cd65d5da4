// Checked pointers see what their arena took back; unchecked ones are pointers.
#define BURSAR_HARDENED 1
#include "bursar/arena_pointer.h"

#include <gtest/gtest.h>

#include <string>

namespace {

using bursar::Arena;
using bursar::ArenaPointer;
using bursar::make_pointer;
using bursar::PointerChecks;

TEST(ArenaPointer, HardenedBuildsCheck) {
  static_assert(std::is_same_v<ArenaPointer<int>, ArenaPointer<int, PointerChecks::yes>>);
  static_assert(sizeof(ArenaPointer<int, PointerChecks::no>) == sizeof(int*));
}

TEST(ArenaPointer, LeadsToItsObject) {
  Arena arena;
  const auto text = make_pointer<std::string>(arena, 100U, 'x');
  EXPECT_EQ(text->size(), 100u);
  EXPECT_TRUE(text.is_valid());
  const auto plain = make_pointer<int, PointerChecks::no>(arena, 3);
  EXPECT_EQ(*plain, 3);
}

TEST(ArenaPointer, AnEmptyOneIsValidAndNull) {
  const ArenaPointer<int> pointer;
  EXPECT_TRUE(pointer.is_valid());
  EXPECT_FALSE(pointer);
}

TEST(ArenaPointer, IsInvalidAfterAReset) {
  Arena arena;
  const auto number = make_pointer<int>(arena, 3);
  arena.reset();
  EXPECT_FALSE(number.is_valid());
}

TEST(ArenaPointer, IsInvalidAfterItsArena) {
  ArenaPointer<int> number;
  {
    Arena arena;
    number = make_pointer<int>(arena, 3);
  }
  EXPECT_FALSE(number.is_valid());
  Arena next;
  const auto other = make_pointer<int>(next, 4);
  EXPECT_FALSE(number.is_valid());
  EXPECT_TRUE(other.is_valid());
}

TEST(ArenaPointer, AScopeEndsOnlyWhatWasMadeInIt) {
  Arena arena;
  const auto outer = make_pointer<int>(arena, 1);
  ArenaPointer<int> inner;
  {
    auto scope = arena.scope();
    inner = make_pointer<int>(arena, 2);
    static_cast<void>(arena.allocate(100'000));
    EXPECT_TRUE(inner.is_valid());
  }
  EXPECT_TRUE(outer.is_valid());
  EXPECT_FALSE(inner.is_valid());
  const auto in_its_place = make_pointer<int>(arena, 3);
  EXPECT_FALSE(inner.is_valid());
  EXPECT_EQ(*in_its_place, 3);
}

TEST(ArenaPointer, StaysValidWhenItsArenaMoves) {
  Arena arena;
  const auto number = make_pointer<int>(arena, 3);
  Arena moved(std::move(arena));
  EXPECT_EQ(*number, 3);
  moved.reset();
  EXPECT_FALSE(number.is_valid());
}

TEST(ArenaPointerDeathTest, AUseAfterResetIsTold) {
  Arena arena;
  const auto number = make_pointer<int>(arena, 3);
  arena.reset();
  EXPECT_DEATH(static_cast<void>(*number), "bursar: ArenaPointer: its object has been taken back by its arena");
}

}  // namespace
