// A task that owns an arena, and what comes out of it.
#include "bursar/task_arena.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/runtime/failing_memory.h"

namespace {

/// A tree of the arena it is in.
struct Tree {
  std::string_view name;
  std::span<Tree*> children;
};

}  // namespace

template <>
struct bursar::Promotion<Tree*> {
  static Tree* promote(Tree*&& tree, Arena& to) {
    if (tree == nullptr) return nullptr;
    return to.make<Tree>(bursar::promote(tree->name, to), bursar::promote(tree->children, to));
  }
};

namespace {

using bursar::Arena;
using bursar::promote;
using bursar::TaskArena;

TEST(TaskArena, WorksWithoutBursar) {
  const auto before = bursar::testing::live_blocks();
  {
    TaskArena task("request");
    EXPECT_EQ(task.task().handle(), nullptr);
    EXPECT_EQ(*task.arena().make<int>(3), 3);
  }
  EXPECT_EQ(bursar::testing::live_blocks(), before);
}

TEST(TaskArena, MovesWithItsObjects) {
  TaskArena task("request");
  const auto* text = task.arena().make<std::string>(100U, 'x');
  TaskArena moved = std::move(task);
  EXPECT_EQ(text->size(), 100u);
  task = std::move(moved);
  EXPECT_EQ(text->size(), 100u);
}

TEST(TaskArena, NestsInAnother) {
  TaskArena outer("outer");
  std::string_view kept;
  {
    TaskArena inner("inner");
    kept = promote(inner.arena().copy("made within"), outer.arena());
  }
  EXPECT_EQ(kept, "made within");
}

TEST(Promote, BringsValuesTextsAndSpans) {
  Arena to;
  std::span<std::string_view> texts;
  {
    Arena from;
    const std::vector<std::string_view> source = {from.copy("one"), from.copy("two")};
    texts = promote(from.collect(source), to);
    EXPECT_EQ(promote(7, to), 7);
  }
  EXPECT_EQ(texts[0], "one");
  EXPECT_EQ(texts[1], "two");
}

TEST(Promote, BringsAGraphByItsCustomizationPoint) {
  Arena to;
  Tree* root = nullptr;
  {
    Arena from;
    const std::vector<Tree*> leaves = {from.make<Tree>(from.copy("left"), std::span<Tree*>()),
                                       from.make<Tree>(from.copy("right"), std::span<Tree*>())};
    root = promote(from.make<Tree>(from.copy("root"), from.collect(leaves)), to);
  }
  EXPECT_EQ(root->name, "root");
  ASSERT_EQ(root->children.size(), 2u);
  EXPECT_EQ(root->children[1]->name, "right");
}

TEST(Promote, BringsAnObject) {
  Arena to;
  const std::string_view* text = nullptr;
  {
    Arena from;
    text = bursar::promote_object(from.make<std::string_view>(from.copy("text")), to);
  }
  EXPECT_EQ(*text, "text");
  EXPECT_EQ(bursar::promote_object<int>(nullptr, to), nullptr);
}

/// A type that nobody has said how to promote is refused when compiling.
struct Unknown {
  char* pointer;
};
static_assert(!bursar::HasPromotion<Unknown>);
static_assert(!bursar::HasPromotion<int*>);
static_assert(bursar::HasPromotion<std::span<Tree*>>);

TEST(Promote, WithoutMemoryNothingIsLost) {
  const auto before = bursar::testing::live_blocks();
  static_cast<void>(bursar::testing::for_each_allocation_failure([](std::uint64_t) {
    try {
      TaskArena outer("outer");
      TaskArena inner("inner");
      EXPECT_EQ(promote(inner.arena().copy("text"), outer.arena()), "text");
    } catch (const std::bad_alloc&) {
    }
  }));
  EXPECT_EQ(bursar::testing::live_blocks(), before);
}

}  // namespace
