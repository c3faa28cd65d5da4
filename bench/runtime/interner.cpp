// What does it cost to intern the identifiers of a program's sources: to build the set, to find in it, to resolve, and how many bytes does
// it take?
#include "bursar/frozen_interner.h"

#include <absl/container/flat_hash_set.h>
#include <benchmark/benchmark.h>
#include <glib.h>
#include <malloc.h>

#include <boost/flyweight.hpp>
#include <boost/flyweight/no_tracking.hpp>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <unordered_set>

#ifdef BURSAR_HAS_LLVM
#include <llvm/ADT/StringMap.h>
#include <llvm/Support/Allocator.h>
#endif

#include "bench/runtime/corpus.h"

namespace {

struct Tokens {
  std::vector<std::string> texts;
  std::vector<std::string_view> words;
  std::size_t unique = 0;
  std::size_t unique_bytes = 0;
};

constexpr std::size_t words_max = 3'000'000;

const Tokens& tokens() {
  static const Tokens all = [] {
    Tokens result;
    result.texts = bursar::bench::read_corpus(std::size_t{256} << 20);
    result.words.reserve(words_max);
    for (const std::string& text : result.texts) {
      bursar::bench::for_each_identifier(text, [&](std::string_view word) {
        if (result.words.size() < words_max) result.words.push_back(word);
      });
    }
    const std::unordered_set<std::string_view> unique(result.words.begin(), result.words.end());
    result.unique = unique.size();
    for (const std::string_view word : unique) result.unique_bytes += word.size();
    return result;
  }();
  return all;
}

// ---- the contenders: intern(word) gives a handle ----------------------------------------------------------------------

struct Ours {
  bursar::Interner interner{bursar::InternerOptions{.shards = 16, .seed = {}}};
  bursar::Symbol intern(std::string_view word) { return interner.try_intern(word).symbol; }
};

/// The same with one shard: a set for one thread.
struct OursOneShard {
  bursar::Interner interner;
  bursar::Symbol intern(std::string_view word) { return interner.try_intern(word).symbol; }
};

struct UnorderedSet {
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view word) const { return std::hash<std::string_view>{}(word); }
  };
  std::mutex mutex;
  std::unordered_set<std::string, Hash, std::equal_to<>> set;
  const std::string* intern(std::string_view word) {
    const std::lock_guard lock(mutex);
    const auto found = set.find(word);
    return found != set.end() ? &*found : &*set.emplace(word).first;
  }
};

struct AbslSet {
  std::mutex mutex;
  std::pmr::monotonic_buffer_resource memory;
  absl::flat_hash_set<std::string_view> set;
  const char* intern(std::string_view word) {
    const std::lock_guard lock(mutex);
    const auto found = set.find(word);
    if (found != set.end()) return found->data();
    auto* text = static_cast<char*>(memory.allocate(word.size(), 1));
    std::copy(word.begin(), word.end(), text);
    return set.emplace(text, word.size()).first->data();
  }
};

struct Flyweight {
  // no_tracking is the faster of Boost's; its set belongs to the process, so only the first round builds it.
  using Word = boost::flyweight<std::string, boost::flyweights::no_tracking>;
  Word intern(std::string_view word) { return Word(std::string(word)); }
};

struct Glib {
  std::string terminated;
  const char* intern(std::string_view word) {
    terminated = word;  // g_intern_string wants a NUL
    return g_intern_string(terminated.c_str());
  }
};

#ifdef BURSAR_HAS_LLVM
struct LlvmMap {
  std::mutex mutex;
  llvm::StringMap<std::uint32_t, llvm::BumpPtrAllocator> map;
  std::uint32_t intern(std::string_view word) {
    const std::lock_guard lock(mutex);
    return map.try_emplace(llvm::StringRef(word.data(), word.size()), map.size()).first->second;
  }
};
#endif

template <typename Set>
void intern_all(Set& set) {
  for (const std::string_view word : tokens().words) benchmark::DoNotOptimize(set.intern(word));
}

