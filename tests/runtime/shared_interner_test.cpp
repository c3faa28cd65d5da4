// One interner, several processes.
#include "bursar/shared_interner.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace {

using namespace bursar::literals;  // NOLINT(google-build-using-namespace): the literals are made for it
using bursar::InternStatus;
using bursar::SharedInterner;
using bursar::SharedInternerOptions;
using bursar::SharedResult;
using bursar::SharedStatus;
using bursar::Symbol;

std::string numbered(std::size_t number) { return "name_" + std::to_string(number); }

/// A name of this test's own, taken away at the end.
class Shared : public ::testing::Test {
 protected:
  ~Shared() override { SharedInterner::remove(name()); }
  [[nodiscard]] const char* name() const { return name_.c_str(); }

  template <typename Work>
  static int status_of_child(Work work) {
    const pid_t child = fork();
    if (child == 0) _exit(work());
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }

 private:
  std::string name_ = "bursar_shared_interner_test." + std::to_string(getpid());
};

TEST_F(Shared, FindsAndResolvesWhatItKeeps) {
  SharedResult made = SharedInterner::create(name());
  ASSERT_TRUE(made) << bursar::to_text(made.status);
  for (std::size_t number = 0; number < 2'000; ++number) {
    const Symbol symbol = made.interner.intern(numbered(number));
    ASSERT_EQ(made.interner.view(symbol), numbered(number));
    ASSERT_EQ(made.interner.intern(numbered(number)), symbol);
    ASSERT_EQ(made.interner.find(numbered(number)), symbol);
  }
  EXPECT_EQ(made.interner.texts(), 2'000u);
  EXPECT_FALSE(made.interner.find("absent").has_value());
  EXPECT_EQ(made.interner.intern(""), Symbol());
  EXPECT_EQ(made.interner.intern("while"), "while"_keyword);
}

TEST_F(Shared, AnotherProcessGetsTheSameSymbols) {
  SharedResult made = SharedInterner::create(name());
  ASSERT_TRUE(made);
  const Symbol here = made.interner.intern("a name");
  const int status = status_of_child([&] {
    SharedResult opened = SharedInterner::open(name());
    if (!opened || opened.interner.intern("a name") != here) return 1;
    static_cast<void>(opened.interner.intern("of the child"));
    return 0;
  });
  EXPECT_EQ(status, 0);
  const std::optional<Symbol> there = made.interner.find("of the child");
  ASSERT_TRUE(there.has_value());
  EXPECT_EQ(made.interner.view(*there), "of the child");
}

TEST_F(Shared, ProcessesThatAddAtOnceAgree) {
  SharedResult made = SharedInterner::create(name());
  ASSERT_TRUE(made);
  constexpr std::size_t names = 3'000;
  std::vector<pid_t> children;
  for (int index = 0; index < 3; ++index) {
    const pid_t child = fork();
    if (child == 0) {
      SharedResult opened = SharedInterner::open(name());
      for (std::size_t number = 0; number < names; ++number)
        static_cast<void>(opened.interner.intern(numbered(number)));
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(made.interner.texts(), names);
  for (std::size_t number = 0; number < names; ++number) ASSERT_TRUE(made.interner.find(numbered(number)).has_value());
}

TEST_F(Shared, AProcessThatIsKilledWhileItAddsStopsNobody) {
  SharedInternerOptions options;
  options.texts_max = 1'000'000;
  options.text_bytes_max = 16 << 20;
  SharedResult made = SharedInterner::create(name(), options);
  ASSERT_TRUE(made);
  for (int round = 0; round < 20; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      for (std::size_t number = 0;; ++number) static_cast<void>(made.interner.try_intern(numbered(number)));
    }
    usleep(static_cast<useconds_t>(1'000 + 100 * round));
    kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    const std::string text = "round_" + std::to_string(round);
    ASSERT_EQ(made.interner.view(made.interner.intern(text)), text);
  }
}

TEST_F(Shared, ItsLimitsAreTold) {
  SharedInternerOptions options;
  options.texts_max = 2;
  options.text_bytes_max = 100;
  SharedResult made = SharedInterner::create(name(), options);
  ASSERT_TRUE(made);
  EXPECT_EQ(made.interner.try_intern(std::string(200, 'x')).status, InternStatus::bytes_limit);
  static_cast<void>(made.interner.intern("a"));
  static_cast<void>(made.interner.intern("b"));
  EXPECT_EQ(made.interner.try_intern("c").status, InternStatus::count_limit);
  EXPECT_THROW(static_cast<void>(made.interner.intern("c")), bursar::InternError);
  EXPECT_TRUE(made.interner.try_intern("a"));
}

TEST_F(Shared, ANameIsMadeOnce) {
  const SharedResult made = SharedInterner::create(name());
  ASSERT_TRUE(made);
  EXPECT_EQ(SharedInterner::create(name()).status, SharedStatus::exists);
}

TEST_F(Shared, WhatNobodyMadeIsNotFound) { EXPECT_EQ(SharedInterner::open(name()).status, SharedStatus::not_found); }

TEST_F(Shared, ItGoesOnWithoutItsName) {
  SharedResult made = SharedInterner::create(name());
  ASSERT_TRUE(made);
  EXPECT_TRUE(SharedInterner::remove(name()));
  EXPECT_FALSE(SharedInterner::remove(name()));
  EXPECT_EQ(made.interner.view(made.interner.intern("a")), "a");
}

TEST_F(Shared, SizesBeyondWhatSymbolsNameAreNoMemory) {
  SharedInternerOptions options;
  options.text_bytes_max = SIZE_MAX;
  EXPECT_EQ(SharedInterner::create(name(), options).status, SharedStatus::out_of_memory);
  EXPECT_EQ(SharedInterner::open(name()).status, SharedStatus::not_found);
}

TEST_F(Shared, OtherSharedMemoryIsToldFromIt) {
  const int descriptor = shm_open(name(), O_RDWR | O_CREAT | O_EXCL, 0600);
  ASSERT_GE(descriptor, 0);
  EXPECT_EQ(SharedInterner::open(name()).status, SharedStatus::not_ready);
  ASSERT_EQ(ftruncate(descriptor, 100), 0);
  EXPECT_EQ(SharedInterner::open(name()).status, SharedStatus::not_one);
  ASSERT_EQ(ftruncate(descriptor, 4096), 0);
  EXPECT_EQ(SharedInterner::open(name()).status, SharedStatus::not_ready);
  ASSERT_EQ(pwrite(descriptor, "anything", 8, 0), 8);
  EXPECT_EQ(SharedInterner::open(name()).status, SharedStatus::not_one);
  close(descriptor);
}

}  // namespace
