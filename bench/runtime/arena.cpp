// What does an object cost that is made in an arena and given back with it, beside heaps and other arenas?
//
// Each benchmark makes 1,000 nodes of 48 bytes (or of 24 to 64), writes all their fields, and gives them back. The time is for all;
// `ns` is for one node. Run with --benchmark_enable_random_interleaving=true --benchmark_repetitions=15; under another malloc by
// LD_PRELOAD: the rows named heap_ are then that malloc's.
#include "bursar/arena.h"

#include <benchmark/benchmark.h>
#include <dlfcn.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <memory_resource>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/runtime/rivals.h"
#include "bursar/arena_resource.h"

namespace {

constexpr int nodes = 1000;

struct Node {
  Node* left;
  Node* right;
  std::uint64_t kind;
  std::uint64_t begin;
  std::uint64_t end;
  std::uint64_t value;
};
static_assert(sizeof(Node) == 48);

void count_nodes(benchmark::State& state) {
  state.counters["ns"] = benchmark::Counter(static_cast<double>(state.iterations()) * nodes * 1e-9,
                                            benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

/// Makes the nodes by `make(left, number)` and has them looked at.
template <typename Make>
[[gnu::always_inline]] inline void make_all(Make make) {
  Node* last = nullptr;
  for (std::uint64_t number = 0; number < nodes; ++number) last = make(last, number);
  benchmark::DoNotOptimize(last);
  benchmark::ClobberMemory();
}

void floor_stores(benchmark::State& state) {
  std::vector<Node> place(nodes);
  for (auto _ : state) {
    Node* next = place.data();
    make_all([&](Node* left, std::uint64_t number) {
      return ::new (next++) Node{left, nullptr, number, number, number, number};
    });
  }
  count_nodes(state);
}
BENCHMARK(floor_stores);

void bursar_make(benchmark::State& state) {
  bursar::Arena arena;
  for (auto _ : state) {
    make_all([&](Node* left, std::uint64_t number) {
      return arena.make<Node>(left, nullptr, number, number, number, number);
    });
    arena.reset();
  }
  count_nodes(state);
}
BENCHMARK(bursar_make);

/// A cursor and an end, no count of anything.
class HandBump {
 public:
  HandBump() : memory_(nodes * sizeof(Node)), cursor_(memory_.data()), end_(cursor_ + memory_.size()) {}
  void* allocate(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - cursor_) < bytes) [[unlikely]]
      std::abort();
    return std::exchange(cursor_, cursor_ + bytes);
  }
  /// The same with a way out that may change the cursor, as every arena that grows has one.
  void* allocate_or_leave(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - cursor_) < bytes) [[unlikely]]
      return leave(bytes);
    return std::exchange(cursor_, cursor_ + bytes);
  }
  void reset() { cursor_ = memory_.data(); }

 private:
  [[gnu::noinline]] void* leave(std::size_t bytes) {
    reset();
    benchmark::DoNotOptimize(bytes);
    return cursor_;
  }

  std::vector<std::byte> memory_;
  std::byte* cursor_;
  std::byte* end_;
};
void hand_bump(benchmark::State& state) {
  HandBump bump;
  for (auto _ : state) {
    make_all([&](Node* left, std::uint64_t number) {
      return ::new (bump.allocate(sizeof(Node))) Node{left, nullptr, number, number, number, number};
    });
    bump.reset();
  }
  count_nodes(state);
}
BENCHMARK(hand_bump);

/// What counting costs is the difference to this one.
void hand_bump_that_leaves(benchmark::State& state) {
  HandBump bump;
  for (auto _ : state) {
    make_all([&](Node* left, std::uint64_t number) {
      return ::new (bump.allocate_or_leave(sizeof(Node))) Node{left, nullptr, number, number, number, number};
    });
    bump.reset();
  }
  count_nodes(state);
}
BENCHMARK(hand_bump_that_leaves);

