// Allocates and frees at random in several threads and tasks, each block freed by whoever comes upon it, and writes down on standard output
// what an exact account must say: tally THREADS OPERATIONS SEED [arenas]
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <new>

#include "bursar/bursar.h"

namespace {

constexpr size_t kinds = 3;
constexpr const char* kind_names[kinds] = {"alpha", "beta", "gamma"};
constexpr size_t classes_max = 2049;  // by usable bytes in units of 16; 0 for large blocks
constexpr size_t calls = 6;
enum Call : size_t { call_malloc, call_calloc, call_realloc, call_aligned, call_new, call_free };
constexpr const char* call_names[calls] = {"malloc", "calloc", "realloc", "aligned", "new", "free"};

struct Flow {
  uint64_t allocations;
  uint64_t frees;
  uint64_t allocated_bytes;
  uint64_t freed_bytes;

  void operator+=(const Flow& other) {
    allocations += other.allocations;
    frees += other.frees;
    allocated_bytes += other.allocated_bytes;
    freed_bytes += other.freed_bytes;
  }
};

struct Class {
  uint64_t allocations;
  uint64_t requested_bytes;
  uint64_t frees;
};

struct Tally {
  Flow by_kind[kinds];
  Class by_class[classes_max];
  uint64_t by_call[calls];
  uint64_t tasks[kinds];
};

struct Block {
  void* start;
  size_t kind;
};

constexpr size_t shelf_count = 512;
std::atomic<Block*> shelves[shelf_count];

constexpr size_t threads_max = 8;
struct alignas(64) Worker {
  pthread_t thread;
  size_t number;
  uint64_t random;
  size_t kind;  // of the task that it is in
  bursar_task* task;
  Tally tally;
  Flow flow;
  Block blocks[shelf_count * 2];  // its own records of blocks, taken in turn; each is held by at most one shelf
} workers[threads_max];
uint64_t operations;
bool uses_arenas;

uint64_t next_random(Worker& worker) {
  worker.random = worker.random * 6364136223846793005U + 1442695040888963407U;
  return worker.random >> 33;
}

Class& class_of(Worker& worker, size_t usable) { return worker.tally.by_class[usable > 32768 ? 0 : usable / 16]; }

void note_allocation(Worker& worker, size_t usable, size_t requested) {
  const Flow flow{1, 0, usable, 0};
  worker.tally.by_kind[worker.kind] += flow;
  worker.flow += flow;
  ++class_of(worker, usable).allocations;
  class_of(worker, usable).requested_bytes += requested;
}

void note_free(Worker& worker, size_t kind, size_t usable) {
  const Flow flow{0, 1, 0, usable};
  worker.tally.by_kind[kind] += flow;
  worker.flow += flow;
  ++class_of(worker, usable).frees;
}

size_t random_bytes(Worker& worker) {
  switch (next_random(worker) % 64) {
    case 0: return next_random(worker) % 3'000'000;
    case 1: return next_random(worker) % 300'000;
    case 2:
    case 3:
    case 4:
    case 5: return next_random(worker) % 40'000;
    default: return next_random(worker) % 1100;
  }
}

void* allocate(Worker& worker) {
  const size_t bytes = random_bytes(worker);
  void* start = nullptr;
  Call call = call_malloc;
  switch (next_random(worker) % 8) {
    case 0:
      call = call_calloc;
      start = calloc(1, bytes);
      break;
    case 1:
      call = call_aligned;
      start = aligned_alloc(size_t{1} << (4 + next_random(worker) % 9), bytes);
      break;
    case 2:
      call = call_new;
      start = operator new(bytes);
      break;
    case 3:
      call = call_realloc;
      start = realloc(nullptr, bytes);
      break;
    default: start = malloc(bytes); break;
  }
  if (start == nullptr) _Exit(97);
  ++worker.tally.by_call[call];
  note_allocation(worker, malloc_usable_size(start), bytes);
  return start;
}

void release(Worker& worker, const Block& block) {
  note_free(worker, block.kind, malloc_usable_size(block.start));
  if (next_random(worker) % 16 == 0) {
    ++worker.tally.by_call[call_realloc];
    if (realloc(block.start, 0) != nullptr) _Exit(96);
    return;
  }
  ++worker.tally.by_call[call_free];
  next_random(worker) % 4 == 0 ? operator delete(block.start) : free(block.start);
}

void resize(Worker& worker, Block& block) {
  const size_t before = malloc_usable_size(block.start);
  const size_t bytes = next_random(worker) % 2 == 0 ? before + before / 4 + 1 : random_bytes(worker) + 1;
  const uintptr_t place = reinterpret_cast<uintptr_t>(block.start);
  void* start = realloc(block.start, bytes);
  if (start == nullptr) _Exit(95);
  ++worker.tally.by_call[call_realloc];
  block.start = start;
  const size_t after = malloc_usable_size(start);
  // In its place and as large as before it stays the block that it was.
  if (reinterpret_cast<uintptr_t>(start) == place && after == before) return;
  note_free(worker, block.kind, before);
  note_allocation(worker, after, bytes);
  block.kind = worker.kind;
}

void change_task(Worker& worker) {
  bursar_task_end(worker.task);
  worker.kind = next_random(worker) % kinds;
  const bool wants_arena = uses_arenas && next_random(worker) % 4 == 0;
  worker.task = bursar_task_begin(kind_names[worker.kind], wants_arena ? BURSAR_TASK_ARENA : BURSAR_TASK_DEFAULT);
  if (worker.task == nullptr) _Exit(94);
  ++worker.tally.tasks[worker.kind];
}

/// A record that no shelf holds: of two for each shelf, half are free at least.
Block& free_record(Worker& worker) {
  while (true) {
    Block& record = worker.blocks[next_random(worker) % (shelf_count * 2)];
    if (record.start == nullptr) return record;
  }
}

void* work(void* context) {
  auto& worker = *static_cast<Worker*>(context);
  char name[16];
  snprintf(name, sizeof(name), "worker-%zu", worker.number);
  pthread_setname_np(pthread_self(), name);
  worker.kind = worker.number % kinds;
  worker.task = bursar_task_begin(kind_names[worker.kind], BURSAR_TASK_DEFAULT);
  ++worker.tally.tasks[worker.kind];
  for (uint64_t i = 0; i < operations; ++i) {
    if (next_random(worker) % 200 == 0) change_task(worker);
    std::atomic<Block*>& shelf = shelves[next_random(worker) % shelf_count];
    Block* former = shelf.exchange(nullptr, std::memory_order_acq_rel);
    Block held{nullptr, 0};
    if (former != nullptr) {
      held = *former;
      __atomic_store_n(&former->start, nullptr, __ATOMIC_RELEASE);  // its owner may use the record again
    }
    if (held.start != nullptr && next_random(worker) % 4 == 0) {
      resize(worker, held);
    } else {
      if (held.start != nullptr) release(worker, held);
      held = {allocate(worker), worker.kind};
    }
    Block& record = free_record(worker);
    record.kind = held.kind;
    __atomic_store_n(&record.start, held.start, __ATOMIC_RELEASE);
    former = shelf.exchange(&record, std::memory_order_acq_rel);
    if (former == nullptr) continue;
    release(worker, *former);
    __atomic_store_n(&former->start, nullptr, __ATOMIC_RELEASE);
  }
  bursar_task_end(worker.task);
  return nullptr;
}

void print(const char* name, const Flow& flow) {
  printf("  \"%s\": [%lu, %lu, %lu, %lu],\n", name, flow.allocations, flow.frees, flow.allocated_bytes,
         flow.freed_bytes);
}

void print_sums(size_t count) {
  static Tally sums;
  Flow threads{};
  for (size_t i = 0; i < count; ++i) {
    const Tally& tally = workers[i].tally;
    for (size_t kind = 0; kind < kinds; ++kind) {
      sums.by_kind[kind] += tally.by_kind[kind];
      sums.tasks[kind] += tally.tasks[kind];
    }
    for (size_t call = 0; call < calls; ++call) sums.by_call[call] += tally.by_call[call];
    for (size_t size = 0; size < classes_max; ++size) {
      sums.by_class[size].allocations += tally.by_class[size].allocations;
      sums.by_class[size].requested_bytes += tally.by_class[size].requested_bytes;
      sums.by_class[size].frees += tally.by_class[size].frees;
    }
    threads += workers[i].flow;
  }
  printf("{\n");
  for (size_t kind = 0; kind < kinds; ++kind) print(kind_names[kind], sums.by_kind[kind]);
  print("workers", threads);
  printf("  \"tasks\": [%lu, %lu, %lu],\n", sums.tasks[0], sums.tasks[1], sums.tasks[2]);
  printf("  \"calls\": {");
  for (size_t call = 0; call < calls; ++call)
    printf("%s\"%s\": %lu", call == 0 ? "" : ", ", call_names[call], sums.by_call[call]);
  printf("},\n  \"classes\": {");
  const char* separator = "";
  for (size_t size = 0; size < classes_max; ++size) {
    const Class& row = sums.by_class[size];
    if (row.allocations == 0 && row.frees == 0) continue;
    printf("%s\"%zu\": [%lu, %lu, %lu]", separator, size * 16, row.allocations, row.requested_bytes, row.frees);
    separator = ", ";
  }
  printf("}\n}\n");
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) return 2;
  const size_t threads = strtoul(words[1], nullptr, 10);
  operations = strtoul(words[2], nullptr, 10);
  uses_arenas = count > 4;
  for (size_t i = 0; i < threads; ++i) {
    workers[i].number = i;
    workers[i].random = strtoul(words[3], nullptr, 10) * 1000 + i;
    if (pthread_create(&workers[i].thread, nullptr, work, &workers[i]) != 0) return 3;
  }
  for (size_t i = 0; i < threads; ++i) pthread_join(workers[i].thread, nullptr);
  print_sums(threads);
  return 0;
}
