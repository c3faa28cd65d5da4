// Every header of the runtime and its try_ functions, compiled without exceptions and without RTTI.
#include <bursar/aligned_buffer.h>
#include <bursar/arena_pointer.h>
#include <bursar/arena_pool.h>
#include <bursar/arena_resource.h>
#include <bursar/batch.h>
#include <bursar/object_pool.h>
#include <bursar/shared_arena.h>
#include <bursar/task_arena.h>

#include <string>

namespace {

struct Record {
  float weight = 0;
  std::string name;
};

int failures = 0;
void expect(bool is_true) { failures += is_true ? 0 : 1; }

}  // namespace

int main() {
  bursar::ArenaOptions options;
  options.limit_bytes = 100'000;
  bursar::Arena arena(options);
  expect(arena.try_make<Record>(1.0F, "a") != nullptr);
  expect(arena.try_allocate(1'000'000) == nullptr);
  expect(arena.try_allocate(8, 3) == nullptr);
  expect(bursar::AlignedBuffer<float>::try_for_overwrite(arena, 100).is_allocated());
  expect(!bursar::AlignedBuffer<float>::try_for_overwrite(arena, 1'000'000).is_allocated());
  bursar::Batch<&Record::weight, &Record::name> batch(arena);
  expect(batch.try_push_back({2.0F, "b"}));
  expect(!batch.try_reserve(1'000'000));
  expect(batch.sum<&Record::weight>() == 2.0F);
  bursar::ObjectPoolOptions pool_options;
  pool_options.objects_max = 1;
  bursar::ObjectPool<Record> pool(pool_options);
  const auto one = pool.try_acquire(3.0F, "c");
  expect(static_cast<bool>(one));
  expect(!pool.try_acquire(4.0F, "d"));
  bursar::ArenaPool arenas;
  expect(static_cast<bool>(arenas.try_checkout()));
  bursar::TaskArena task("request");
  expect(task.arena().try_make<Record>(1.0F, "e") != nullptr);
  return failures;
}