void bursar_try_make(benchmark::State& state) {
  bursar::Arena arena;
  for (auto _ : state) {
    make_all([&](Node* left, std::uint64_t number) {
      return arena.try_make<Node>(left, nullptr, number, number, number, number);
    });
    arena.reset();
  }
  count_nodes(state);
}
BENCHMARK(bursar_try_make);

/// The same with a destructor, which looks at the node.
struct Destroyed : Node {
  Destroyed(Node* left_node, std::uint64_t number) noexcept
      : Node{left_node, nullptr, number, number, number, number} {}
  ~Destroyed() { benchmark::DoNotOptimize(kind); }
};

void bursar_make_with_destructor(benchmark::State& state) {
  bursar::Arena arena;
  for (auto _ : state) {
    make_all([&](Node* left, std::uint64_t number) -> Node* { return arena.make<Destroyed>(left, number); });
    arena.reset();
  }
  count_nodes(state);
}
BENCHMARK(bursar_make_with_destructor);

/// Two types in turn: each object takes a record.
struct DestroyedToo : Destroyed {
  using Destroyed::Destroyed;
  ~DestroyedToo() { benchmark::DoNotOptimize(value); }
};
void bursar_make_with_two_destructors(benchmark::State& state) {
  bursar::Arena arena;
  for (auto _ : state) {
    make_all([&](Node* left, std::uint64_t number) -> Node* {
      if (number % 2 == 0) return arena.make<Destroyed>(left, number);
      return arena.make<DestroyedToo>(left, number);
    });
    arena.reset();
  }
  count_nodes(state);
}
BENCHMARK(bursar_make_with_two_destructors);

/// One type, but other blocks between its objects: each takes a record here too.
void bursar_make_with_destructor_apart(benchmark::State& state) {
  bursar::Arena arena;
  for (auto _ : state) {
    make_all([&](Node* left, std::uint64_t number) -> Node* {
      benchmark::DoNotOptimize(arena.allocate(8));
      return arena.make<Destroyed>(left, number);
    });
    arena.reset();
  }
  count_nodes(state);
}
BENCHMARK(bursar_make_with_destructor_apart);

void floor_destructors(benchmark::State& state) {
  std::vector<Node> place(nodes);
  for (auto _ : state) {
    Node* next = place.data();
    make_all([&](Node* left, std::uint64_t number) -> Node* { return ::new (next++) Destroyed(left, number); });
    for (int index = nodes; index-- > 0;)
      std::destroy_at(static_cast<Destroyed*>(&place[static_cast<std::size_t>(index)]));
  }
  count_nodes(state);
}
BENCHMARK(floor_destructors);

void make_by_resource(benchmark::State& state, std::pmr::memory_resource* resource, auto reset) {
  for (auto _ : state) {
    // The compiler is not to see which resource it is.
    benchmark::DoNotOptimize(resource);
    make_all([&](Node* left, std::uint64_t number) {
      return ::new (resource->allocate(sizeof(Node), alignof(Node)))
          Node{left, nullptr, number, number, number, number};
    });
    reset();
  }
  count_nodes(state);
}

void bursar_by_memory_resource(benchmark::State& state) {
  bursar::Arena arena;
  bursar::ArenaResource resource(arena);
  make_by_resource(state, &resource, [&] { arena.reset(); });
}
BENCHMARK(bursar_by_memory_resource);

void std_monotonic_by_memory_resource(benchmark::State& state) {
  std::vector<std::byte> buffer(nodes * 80);
  std::pmr::monotonic_buffer_resource resource(buffer.data(), buffer.size());
  make_by_resource(state, &resource, [&] { resource.release(); });
}
BENCHMARK(std_monotonic_by_memory_resource);

void std_monotonic_visible(benchmark::State& state) {
  std::vector<std::byte> buffer(nodes * 80);
  std::pmr::monotonic_buffer_resource resource(buffer.data(), buffer.size());
  for (auto _ : state) {
    make_all([&](Node* left, std::uint64_t number) {
      return ::new (resource.allocate(sizeof(Node), alignof(Node))) Node{left, nullptr, number, number, number, number};
    });
    resource.release();
  }
  count_nodes(state);
}
BENCHMARK(std_monotonic_visible);

