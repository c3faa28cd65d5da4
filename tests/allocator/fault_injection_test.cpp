// The system refuses: whatever call it is and whenever, allocations may fail, but nothing else does.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "allocator/bump.h"
#include "allocator/depot.h"
#include "allocator/fork_guard.h"
#include "allocator/large.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar {
namespace {

using fake_os::Call;
using fake_os::Failure;

constexpr unsigned case_seconds_max = 60;

/// In the child of a case, where GoogleTest's own macros have nobody to tell.
#define REQUIRE(fact) ((fact) ? void() : give_up(#fact, __LINE__))

[[noreturn]] void give_up(const char* fact, int line) {
  fprintf(stderr, "line %d: not so: %s\n", line, fact);
  fflush(stderr);
  _exit(1);
}

/// Blocks and what they must hold. Null is taken only when some call was made to fail meanwhile.
class Blocks {
 public:
  void allocate(size_t bytes, size_t alignment = block_alignment, Zeroed zeroed = Zeroed::no) {
    const uint64_t failures = fake_os::failures();
    keep(heap::allocate(bytes, alignment, zeroed), bytes, alignment, zeroed, failures);
  }

  void allocate_in_arena(size_t bytes) {
    const uint64_t failures = fake_os::failures();
    keep(heap::allocate_in_arena(bytes, block_alignment, Zeroed::yes, 1), bytes, block_alignment, Zeroed::yes,
         failures);
  }

  void resize_last(size_t bytes) {
    if (blocks_.empty()) return;
    Held& last = blocks_.back();
    const uint64_t failures = fake_os::failures();
    void* resized = test::reallocate(last.block, bytes);
    if (resized == nullptr) {
      REQUIRE(fake_os::failures() > failures);
      REQUIRE(test::holds(last.block, last.bytes, last.mark));
      return;
    }
    const size_t kept = bytes < last.bytes ? bytes : last.bytes;
    REQUIRE(test::holds(resized, kept < compared_bytes ? kept & ~size_t{7} : compared_bytes, last.mark));
    last = {resized, bytes, next_mark_++};
    test::fill(resized, bytes, last.mark);
  }

  void deallocate_last() {
    if (blocks_.empty()) return;
    const Held last = blocks_.back();
    blocks_.pop_back();
    REQUIRE(test::holds(last.block, last.bytes, last.mark));
    REQUIRE(heap::usable_bytes(last.block, Caller::free) >= last.bytes);
    test::deallocate(last.block);
  }

  void deallocate_every_second() {
    std::vector<Held> kept;
    while (!blocks_.empty()) {
      if (blocks_.size() % 2 == 0) {
        deallocate_last();
      } else {
        kept.push_back(blocks_.back());
        blocks_.pop_back();
      }
    }
    blocks_ = kept;
  }

  void deallocate_all() {
    while (!blocks_.empty()) deallocate_last();
  }

  void take_all(Blocks& others) {
    blocks_.insert(blocks_.end(), others.blocks_.begin(), others.blocks_.end());
    others.blocks_.clear();
  }

 private:
  struct Held {
    void* block;
    size_t bytes;
    uint64_t mark;
  };

  /// What test::fill writes without gaps.
  static constexpr size_t compared_bytes = 4 * KiB;

  void keep(void* block, size_t bytes, size_t alignment, Zeroed zeroed, uint64_t failures_before) {
    if (block == nullptr) {
      REQUIRE(fake_os::failures() > failures_before);
      return;
    }
    REQUIRE(address_of(block) % alignment == 0);
    REQUIRE(zeroed == Zeroed::no || test::is_zero(block, bytes));
    blocks_.push_back({block, bytes, next_mark_++});
    test::fill(block, bytes, blocks_.back().mark);
  }