void say_per_token(benchmark::State& state) {
  state.counters["ns/token"] =
      benchmark::Counter(static_cast<double>(tokens().words.size()) * 1e-9,
                         benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

template <typename Set>
void build(benchmark::State& state) {
  static_cast<void>(tokens());
  for (auto round : state) {
    Set set;
    intern_all(set);
  }
  say_per_token(state);
}

template <typename Set>
Set& filled() {
  static Set* set = [] {
    auto* made = new Set;
    intern_all(*made);
    return made;
  }();
  return *set;
}

template <typename Set>
void hit(benchmark::State& state) {
  Set& set = filled<Set>();
  for (auto round : state) intern_all(set);
  say_per_token(state);
}

void resolve(benchmark::State& state) {
  Ours& ours = filled<Ours>();
  std::vector<bursar::Symbol> symbols;
  for (const std::string_view word : tokens().words) symbols.push_back(ours.intern(word));
  for (auto round : state) {
    for (const bursar::Symbol symbol : symbols) benchmark::DoNotOptimize(ours.interner.view(symbol).size());
  }
  say_per_token(state);
}

const bursar::FrozenInterner& frozen() {
  static const bursar::FrozenInterner image = bursar::FrozenInterner::freeze(filled<Ours>().interner).interner;
  return image;
}

void frozen_find(benchmark::State& state) {
  const bursar::FrozenInterner& image = frozen();
  for (auto round : state) {
    for (const std::string_view word : tokens().words) benchmark::DoNotOptimize(image.find(word));
  }
  say_per_token(state);
  const auto unique = static_cast<double>(tokens().unique);
  const auto text_bytes = static_cast<double>(tokens().unique_bytes);
  state.counters["over text B/unique"] = (static_cast<double>(image.image().size()) - text_bytes) / unique;
}

void frozen_resolve(benchmark::State& state) {
  const bursar::FrozenInterner& image = frozen();
  std::vector<bursar::Symbol> symbols;
  for (const std::string_view word : tokens().words) symbols.push_back(image.find(word).value());
  for (auto round : state) {
    for (const bursar::Symbol symbol : symbols) benchmark::DoNotOptimize(image.view(symbol).size());
  }
  say_per_token(state);
}

std::size_t heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

template <typename Set>
void memory(benchmark::State& state) {
  const Tokens& all = tokens();
  double bytes = 0;
  for (auto round : state) {
    const std::size_t before = heap_bytes();
    auto set = std::make_unique<Set>();
    intern_all(*set);
    if constexpr (requires { set->interner; }) {
      const bursar::InternerStats stats = set->interner.stats();
      bytes = static_cast<double>(stats.block_bytes + stats.table_bytes);
    } else {
      bytes = static_cast<double>(heap_bytes() - before);
    }
  }
  std::size_t string_bytes = 0;  // one std::string for every token
  for (const std::string_view word : all.words)
    string_bytes += sizeof(std::string) + (word.size() > 15 ? word.size() + 1 : 0);
  using Handle = decltype(std::declval<Set&>().intern(""));
  const double with_handles = bytes + static_cast<double>(all.words.size() * sizeof(Handle));
  state.counters["unique"] = static_cast<double>(all.unique);
  state.counters["text B/unique"] = static_cast<double>(all.unique_bytes) / static_cast<double>(all.unique);
  state.counters["over text B/unique"] =
      (bytes - static_cast<double>(all.unique_bytes)) / static_cast<double>(all.unique);
  state.counters["saved %"] = 100 * (1 - with_handles / static_cast<double>(string_bytes));
}

}  // namespace

// The ancestor's "interning". Two threads share a table: for them real time counts, and CPU time stands beside it.
#define BURSAR_BENCH_HIT(Set)                                                      \
  BENCHMARK(hit<Set>)->Name("interning/hit/" #Set)->Unit(benchmark::kMillisecond); \
  BENCHMARK(hit<Set>)->Name("interning/hit_by_two/" #Set)->Unit(benchmark::kMillisecond)->UseRealTime()->Threads(2)
#define BURSAR_BENCH_SET(Set)                                                          \
  BENCHMARK(build<Set>)->Name("interning/build/" #Set)->Unit(benchmark::kMillisecond); \
  BURSAR_BENCH_HIT(Set)

BURSAR_BENCH_SET(Ours);
BURSAR_BENCH_SET(OursOneShard);
BURSAR_BENCH_SET(UnorderedSet);
BURSAR_BENCH_SET(AbslSet);
#ifdef BURSAR_HAS_LLVM
BURSAR_BENCH_SET(LlvmMap);
#endif
BURSAR_BENCH_HIT(Flyweight);
BENCHMARK(hit<Glib>)->Name("interning/hit/Glib")->Unit(benchmark::kMillisecond);
BENCHMARK(resolve)->Name("interning/resolve/Ours")->Unit(benchmark::kMillisecond);
BENCHMARK(frozen_find)->Name("interning/hit/Frozen")->Unit(benchmark::kMillisecond);
BENCHMARK(frozen_resolve)->Name("interning/resolve/Frozen")->Unit(benchmark::kMillisecond);
BENCHMARK(memory<Ours>)->Name("interning/memory/Ours")->Iterations(1);
BENCHMARK(memory<UnorderedSet>)->Name("interning/memory/UnorderedSet")->Iterations(1);
BENCHMARK(memory<AbslSet>)->Name("interning/memory/AbslSet")->Iterations(1);
#ifdef BURSAR_HAS_LLVM
BENCHMARK(memory<LlvmMap>)->Name("interning/memory/LlvmMap")->Iterations(1);
#endif
BENCHMARK_MAIN();