void heap_new_delete(benchmark::State& state) {
  std::vector<Node*> made(nodes);
  for (auto _ : state) {
    Node** next = made.data();
    make_all([&](Node* left, std::uint64_t number) {
      return *next++ = new Node{left, nullptr, number, number, number, number};
    });
    for (Node* node : made) delete node;
  }
  count_nodes(state);
}
BENCHMARK(heap_new_delete);

/// mimalloc's heaps of their own. Opened, not linked: its malloc does not become the process's.
struct Mimalloc {
  void* (*new_heap)() = nullptr;
  void* (*allocate)(void* heap, std::size_t bytes) = nullptr;
  void (*destroy_heap)(void* heap) = nullptr;

  Mimalloc() {
    void* library = dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) return;
    new_heap = reinterpret_cast<void* (*)()>(dlsym(library, "mi_heap_new"));
    allocate = reinterpret_cast<void* (*)(void*, std::size_t)>(dlsym(library, "mi_heap_malloc"));
    destroy_heap = reinterpret_cast<void (*)(void*)>(dlsym(library, "mi_heap_destroy"));
  }
  [[nodiscard]] bool is_there() const { return new_heap != nullptr && allocate != nullptr && destroy_heap != nullptr; }
};

/// A heap that is dropped whole.
void mimalloc_dropped_whole(benchmark::State& state) {
  static const Mimalloc mimalloc;
  if (!mimalloc.is_there()) return state.SkipWithError("no libmimalloc.so.2");
  for (auto _ : state) {
    void* heap = mimalloc.new_heap();
    make_all([&](Node* left, std::uint64_t number) {
      return ::new (mimalloc.allocate(heap, sizeof(Node))) Node{left, nullptr, number, number, number, number};
    });
    mimalloc.destroy_heap(heap);
  }
  count_nodes(state);
}
BENCHMARK(mimalloc_dropped_whole);

#ifdef BURSAR_HAS_LLVM
void llvm_bump_ptr(benchmark::State& state) {
  llvm::BumpPtrAllocatorImpl<llvm::MallocAllocator, 65536> allocator;
  for (auto _ : state) {
    make_all([&](Node* left, std::uint64_t number) {
      return ::new (allocator.Allocate<Node>()) Node{left, nullptr, number, number, number, number};
    });
    allocator.Reset();
  }
  count_nodes(state);
}
BENCHMARK(llvm_bump_ptr);
#endif

#ifdef BURSAR_HAS_BOOST
void boost_object_pool(benchmark::State& state) {
  for (auto _ : state) {
    boost::object_pool<Node> pool(1024);
    make_all([&](Node* left, std::uint64_t number) {
      return ::new (pool.malloc()) Node{left, nullptr, number, number, number, number};
    });
  }
  count_nodes(state);
}
BENCHMARK(boost_object_pool);
#endif

/// 24 to 64 bytes, by a table.
constexpr std::array<std::size_t, 16> sizes = {24, 32, 48, 40, 64, 24, 56, 32, 48, 24, 40, 32, 64, 48, 24, 32};

void write_mixed(void* place, std::size_t bytes, std::uint64_t number) {
  auto* words = static_cast<std::uint64_t*>(place);
  words[0] = number;
  words[1] = number;
  words[bytes / 8 - 1] = number;
}

void mixed(benchmark::State& state, auto allocate, auto reset) {
  for (auto _ : state) {
    for (std::uint64_t number = 0; number < nodes; ++number) {
      const std::size_t bytes = sizes[number % sizes.size()];
      write_mixed(allocate(bytes), bytes, number);
    }
    benchmark::ClobberMemory();
    reset();
  }
  count_nodes(state);
}

void floor_mixed(benchmark::State& state) {
  std::vector<std::uint64_t> place(nodes * 8);
  std::uint64_t* next = place.data();
  mixed(
      state,
      [&](std::size_t bytes) {
        std::uint64_t* here = next;
        next += bytes / 8;
        return static_cast<void*>(here);
      },
      [&] { next = place.data(); });
}
BENCHMARK(floor_mixed);

