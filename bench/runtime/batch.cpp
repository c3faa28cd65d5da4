// What does a loop over one member of a million records cost, in columns and in an array of structs, and of 10,000 that the caches hold; and what an
// append?
//
// `ns` is for one record. Rivals: a vector of structs, raw aligned arrays with a plain loop (what a batch's column is to come up to), and for
// the append a vector of structs. reduce:: takes AVX2 where the machine has it (the label says what it took).
#include "bursar/batch.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include "bursar/aligned_buffer.h"

namespace {

constexpr std::size_t records = 1'000'000;
constexpr std::size_t cached_records = 10'000;

struct Wide {  // 64 bytes, one member hot
  std::int64_t hot, b, c, d, e, f, g, h;
};
static_assert(sizeof(Wide) == 64);
using WideBatch = bursar::Batch<&Wide::hot, &Wide::b, &Wide::c, &Wide::d, &Wide::e, &Wide::f, &Wide::g, &Wide::h>;

struct Narrow {  // 32 bytes
  std::int32_t hot, b, c, d, e, f, g, h;
};
using NarrowBatch =
    bursar::Batch<&Narrow::hot, &Narrow::b, &Narrow::c, &Narrow::d, &Narrow::e, &Narrow::f, &Narrow::g, &Narrow::h>;

struct Mixed {  // 56 bytes
  float hot;
  double b;
  std::int64_t c, d, e;
  std::int32_t f, g;
  std::int16_t h;
};
using MixedBatch =
    bursar::Batch<&Mixed::hot, &Mixed::b, &Mixed::c, &Mixed::d, &Mixed::e, &Mixed::f, &Mixed::g, &Mixed::h>;

template <typename Record>
Record record_of(std::size_t index) {
  Record record{};
  record.hot = static_cast<decltype(record.hot)>(index % 1000);
  return record;
}

void count_records(benchmark::State& state, std::size_t each) {
  state.counters["ns"] = benchmark::Counter(static_cast<double>(state.iterations()) * static_cast<double>(each) * 1e-9,
                                            benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetLabel(bursar::reduce::instructions());
}

template <typename Record, std::size_t count = records>
const std::vector<Record>& structs() {
  static const std::vector<Record> made = [] {
    std::vector<Record> all;
    for (std::size_t index = 0; index < count; ++index) all.push_back(record_of<Record>(index));
    return all;
  }();
  return made;
}

template <typename Batch, std::size_t count = records>
Batch& columns() {
  static Batch made = [] {
    Batch all;
    for (std::size_t index = 0; index < count; ++index) all.push_back(record_of<typename Batch::Record>(index));
    return all;
  }();
  return made;
}

/// The ancestor's "array of structures versus structure of arrays".
template <typename Record, typename Sum, std::size_t count = records>
void structs_sum(benchmark::State& state) {
  const auto& all = structs<Record, count>();
  for (auto _ : state) {
    Sum sum = 0;
    for (const Record& record : all) sum += record.hot;
    benchmark::DoNotOptimize(sum);
  }
  count_records(state, count);
}
BENCHMARK(structs_sum<Wide, std::int64_t>)->Name("aos_versus_soa/sum/aos_int64");
BENCHMARK(structs_sum<Narrow, std::int64_t>)->Name("aos_versus_soa/sum/aos_int32");
BENCHMARK(structs_sum<Mixed, float>)->Name("aos_versus_soa/sum/aos_float");
BENCHMARK(structs_sum<Wide, std::int64_t, cached_records>)->Name("aos_versus_soa/sum/cached_aos_int64");
BENCHMARK(structs_sum<Mixed, float, cached_records>)->Name("aos_versus_soa/sum/cached_aos_float");

template <typename Batch, auto member, std::size_t count = records>
void batch_sum(benchmark::State& state) {
  const Batch& all = columns<Batch, count>();
  for (auto _ : state) benchmark::DoNotOptimize(all.template sum<member>());
  count_records(state, count);
}
BENCHMARK(batch_sum<WideBatch, &Wide::hot>)->Name("aos_versus_soa/sum/bursar_int64");
BENCHMARK(batch_sum<NarrowBatch, &Narrow::hot>)->Name("aos_versus_soa/sum/bursar_int32");
BENCHMARK(batch_sum<MixedBatch, &Mixed::hot>)->Name("aos_versus_soa/sum/bursar_float");
BENCHMARK(batch_sum<WideBatch, &Wide::hot, cached_records>)->Name("aos_versus_soa/sum/cached_bursar_int64");
BENCHMARK(batch_sum<MixedBatch, &Mixed::hot, cached_records>)->Name("aos_versus_soa/sum/cached_bursar_float");

/// The loop as everybody writes it, on an aligned array: the compiler's vectors, one accumulator for floats.
template <typename T, typename Sum, std::size_t count = records>
void raw_sum(benchmark::State& state) {
  bursar::AlignedBuffer<T> all(count);
  for (std::size_t index = 0; index < count; ++index) all[index] = static_cast<T>(index % 1000);
  for (auto _ : state) {
    Sum sum = 0;
    const T* first = all.data();
    for (std::size_t index = 0; index < count; ++index) sum += first[index];
    benchmark::DoNotOptimize(sum);
  }
  count_records(state, count);
}
BENCHMARK(raw_sum<std::int64_t, std::int64_t>)->Name("aos_versus_soa/sum/raw_int64");
BENCHMARK(raw_sum<std::int32_t, std::int64_t>)->Name("aos_versus_soa/sum/raw_int32");
BENCHMARK(raw_sum<float, float>)->Name("aos_versus_soa/sum/raw_float");
BENCHMARK(raw_sum<std::int64_t, std::int64_t, cached_records>)->Name("aos_versus_soa/sum/cached_raw_int64");
BENCHMARK(raw_sum<float, float, cached_records>)->Name("aos_versus_soa/sum/cached_raw_float");

/// The same loop on a batch's column.
void column_loop(benchmark::State& state) {
  const auto& all = columns<WideBatch>();
  for (auto _ : state) {
    std::int64_t sum = 0;
    for (const std::int64_t value : all.column<&Wide::hot>()) sum += value;
    benchmark::DoNotOptimize(sum);
  }
  count_records(state, records);
}
BENCHMARK(column_loop)->Name("aos_versus_soa/sum/bursar_column_loop_int64");

void structs_count(benchmark::State& state) {
  const auto& all = structs<Wide>();
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        std::count_if(all.begin(), all.end(), [](const Wide& record) { return record.hot > 500; }));
  }
  count_records(state, records);
}
BENCHMARK(structs_count)->Name("aos_versus_soa/count/aos_int64");

