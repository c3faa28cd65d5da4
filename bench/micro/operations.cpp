// What does a single operation cost, of the malloc that is preloaded?
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "bursar/bursar.h"

namespace {

constexpr int64_t kib = 1024;
constexpr int64_t mib = 1024 * kib;

size_t bytes_of(const benchmark::State& state) { return static_cast<size_t>(state.range(0)); }

/// As programs do: a block is written to, which also brings its first page in.
void use(void* block) {
  *static_cast<volatile char*>(block) = 1;
  benchmark::DoNotOptimize(block);
}

void malloc_free(benchmark::State& state) {
  const size_t bytes = bytes_of(state);
  for (auto _ : state) {
    void* block = std::malloc(bytes);
    use(block);
    std::free(block);
  }
}
BENCHMARK(malloc_free)->Arg(16)->Arg(64)->Arg(256)->Arg(kib)->Arg(4 * kib)->Arg(32 * kib)->Arg(256 * kib)->Arg(4 * mib);

void calloc_free(benchmark::State& state) {
  const size_t bytes = bytes_of(state);
  for (auto _ : state) {
    void* block = std::calloc(1, bytes);
    use(block);
    std::free(block);
  }
}
BENCHMARK(calloc_free)->Arg(64)->Arg(kib)->Arg(32 * kib)->Arg(256 * kib);

/// A step up by half and the step back down.
void realloc_step(benchmark::State& state) {
  const size_t bytes = bytes_of(state);
  void* block = std::malloc(bytes);
  for (auto _ : state) {
    block = std::realloc(block, bytes + bytes / 2);
    use(block);
    block = std::realloc(block, bytes);
    use(block);
  }
  std::free(block);
}
BENCHMARK(realloc_step)->Arg(64)->Arg(kib)->Arg(32 * kib)->Arg(mib);

/// The argument is the alignment, and the size.
void aligned_alloc_free(benchmark::State& state) {
  const size_t bytes = bytes_of(state);
  for (auto _ : state) {
    void* block = std::aligned_alloc(bytes, bytes);
    use(block);
    std::free(block);
  }
}
BENCHMARK(aligned_alloc_free)->Arg(32)->Arg(64)->Arg(256)->Arg(4 * kib);

void new_delete(benchmark::State& state) {
  const size_t bytes = bytes_of(state);
  for (auto _ : state) {
    void* block = ::operator new(bytes);
    use(block);
    ::operator delete(block);
  }
}
BENCHMARK(new_delete)->Arg(16)->Arg(64)->Arg(kib);

void new_sized_delete(benchmark::State& state) {
  const size_t bytes = bytes_of(state);
  for (auto _ : state) {
    void* block = ::operator new(bytes);
    use(block);
    ::operator delete(block, bytes);
  }
}
BENCHMARK(new_sized_delete)->Arg(16)->Arg(64)->Arg(kib);

void usable_size(benchmark::State& state) {
  void* block = std::malloc(bytes_of(state));
  for (auto _ : state) benchmark::DoNotOptimize(malloc_usable_size(block));
  std::free(block);
}
BENCHMARK(usable_size)->Arg(64)->Arg(256 * kib);

/// The oldest of 64 live blocks gives way to a new one.
void replace_one_of_64(benchmark::State& state) {
  const size_t bytes = bytes_of(state);
  std::array<void*, 64> live{};
  size_t oldest = 0;
  for (auto _ : state) {
    void*& block = live[oldest++ % live.size()];
    std::free(block);
    block = std::malloc(bytes);
    use(block);
  }
  for (void* block : live) std::free(block);
}
BENCHMARK(replace_one_of_64)->Arg(16)->Arg(64)->Arg(kib);

/// A thread that fills the batch whenever it is asked to.
class Allocating {
 public:
  explicit Allocating(size_t bytes) : bytes_(bytes), thread_([this] { run(); }) {}

  ~Allocating() {
    hand_over(Turn::end);
    thread_.join();
  }

  Allocating(const Allocating&) = delete;
  Allocating& operator=(const Allocating&) = delete;

  const std::vector<void*>& fill() {
    hand_over(Turn::allocate);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return turn_ == Turn::free; });
    return batch_;
  }

  static constexpr size_t batch_blocks = 4096;

 private:
  enum class Turn { allocate, free, end };

  void hand_over(Turn turn) {
    const std::lock_guard lock(mutex_);
    turn_ = turn;
    changed_.notify_all();
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (turn_ != Turn::end) {
      if (turn_ == Turn::allocate) {
        for (void*& block : batch_) use(block = std::malloc(bytes_));
        turn_ = Turn::free;
        changed_.notify_all();
      }
      changed_.wait(lock, [this] { return turn_ != Turn::free; });
    }
  }

  size_t bytes_;
  std::vector<void*> batch_ = std::vector<void*>(batch_blocks);
  Turn turn_ = Turn::free;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread thread_;  // last: it starts when all the rest is there
};

/// One free of a block that another thread allocated; what the other thread then has to do is not counted.
void remote_free(benchmark::State& state) {
  Allocating other(bytes_of(state));
  while (state.KeepRunningBatch(Allocating::batch_blocks)) {
    state.PauseTiming();
    const std::vector<void*>& batch = other.fill();
    state.ResumeTiming();
    for (void* block : batch) std::free(block);
  }
}
BENCHMARK(remote_free)->Arg(16)->Arg(64)->Arg(kib);

/// One malloc and one free on the other side, of blocks that come back from a thread that did not allocate them.
void remote_round_trip(benchmark::State& state) {
  Allocating other(bytes_of(state));
  while (state.KeepRunningBatch(Allocating::batch_blocks)) {
    for (void* block : other.fill()) std::free(block);
  }
}
BENCHMARK(remote_round_trip)->Arg(64)->UseRealTime();

/// Threads that have allocated and wait.
class Waiting {
 public:
  explicit Waiting(size_t count) {
    while (threads_.size() < count) {
      threads_.emplace_back([this] {
        void* block = std::malloc(64);
        use(block);
        std::unique_lock lock(mutex_);
        ++ready_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return is_over_; });
        std::free(block);
      });
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready_ == count; });
  }

  ~Waiting() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
      changed_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
  }

  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t ready_ = 0;
  bool is_over_ = false;
  std::vector<std::thread> threads_;
};

/// One snapshot of the process's figures beside so many other threads. Without bursar, or without an account, it says so.
void metrics_read(benchmark::State& state) {
  if (bursar_metrics_read == nullptr) return state.SkipWithError("bursar is not the malloc");
  const Waiting others(static_cast<size_t>(state.range(0)));
  bursar_metrics metrics{};
  for (auto _ : state) benchmark::DoNotOptimize(bursar_metrics_read(&metrics, sizeof metrics));
  state.SetLabel(metrics.is_counting != 0 ? "counted" : "not counted");
}
BENCHMARK(metrics_read)->Arg(0)->Arg(7)->Arg(31)->Arg(127);

/// What the runtime pays for telling a figure.
void metrics_count(benchmark::State& state) {
  if (bursar_metrics_count == nullptr) return state.SkipWithError("bursar is not the malloc");
  for (auto _ : state) bursar_metrics_count(BURSAR_CACHE_HITS, 1);
}
BENCHMARK(metrics_count);

}  // namespace

BENCHMARK_MAIN();
