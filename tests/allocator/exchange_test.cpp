// Threads that come and go and free each other's blocks, whatever way these take home, held against what was written into them.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <vector>

#include "allocator/depot.h"
#include "allocator/settings.h"
#include "tests/allocator/fake_os.h"
#include "tests/allocator/heap_user.h"

namespace bursar::test {
namespace {

/// Some that fill whole cache lines and some that do not, some that travel together and some alone.
constexpr size_t sizes[] = {16, 48, 64, 64, 80, 128, 320, 1008, 1024, 1152, 5000, 5000, 20'000, 32'768};

/// Written into each block in use. No two blocks have the same number, so one that was handed out twice shows.
struct Label {
  uint64_t number;
  uint32_t bytes;
};

void* allocate_labelled(size_t bytes, uint64_t number) {
  void* block = allocate(bytes);
  if (block == nullptr) return nullptr;
  const Label label{number, static_cast<uint32_t>(bytes)};
  memcpy(block, &label, sizeof(label));
  test::fill(static_cast<char*>(block) + sizeof(label), bytes - sizeof(label), number);
  return block;
}

void check_and_deallocate(void* block) {
  if (block == nullptr) return;
  Label label{};
  memcpy(&label, block, sizeof(label));
  ASSERT_LE(label.bytes, medium_bytes_max);
  ASSERT_GE(label.bytes, sizeof(label));
  ASSERT_TRUE(test::holds(static_cast<char*>(block) + sizeof(label), label.bytes - sizeof(label), label.number));
  deallocate(block);
}

/// Blocks that wait for whoever takes them, and how much of its work each thread does.
class Exchange {
 public:
  explicit Exchange(uint64_t seed) : seed_(seed), slots_(2000) {}

  /// What one thread does in its life. With others at work.
  void work(size_t number, size_t steps) {
    test::Random random(seed_ + 1000 * number);
    std::vector<void*> own;
    // Each thread has its favourites, so that some classes wander and others do not.
    const size_t favourite = random.below(std::size(sizes));
    for (size_t step = 0; step < steps; ++step) {
      const size_t bytes = sizes[random.one_in(3) ? favourite : random.below(std::size(sizes))];
      void* block = allocate_labelled(bytes, (number << 40) + step + 1);
      ASSERT_NE(block, nullptr);
      random.one_in(3) ? own.push_back(block) : check_and_deallocate(swap(random, block));
      if (random.one_in(500)) {
        for (void* one : own) check_and_deallocate(one);
        own.clear();
      }
      if (random.one_in(300)) give_a_burst(random);
      disturb(random);
    }
    for (void* one : own) check_and_deallocate(swap(random, one));
  }

  void empty() {
    for (std::atomic<void*>& slot : slots_) check_and_deallocate(slot.exchange(nullptr));
  }

 private:
  void* swap(test::Random& random, void* block) { return slots_[random.below(slots_.size())].exchange(block); }

  /// Takes many blocks at once, as a consumer does whose producer was ahead: more than all parcels hold.
  void give_a_burst(test::Random& random) {
    const size_t first = random.below(slots_.size() / 2);
    for (size_t i = first; i < first + slots_.size() / 2; ++i) check_and_deallocate(slots_[i].exchange(nullptr));
  }

  /// What seldom happens: clocks move, all memory is wanted back, much memory waits for the clock.
  static void disturb(test::Random& random) {
    if (random.one_in(200)) fake_os::advance_clock_ms(random.below(40));
    if (random.one_in(5000)) empty_bins();
    if (random.one_in(5000)) (void)heap::purge_all();
    if (!random.one_in(1500)) return;
    std::vector<bursar::Run*> runs;
    for (int i = 0; i < 18; ++i) {
      Zeroed zeroed{};
      if (bursar::Run* run = depot.acquire(segment_granules, 1, RunKind::pages, zeroed)) runs.push_back(run);
    }
    for (bursar::Run* run : runs) depot.retire(run);
  }

  const uint64_t seed_;
  std::vector<std::atomic<void*>> slots_;
};

class ExchangeModel : public testing::TestWithParam<int64_t> {};

TEST_P(ExchangeModel, EveryBlockIsServedOnceAndComesHome) {
  settings.purge_ms = GetParam();
  fake_os::set_clock_ms(1'000'000);
  constexpr size_t threads = 4;
  constexpr size_t lives = 3;
  const size_t steps = test::is_slow_build() ? 3000 : 20'000;
  Exchange exchange(test::told_seed());
  std::vector<std::thread> all;
  for (size_t number = 0; number < threads; ++number) {
    all.emplace_back([&exchange, number, steps] {
      // A thread that ends leaves its heap to the next one, and its blocks with the others.
      for (size_t life = 0; life < lives; ++life) {
        run_attached([&] { exchange.work(lives * number + life, steps); });
      }
    });
  }
  for (std::thread& one : all) one.join();
  test::validate_heap();
  run_attached([&] { exchange.empty(); });
  run_attached(threads, [](size_t) { empty_bins(); });
  test::validate_heap();
  EXPECT_EQ(used_bytes(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Exchange, ExchangeModel, testing::Values(-1, 0, 100));

}  // namespace
}  // namespace bursar::test