void batch_count(benchmark::State& state) {
  const auto& all = columns<WideBatch>();
  for (auto _ : state) benchmark::DoNotOptimize(all.count_greater<&Wide::hot>(500));
  count_records(state, records);
}
BENCHMARK(batch_count)->Name("aos_versus_soa/count/bursar_int64");

void structs_update(benchmark::State& state) {
  auto all = structs<Mixed>();
  for (auto _ : state) {
    for (Mixed& record : all) record.hot = record.hot * 3 + 1;
    benchmark::ClobberMemory();
  }
  count_records(state, records);
}
BENCHMARK(structs_update)->Name("aos_versus_soa/update/aos_float");

void batch_update(benchmark::State& state) {
  auto all = columns<MixedBatch>();
  for (auto _ : state) {
    for (float& value : all.column<&Mixed::hot>()) value = value * 3 + 1;
    benchmark::ClobberMemory();
  }
  count_records(state, records);
}
BENCHMARK(batch_update)->Name("aos_versus_soa/update/bursar_float");

/// Appends 10,000 records to an empty one.
constexpr std::size_t appended = 10'000;

void append_vector(benchmark::State& state) {
  for (auto _ : state) {
    std::vector<Narrow> all;
    for (std::size_t index = 0; index < appended; ++index) all.push_back(record_of<Narrow>(index));
    benchmark::DoNotOptimize(all.data());
  }
  count_records(state, appended);
}
BENCHMARK(append_vector)->Name("append_vector_of_structs");

void append_batch(benchmark::State& state) {
  for (auto _ : state) {
    NarrowBatch all;
    for (std::size_t index = 0; index < appended; ++index) all.push_back(record_of<Narrow>(index));
    benchmark::DoNotOptimize(all.column<&Narrow::hot>().data());
  }
  count_records(state, appended);
}
BENCHMARK(append_batch)->Name("append_bursar");

void append_vector_reserved(benchmark::State& state) {
  std::vector<Narrow> all;
  for (auto _ : state) {
    all.clear();
    for (std::size_t index = 0; index < appended; ++index) all.push_back(record_of<Narrow>(index));
    benchmark::DoNotOptimize(all.data());
  }
  count_records(state, appended);
}
BENCHMARK(append_vector_reserved)->Name("append_vector_of_structs_reserved");

void append_batch_reserved(benchmark::State& state) {
  NarrowBatch all;
  for (auto _ : state) {
    all.clear();
    for (std::size_t index = 0; index < appended; ++index) all.push_back(record_of<Narrow>(index));
    benchmark::DoNotOptimize(all.column<&Narrow::hot>().data());
  }
  count_records(state, appended);
}
BENCHMARK(append_batch_reserved)->Name("append_bursar_reserved");

void buffer_from_arena(benchmark::State& state) {
  bursar::Arena arena;
  for (auto _ : state) {
    for (int number = 0; number < 100; ++number) {
      benchmark::DoNotOptimize(bursar::AlignedBuffer<char>::for_overwrite(arena, 128).data());
    }
    arena.reset();
  }
  count_records(state, 100);
}
BENCHMARK(buffer_from_arena)->Name("aligned_buffer_from_arena");

void buffer_from_heap(benchmark::State& state) {
  for (auto _ : state) {
    for (int number = 0; number < 100; ++number) {
      benchmark::DoNotOptimize(bursar::AlignedBuffer<char>::for_overwrite(128).data());
    }
  }
  count_records(state, 100);
}
BENCHMARK(buffer_from_heap)->Name("aligned_buffer_from_heap");

}  // namespace

BENCHMARK_MAIN();