void bursar_mixed(benchmark::State& state) {
  bursar::Arena arena;
  mixed(
      state, [&](std::size_t bytes) { return arena.allocate(bytes); }, [&] { arena.reset(); });
}
BENCHMARK(bursar_mixed);

void std_monotonic_mixed(benchmark::State& state) {
  std::vector<std::byte> buffer(nodes * 80);
  std::pmr::monotonic_buffer_resource resource(buffer.data(), buffer.size());
  mixed(
      state, [&](std::size_t bytes) { return resource.allocate(bytes, 8); }, [&] { resource.release(); });
}
BENCHMARK(std_monotonic_mixed);

/// The ancestor's "batch allocation": 1,000 nodes at once.
void batch_allocation(benchmark::State& state) {
  bursar::Arena arena;
  for (auto _ : state) {
    for (Node& node : arena.make_span_for_overwrite<Node>(nodes)) node = Node{nullptr, nullptr, 1, 2, 3, 4};
    benchmark::ClobberMemory();
    arena.reset();
  }
  count_nodes(state);
}
BENCHMARK(batch_allocation);

void batch_allocation_heap(benchmark::State& state) {
  for (auto _ : state) {
    std::vector<Node> made(nodes);
    for (Node& node : made) node = Node{nullptr, nullptr, 1, 2, 3, 4};
    benchmark::DoNotOptimize(made.data());
    benchmark::ClobberMemory();
  }
  count_nodes(state);
}
BENCHMARK(batch_allocation_heap);

/// The ancestor's "scaling": 100, 1,000 and 10,000 items, each a node with a name of 20 characters.
constexpr std::string_view item_name = "an item's name: 20 c";

struct ArenaItem {
  std::string_view name;
  ArenaItem* before;
};
void scaling(benchmark::State& state) {
  bursar::Arena arena;
  for (auto _ : state) {
    ArenaItem* last = nullptr;
    for (std::int64_t number = 0; number < state.range(0); ++number)
      last = arena.make<ArenaItem>(arena.copy(item_name), last);
    benchmark::DoNotOptimize(last);
    arena.reset();
  }
  state.counters["ns"] = benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)) * 1e-9,
                                            benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(scaling)->Arg(100)->Arg(1000)->Arg(10'000);

struct HeapItem {
  std::string name;
  std::unique_ptr<HeapItem> before;
};
void scaling_heap(benchmark::State& state) {
  for (auto _ : state) {
    std::unique_ptr<HeapItem> last;
    for (std::int64_t number = 0; number < state.range(0); ++number) {
      last = std::make_unique<HeapItem>(HeapItem{std::string(item_name), std::move(last)});
    }
    benchmark::DoNotOptimize(last.get());
    while (last != nullptr) last = std::move(last->before);
  }
  state.counters["ns"] = benchmark::Counter(static_cast<double>(state.iterations() * state.range(0)) * 1e-9,
                                            benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(scaling_heap)->Arg(100)->Arg(1000)->Arg(10'000);

/// The ancestor's "arena versus heap": 1,000 strings of 32 bytes.
void arena_versus_heap(benchmark::State& state) {
  bursar::Arena arena;
  const std::string_view text = "a text of exactly thirty-two b..";
  for (auto _ : state) {
    for (int number = 0; number < nodes; ++number) benchmark::DoNotOptimize(arena.copy(text).data());
    arena.reset();
  }
  count_nodes(state);
}
BENCHMARK(arena_versus_heap);

void arena_versus_heap_std_string(benchmark::State& state) {
  const std::string_view text = "a text of exactly thirty-two b..";
  std::vector<std::string> made;
  made.reserve(nodes);
  for (auto _ : state) {
    for (int number = 0; number < nodes; ++number) made.emplace_back(text);
    benchmark::ClobberMemory();
    made.clear();
  }
  count_nodes(state);
}
BENCHMARK(arena_versus_heap_std_string);

}  // namespace

BENCHMARK_MAIN();
