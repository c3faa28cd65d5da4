// What AddressSanitizer sees inside an arena. (Skipped where the test is not built with it.)
#include <gtest/gtest.h>

#include "bursar/arena.h"
#include "tests/runtime/watched.h"

namespace {

using bursar::Arena;
using bursar::testing::is_hidden;

class Watched : public testing::Test {
 protected:
  void SetUp() override {
    if (!bursar::testing::is_watched()) GTEST_SKIP() << "not built with AddressSanitizer";
  }
};

TEST_F(Watched, ABlockIsSeenAndItsSurroundingsAreNot) {
  Arena arena;
  char* block = static_cast<char*>(arena.allocate(13, 1));
  EXPECT_FALSE(is_hidden(block));
  EXPECT_FALSE(is_hidden(block + 12));
  EXPECT_TRUE(is_hidden(block + 13));
  EXPECT_TRUE(is_hidden(block - 1));
}

TEST_F(Watched, AfterAResetABlockIsHidden) {
  Arena arena;
  const char* block = static_cast<char*>(arena.allocate(100));
  arena.reset();
  EXPECT_TRUE(is_hidden(block));
}

TEST_F(Watched, AfterAScopeItsBlocksAreHiddenAndTheOthersAreNot) {
  Arena arena;
  const char* outer = static_cast<char*>(arena.allocate(100));
  const char* inner = nullptr;
  {
    auto scope = arena.scope();
    inner = static_cast<char*>(arena.allocate(100));
    EXPECT_FALSE(is_hidden(inner));
  }
  EXPECT_TRUE(is_hidden(inner));
  EXPECT_FALSE(is_hidden(outer));
}

TEST_F(Watched, MemoryThatWentBackIsNotHidden) {
  Arena arena;
  static_cast<void>(arena.allocate(100));
  arena.release();
  // The heap's next block of that size may be the chunk.
  for (int number = 0; number < 100; ++number) {
    const std::unique_ptr<char[]> block(new char[16 * 1024]);
    EXPECT_FALSE(is_hidden(block.get() + 1000));
  }
}

TEST_F(Watched, AUseAfterResetEndsTheProgram) {
  Arena arena;
  auto* number = arena.make<volatile int>(1);
  arena.reset();
  EXPECT_DEATH(static_cast<void>(*number), "AddressSanitizer: use-after-poison");
}

}  // namespace
