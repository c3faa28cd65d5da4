// Every header of the runtime and its try_ functions, compiled without exceptions and without RTTI.
#include <bursar/aligned_buffer.h>
#include <bursar/arena_pointer.h>
#include <bursar/arena_pool.h>
#include <bursar/arena_resource.h>
#include <bursar/batch.h>
#include <bursar/frozen_interner.h>
#include <bursar/object_pool.h>
#include <bursar/shared_arena.h>
#include <bursar/shared_interner.h>
#include <bursar/task_arena.h>
#include <bursar/text_split.h>
#include <bursar/zero_copy.h>

#include <array>
#include <string>

namespace {

struct Record {
  float weight = 0;
  std::string name;
};

int failures = 0;
void expect(bool is_true) { failures += is_true ? 0 : 1; }

void use_arena(bursar::Arena& arena) {
  expect(arena.try_make<Record>(1.0F, "a") != nullptr);
  expect(arena.try_allocate(1'000'000) == nullptr);
  expect(arena.try_allocate(8, 3) == nullptr);
  expect(bursar::AlignedBuffer<float>::try_for_overwrite(arena, 100).is_allocated());
  expect(!bursar::AlignedBuffer<float>::try_for_overwrite(arena, 1'000'000).is_allocated());
  expect(bursar::AlignedBuffer<float>::try_make(arena, 10).is_allocated());
  const std::array<int, 3> numbers = {1, 2, 3};
  expect(bursar::AlignedBuffer<int>::try_copy_of(numbers)[2] == 3);
  expect(arena.try_copy("text").has_value());
  expect(arena.try_copy(std::span<const int>(numbers)).has_value());
  expect(arena.try_make_span<Record>(3).has_value());
  expect(arena.try_collect(numbers).has_value());
  expect(!arena.try_make_span<Record>(1'000'000).has_value());
  expect(static_cast<bool>(bursar::try_make_pointer<int>(arena, 1)));
  expect(bursar::zero_copy::try_transform_into(arena, bursar::zero_copy::Lower{}, "ABC").value_or("") == "abc");
}

void use_batch(bursar::Arena& arena) {
  bursar::Batch<&Record::weight, &Record::name> batch(arena);
  expect(batch.try_push_back({2.0F, "b"}));
  expect(!batch.try_reserve(1'000'000));
  expect(batch.try_append(1.0F, "a"));
  expect(batch.try_sort_by<&Record::weight>());
  expect(batch.sum<&Record::weight>() == 3.0F);
}

void use_pools() {
  bursar::ObjectPoolOptions pool_options;
  pool_options.objects_max = 1;
  bursar::ObjectPool<Record> pool(pool_options);
  const auto one = pool.try_acquire(3.0F, "c");
  expect(static_cast<bool>(one));
  expect(!pool.try_acquire(4.0F, "d"));
  bursar::ArenaPool arenas;
  expect(static_cast<bool>(arenas.try_checkout()));
  bursar::SharedArena shared;
  expect(shared.try_make<Record>(1.0F, "e") != nullptr);
}

void use_texts() {
  bursar::TaskArena task("request");
  expect(task.arena().try_make<Record>(1.0F, "f") != nullptr);
  bursar::Interner* interner = task.try_interner();
  expect(interner != nullptr && interner->try_intern("name"));
  const bursar::FrozenResult frozen = bursar::FrozenInterner::freeze(*interner);
  expect(frozen && frozen.interner.find("name").has_value());
  expect(!bursar::SharedInterner::open("bursar_no_such_name"));
  int lines = 0;
  for (const std::string_view line : bursar::zero_copy::lines("a\nb")) lines += static_cast<int>(line.size());
  expect(lines == 2);
}

}  // namespace

int main() {
  bursar::ArenaOptions options;
  options.limit_bytes = 100'000;
  bursar::Arena arena(options);
  use_arena(arena);
  use_batch(arena);
  use_pools();
  use_texts();
  return failures;
}