  std::vector<Held> blocks_;
  uint64_t next_mark_ = 1;
};

void allocate_all_sizes(Blocks& blocks) {
  for (SizeClass size_class = 1; size_class < size_class_count; size_class += 5) {
    for (int i = 0; i < 3; ++i) blocks.allocate(block_bytes_of(size_class));
  }
  for (const size_t bytes : {size_t{70'000}, 900 * KiB, 2 * MiB, 3 * MiB, 9 * MiB}) {
    blocks.allocate(bytes, block_alignment, Zeroed::yes);
  }
  for (size_t alignment = 64; alignment <= 16 * MiB; alignment *= 8) blocks.allocate(5000, alignment);
}

void resize_step_by_step(Blocks& blocks) {
  blocks.allocate(10);
  for (size_t bytes = 40; bytes < 40 * MiB; bytes *= 3) blocks.resize_last(bytes);
  for (size_t bytes = 10 * MiB; bytes > 100; bytes /= 4) blocks.resize_last(bytes);
}

void let_threads_exchange(Blocks& blocks) {
  constexpr size_t threads = 2;
  std::vector<Blocks> parts(threads);
  test::run_attached(threads, [&](size_t number) {
    for (size_t i = 0; i < 400; ++i) parts[number].allocate(200 + i);
    parts[number].allocate(100'000 * (number + 1));
    parts[number].deallocate_every_second();
  });
  for (Blocks& part : parts) blocks.take_all(part);
  test::run_attached([&] {
    Blocks half;
    half.take_all(blocks);
    half.deallocate_every_second();
    blocks.take_all(half);
  });
}

void use_arena(Blocks& blocks) {
  for (size_t i = 0; i < 100; ++i) blocks.allocate_in_arena(i * 20);
  blocks.resize_last(4000);
  const InsideScope inside;
  bump::leave_chunk();
}

void interrupt(Blocks& blocks) {
  const InsideScope inside;
  blocks.allocate(1000, 64, Zeroed::yes);
  blocks.allocate(300 * KiB);
}

void purge() {
  fake_os::advance_clock_ms(5000);
  (void)heap::purge_all();
  fake_os::advance_clock_ms(5000);
}

/// The calls of a program, with everything in them that asks the system for something.
void run_workload() {
  fake_os::set_clock_ms(1'000'000);
  fork_guard.start();
  Blocks blocks;
  {
    const test::AttachedThread here;
    fake_os::set_address_space_bytes_max(uint64_t{1} << 46);  // under a limit there are no tracts
    allocate_all_sizes(blocks);
    resize_step_by_step(blocks);
    blocks.deallocate_every_second();
    purge();
    fake_os::set_address_space_bytes_max(SIZE_MAX);
    allocate_all_sizes(blocks);
    resize_step_by_step(blocks);
    let_threads_exchange(blocks);
    use_arena(blocks);
    interrupt(blocks);
    purge();
    resize_step_by_step(blocks);
    blocks.deallocate_every_second();
  }
  Blocks after_the_end;  // the thread has no heap any more
  after_the_end.allocate(100);
  after_the_end.allocate(200'000);
  after_the_end.deallocate_all();
  blocks.deallocate_all();
  test::validate_heap();
}

/// After the fault: every allocation succeeds, and all of it can go back.
void run_healthy() {
  fake_os::heal();
  const uint64_t failures = fake_os::failures();
  std::thread(run_workload).join();  // a thread that has not ended yet
  REQUIRE(fake_os::failures() == failures);
  REQUIRE(large::mapping_count() == 0);
  test::validate_heap();
}

std::string outcome_of(Call call, uint64_t nth, Failure failure, bool& has_failed) {
  int channel[2];
  if (pipe(channel) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    alarm(case_seconds_max);
    fake_os::fail(call, nth, failure);
    run_workload();
    const bool failed = fake_os::failures() != 0;
    run_healthy();
    if (write(channel[1], &failed, sizeof(failed)) != sizeof(failed)) _exit(2);
    _exit(0);
  }
  close(channel[1]);
  has_failed = false;
  const bool is_told = read(channel[0], &has_failed, sizeof(has_failed)) == sizeof(has_failed);
  close(channel[0]);
  int status = 0;
  if (waitpid(child, &status, 0) != child) return "no child";
  if (WIFSIGNALED(status)) return "killed by signal " + std::to_string(WTERMSIG(status));
  return WEXITSTATUS(status) != 0 || !is_told ? "exit status " + std::to_string(WEXITSTATUS(status)) : "";
}

class FaultInjection : public testing::TestWithParam<std::tuple<Call, Failure>> {};

TEST_P(FaultInjection, ARefusalAtAnyTimeCostsAllocationsAtMost) {
  const auto [call, failure] = GetParam();
  // Every one of the first calls, then fewer and fewer of the later ones.
  const uint64_t step_divisor = test::is_slow_build() ? 3 : 24;
  uint64_t cases = 0;
  bool has_failed = true;
  for (uint64_t nth = 1; has_failed; nth += 1 + nth / step_divisor) {
    const std::string outcome = outcome_of(call, nth, failure, has_failed);
    EXPECT_EQ(outcome, "") << fake_os::name_of(call) << " number " << nth;
    if (!outcome.empty() && ++cases == 5) break;
    ASSERT_LT(nth, 100'000U) << "the workload never ends";
  }
}

std::string name_of(const testing::TestParamInfo<std::tuple<Call, Failure>>& info) {
  const auto [call, failure] = info.param;
  return std::string(fake_os::name_of(call)) + (failure == Failure::once ? "_once" : "_from_then_on");
}

INSTANTIATE_TEST_SUITE_P(Calls, FaultInjection,
                         testing::Combine(testing::Values(Call::reserve, Call::reserve_readable, Call::commit,
                                                          Call::purge, Call::release, Call::resize_in_place,
                                                          Call::move_pages, Call::wipe_in_child),
                                          testing::Values(Failure::once, Failure::from_then_on)),
                         name_of);

TEST(FaultInjectionItself, TheWorkloadMakesEveryKindOfCall) {
  run_workload();
  for (unsigned i = 0; i < fake_os::call_count; ++i) {
    EXPECT_GT(fake_os::calls(static_cast<Call>(i)), 0U) << fake_os::name_of(static_cast<Call>(i));
    std::printf("%s: %llu\n", fake_os::name_of(static_cast<Call>(i)),
                static_cast<unsigned long long>(fake_os::calls(static_cast<Call>(i))));
  }
  EXPECT_EQ(fake_os::failures(), 0U);
}

TEST(FaultInjectionItself, ARefusedCallIsCounted) {
  fake_os::fail(Call::reserve, 2, Failure::once);
  Blocks blocks;
  const test::AttachedThread here;
  blocks.allocate(100);
  EXPECT_EQ(fake_os::failures(), 1U);
  EXPECT_GE(fake_os::calls(Call::reserve), 2U);
}

}  // namespace
}  // namespace bursar
