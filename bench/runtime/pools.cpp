// What does it cost to acquire an object and release it, from a pool, a heap and their rivals; and to lend an arena for a task?
//
// Objects of 64 bytes. `ns` is for one acquire, construction and release. Under another malloc by LD_PRELOAD: heap_ is then that malloc.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "bench/runtime/rivals.h"
#include "bursar/arena_pool.h"
#include "bursar/object_pool.h"
#include "bursar/shared_arena.h"

namespace {

struct Object {
  explicit Object(std::uint64_t number) noexcept
      : words{number, number, number, number, number, number, number, number} {}
  std::array<std::uint64_t, 8> words;
};
static_assert(sizeof(Object) == 64);

void count_operations(benchmark::State& state, std::int64_t each) {
  state.counters["ns"] = benchmark::Counter(static_cast<double>(state.iterations() * each) * 1e-9,
                                            benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

/// Which of the live objects is replaced next: in turn, or shuffled.
std::vector<std::uint32_t> order_of(std::int64_t live, std::int64_t is_shuffled) {
  std::vector<std::uint32_t> order(static_cast<std::size_t>(live));
  std::iota(order.begin(), order.end(), 0U);
  if (is_shuffled != 0) std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
  return order;
}

/// Replaces all live objects, one by one.
template <typename Handle, typename Acquire>
void replace_all(benchmark::State& state, Acquire acquire) {
  std::vector<Handle> live;
  for (std::int64_t number = 0; number < state.range(0); ++number) live.push_back(acquire(1));
  const auto order = order_of(state.range(0), state.range(1));
  for (auto _ : state) {
    for (const std::uint32_t index : order) {
      live[index] = Handle();
      live[index] = acquire(index);
    }
    benchmark::ClobberMemory();
  }
  count_operations(state, state.range(0));
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->Args({32, 0})->Args({1000, 0})->Args({1000, 1})->Args({20'000, 1});
}

/// The ancestor's "object pool".
void bursar_pool(benchmark::State& state) {
  bursar::ObjectPool<Object> pool;
  replace_all<bursar::PooledObject<Object>>(state, [&](std::uint64_t number) { return pool.acquire(number); });
}
BENCHMARK(bursar_pool)->Apply(shapes);

void heap_unique_ptr(benchmark::State& state) {
  replace_all<std::unique_ptr<Object>>(state, [](std::uint64_t number) { return std::make_unique<Object>(number); });
}
BENCHMARK(heap_unique_ptr)->Apply(shapes);

/// A handle for pools that have none: the pool and the object.
template <typename Pool>
struct Freed {
  Freed() = default;
  Freed(Pool& owner, Object* made) : pool(&owner), object(made) {}
  Freed(Freed&& other) noexcept : pool(other.pool), object(std::exchange(other.object, nullptr)) {}
  Freed& operator=(Freed&& other) noexcept {
    std::swap(pool, other.pool);
    std::swap(object, other.object);
    return *this;
  }
  ~Freed() {
    if (object != nullptr) pool->free(object);
  }
  Pool* pool = nullptr;
  Object* object = nullptr;
};

#ifdef BURSAR_HAS_BOOST
void boost_pool(benchmark::State& state) {
  boost::pool<> pool(sizeof(Object));
  replace_all<Freed<boost::pool<>>>(
      state, [&](std::uint64_t number) { return Freed<boost::pool<>>(pool, ::new (pool.malloc()) Object(number)); });
}
BENCHMARK(boost_pool)->Apply(shapes);

void boost_object_pool(benchmark::State& state) {
  boost::object_pool<Object> pool;
  replace_all<Freed<boost::object_pool<Object>>>(state, [&](std::uint64_t number) {
    return Freed<boost::object_pool<Object>>(pool, ::new (pool.malloc()) Object(number));
  });
}
BENCHMARK(boost_object_pool)->Args({32, 0})->Args({1000, 0});
#endif

#ifdef BURSAR_HAS_GLIB
struct Slices {
  static void free(Object* object) { g_slice_free1(sizeof(Object), object); }
};
void glib_slice(benchmark::State& state) {
  Slices slices;
  replace_all<Freed<Slices>>(state, [&](std::uint64_t number) {
    return Freed<Slices>(slices, ::new (g_slice_alloc(sizeof(Object))) Object(number));
  });
}
BENCHMARK(glib_slice)->Apply(shapes);
#endif

struct Resource {
  std::pmr::memory_resource* resource;
  void free(Object* object) const { resource->deallocate(object, sizeof(Object), alignof(Object)); }
};
void std_unsynchronized_pool(benchmark::State& state) {
  std::pmr::unsynchronized_pool_resource pool;
  Resource resource{&pool};
  replace_all<Freed<Resource>>(state, [&](std::uint64_t number) {
    return Freed<Resource>(resource, ::new (pool.allocate(sizeof(Object), alignof(Object))) Object(number));
  });
}
BENCHMARK(std_unsynchronized_pool)->Apply(shapes);

/// One thread acquires, another releases: batches of 1,000 are handed over. The time is the releasing thread's.
template <typename Acquire>
void release_on_another_thread(benchmark::State& state, Acquire acquire) {
  constexpr int batch = 1000;
  std::vector<decltype(acquire())> objects;
  for (auto _ : state) {
    for (int number = 0; number < batch; ++number) objects.push_back(acquire());
    double seconds = 0;
    std::thread([&] {
      const auto begin = std::chrono::steady_clock::now();
      objects.clear();
      seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }).join();
    state.SetIterationTime(seconds);
  }
  count_operations(state, batch);
}

void bursar_release_on_another_thread(benchmark::State& state) {
  bursar::ObjectPool<Object> pool;
  release_on_another_thread(state, [&pool] { return pool.acquire(1U); });
}
BENCHMARK(bursar_release_on_another_thread)->UseManualTime();

void heap_release_on_another_thread(benchmark::State& state) {
  release_on_another_thread(state, [] { return std::make_unique<Object>(1U); });
}
BENCHMARK(heap_release_on_another_thread)->UseManualTime();

/// The ancestor's "arena pool": a task of 75 allocations of 48 bytes.
constexpr int task_allocations = 75;

void write_node(void* place, std::uint64_t number) {
  auto* words = static_cast<std::uint64_t*>(place);
  for (int index = 0; index < 6; ++index) words[index] = number;
}

void arena_pool_task(benchmark::State& state) {
  bursar::ArenaPool pool;
  for (auto _ : state) {
    const bursar::PooledArena arena = pool.checkout();
    for (std::uint64_t number = 0; number < task_allocations; ++number) write_node(arena->allocate(48), number);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(arena_pool_task);

void arena_pool_task_heap(benchmark::State& state) {
  std::array<void*, task_allocations> blocks{};
  for (auto _ : state) {
    for (std::uint64_t number = 0; number < task_allocations; ++number)
      write_node(blocks[number] = ::operator new(48), number);
    benchmark::ClobberMemory();
    for (void* block : blocks) ::operator delete(block);
  }
}
BENCHMARK(arena_pool_task_heap);

void arena_pool_task_std_monotonic(benchmark::State& state) {
  for (auto _ : state) {
    std::pmr::monotonic_buffer_resource resource(16 * 1024);
    for (std::uint64_t number = 0; number < task_allocations; ++number) write_node(resource.allocate(48, 8), number);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(arena_pool_task_std_monotonic);

/// Threads that allocate in one arena: 1,000 nodes a round, then nothing is given back but by the end. `ns` is each thread's.
bursar::SharedArena* shared = nullptr;
void shared_arena(benchmark::State& state) {
  if (state.thread_index() == 0) shared = new bursar::SharedArena;
  for (auto _ : state) {
    bursar::Arena& arena = shared->local();
    const auto scope = arena.scope();
    for (std::uint64_t number = 0; number < 1000; ++number) write_node(shared->allocate(48), number);
    benchmark::ClobberMemory();
  }
  // One thread's rate: the counter is a mean over the threads.
  state.counters["ns"] = benchmark::Counter(static_cast<double>(state.iterations()) * 1000e-9,
                                            benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  if (state.thread_index() == 0) delete shared;
}
BENCHMARK(shared_arena)->Threads(1)->Threads(2);

}  // namespace

BENCHMARK_MAIN();
