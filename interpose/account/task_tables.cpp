// The tables of kinds and tasks in the ledger, as the process writes them.
#include "interpose/account/task_tables.h"

#include <algorithm>
#include <cstring>

#include "allocator/os.h"
#include "allocator/thread.h"
#include "interpose/account/counting.h"
#include "interpose/account/kind_names.h"
#include "interpose/account/kind_table.h"
#include "interpose/account/ledger.h"
#include "interpose/account/task_handles.h"
#include "interpose/account/task_records.h"
#include "interpose/account/worst_tasks.h"

namespace bursar::account::tables {
namespace {

using ledger::book;
using ledger::Counter;
using ledger::Distribution;
using ledger::kind_of;
using ledger::record_of;
using ledger::Task;
using ledger::TaskKind;

/// The two halves of Task::freed_elsewhere. The generation goes up as a task ends, so that whoever counts a free sees that it came too late.
constexpr uint32_t elsewhere_bits = 48;
constexpr uint64_t elsewhere_mask = (uint64_t{1} << elsewhere_bits) - 1;
constexpr uint64_t elsewhere_bytes_max = uint64_t{1} << (elsewhere_bits - 1);
constexpr uint64_t elsewhere_generation = uint64_t{1} << elsewhere_bits;

uint64_t read(const Counter& counter) noexcept { return counter.load(std::memory_order_relaxed); }

/// Most figures are 0 for most tasks; an atomic addition costs more than to look.
void add(Counter& counter, uint64_t amount) noexcept {
  if (amount != 0) counter.fetch_add(amount, std::memory_order_relaxed);
}

void raise(Counter& counter, uint64_t value) noexcept {
  uint64_t seen = read(counter);
  while (seen < value && !counter.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

void add_value(Distribution& distribution, uint64_t value) noexcept {
  add(distribution.total, value);
  raise(distribution.highest, value);
  distribution.buckets[Distribution::bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
}

template <class Counters>
void add_flow(Counters& counters, const PlainFlow& flow) noexcept {
  add(counters.allocations, flow.allocations);
  add(counters.frees, flow.frees);
  add(counters.allocated_bytes, flow.allocated_bytes);
  add(counters.freed_bytes, flow.freed_bytes);
}

/// May be below 0 for a moment, while blocks are allocated and freed in different threads.
int64_t live_of(const Task& task) noexcept {
  const uint64_t freed = read(task.freed_bytes) + (read(task.freed_elsewhere) & elsewhere_mask);
  return static_cast<int64_t>(read(task.allocated_bytes) - freed);
}

uint64_t not_negative(int64_t value) noexcept { return static_cast<uint64_t>(std::max<int64_t>(value, 0)); }

uint64_t ns_since_start() noexcept { return os::now_ns() - book.header().started_ns; }

uint32_t this_thread_id() noexcept {
  const ThreadAccount* account = current_thread_account();
  if (account == nullptr) return os::thread_id();
  return account->slot->thread_id.load(std::memory_order_relaxed);
}

/// A record that a task before may have had; its freed_elsewhere was made ready as that one ended.
void fill(Task& task, Tag tag, uint64_t begun_ns) noexcept {
  task.thread_id = this_thread_id();
  task.begun_ns = begun_ns;
  for (Counter* counter : {&task.allocations, &task.frees, &task.allocated_bytes, &task.freed_bytes}) {
    counter->store(0, std::memory_order_relaxed);
  }
  task.peak_live_bytes.store(0, std::memory_order_relaxed);
  task.budget_bytes.store(book.header().budget_bytes, std::memory_order_relaxed);
  task.label[0] = '\0';
  task.tag.store(tag, std::memory_order_release);
  // Pairs with the acquire of whoever walks over the tags of blocks: one that has this tag is of a task that is here.
  std::atomic_thread_fence(std::memory_order_release);
}

/// Counts a free into the task, unless it has ended: then it is its kind's alone.
void free_elsewhere(Tag tag, uint64_t bytes) noexcept {
  Task* found = records::try_find(tag);
  if (found == nullptr) return;
  Task& task = *found;
  // Before the tag is looked at once more: the word has another generation if the task ends in between.
  uint64_t word = task.freed_elsewhere.load(std::memory_order_acquire);
  if (records::try_find(tag) == nullptr) return;
  const uint64_t generation = word & ~elsewhere_mask;
  uint64_t moved;
  uint64_t next;
  do {
    if ((word & ~elsewhere_mask) != generation) return;
    // Long before the bytes reach the generation they go where there is room for more.
    next = word + bytes;
    moved = (next & elsewhere_mask) >= elsewhere_bytes_max ? next & elsewhere_mask : 0;
    next -= moved;
  } while (!task.freed_elsewhere.compare_exchange_weak(word, next, std::memory_order_acq_rel));
  add(task.freed_bytes, moved);
}

/// No free is counted into the task from here on. What its threads and others did stays readable.
uint64_t close(Task& task) noexcept {
  task.tag.store(0, std::memory_order_relaxed);
  uint64_t word = task.freed_elsewhere.load(std::memory_order_relaxed);
  while (!task.freed_elsewhere.compare_exchange_weak(word, (word & ~elsewhere_mask) + elsewhere_generation,
                                                     std::memory_order_acq_rel)) {
  }
  return word & elsewhere_mask;
}

ledger::WorstTask figures_of(const Task& task, Tag tag, uint64_t freed_elsewhere) noexcept {
  ledger::WorstTask figures{};
  figures.kind = kind_of(tag);
  figures.thread_id = task.thread_id;
  figures.begun_ns = task.begun_ns;
  figures.wall_ns = ns_since_start() - task.begun_ns;
  figures.allocations = read(task.allocations);
  figures.allocated_bytes = read(task.allocated_bytes);
  figures.peak_live_bytes = read(task.peak_live_bytes);
  const uint64_t freed = read(task.freed_bytes) + freed_elsewhere;
  figures.retained_bytes = not_negative(static_cast<int64_t>(figures.allocated_bytes - freed));
  memcpy(figures.label, task.label, sizeof(figures.label));
  return figures;
}

/// Of all kinds, so that nobody has to look at each.
struct alignas(64) EndedTasks {
  Counter tasks;
  Counter allocations;
};
constinit EndedTasks ended_tasks{};

void add_to_distributions(const ledger::WorstTask& figures) noexcept {
  add(ended_tasks.tasks, 1);
  add(ended_tasks.allocations, figures.allocations);
  TaskKind* kind = kinds::try_find(figures.kind);
  if (kind == nullptr) return;
  add_value(kind->allocations_per_task, figures.allocations);
  add_value(kind->allocated_bytes_per_task, figures.allocated_bytes);
  add_value(kind->peak_live_bytes_per_task, figures.peak_live_bytes);
  add_value(kind->wall_ns_per_task, figures.wall_ns);
  add_value(kind->retained_bytes_per_task, figures.retained_bytes);
  add(kind->tasks_ended, 1);
}

/// Nobody else counts: no atomic addition.
void add_alone(Counter& counter, uint64_t amount) noexcept {
  counter.store(read(counter) + amount, std::memory_order_relaxed);
}

/// A block of the parent belongs to its kind alone, since no task of the child has its tag. Where there are millions of them each nanosecond
/// counts, and what is not written is not copied.
void inherit(void* context, const heap::TaggedBlock& block) noexcept {
  const Tag tag = block.tag.load(std::memory_order_relaxed);
  auto& sum = *static_cast<LiveSum*>(context);
  ++sum.blocks;
  sum.bytes += block.usable_bytes;
  if (record_of(tag) != 0) records::note_inherited(tag);
  TaskKind* kind = kinds::try_find(kind_of(tag));
  if (kind == nullptr) return;
  add_alone(kind->inherited_blocks, 1);
  add_alone(kind->inherited_bytes, block.usable_bytes);
}

/// The forking thread goes on in tasks of the child. Those further out are begun when it comes to them.
void continue_tasks() noexcept {
  const auto current = reinterpret_cast<handles::Handle>(thread.task);
  handles::begin_child(current);
  // Without a record too: it may end as no task (drop_task), and then the child must have counted its beginning.
  if (thread.base_tag != 0) thread.base_tag = begin_task(kind_of(thread.base_tag));
  thread.task_tag = thread.base_tag;
  handles::Entry* entry = handles::try_find_entered(current);
  if (entry == nullptr) return;
  thread.task_tag = begin_task(entry->kind.load(std::memory_order_relaxed));
  entry->tag.store(thread.task_tag, std::memory_order_relaxed);
  if (!entry->has_budget.load(std::memory_order_relaxed)) return;
  (void)set_budget(thread.task_tag, entry->budget_bytes.load(std::memory_order_relaxed));
}

}  // namespace

void start() noexcept {
  const char* program = book.header().program;
  const char* slash = strrchr(program, '/');
  const bool is_task = book.header().task_source == ledger::TaskSource::process;
  kinds::start(is_task ? (slash == nullptr ? program : slash + 1) : "(outside tasks)");
}

uint32_t kind_named(const char* name) noexcept { return kinds::named(name); }

Tag begin_task(uint32_t kind) noexcept { return begin_task_since(kind, ns_since_start()); }

Tag begin_task_since(uint32_t kind, uint64_t begun_ns) noexcept {
  kind = kinds::placed(kind);
  const Tag tag = records::take(kind);
  if (record_of(tag) != 0) fill(book.task(record_of(tag)), tag, begun_ns);
  if (TaskKind* entry = kinds::try_find(kind); entry != nullptr) {
    add(entry->tasks_begun, 1);
    add(entry->tasks_without_record, record_of(tag) == 0 ? 1 : 0);
  }
  return tag;
}

uint64_t begun_ns_of(Tag tag) noexcept {
  const Task* task = records::try_find(tag);
  return task == nullptr ? ns_since_start() : task->begun_ns;
}

void drop_task(Tag tag) noexcept {
  TaskKind* kind = kinds::try_find(kind_of(tag));
  Task* task = records::try_find(tag);
  if (kind != nullptr) {
    kind->tasks_begun.fetch_sub(1, std::memory_order_relaxed);
    if (task == nullptr) kind->tasks_without_record.fetch_sub(1, std::memory_order_relaxed);
  }
  if (task == nullptr) return;
  (void)close(*task);
  records::give_back(tag);
}

void end_task(Tag tag) noexcept {
  Task* task = records::try_find(tag);
  if (task == nullptr) return;
  const uint64_t freed_elsewhere = close(*task);
  const ledger::WorstTask figures = figures_of(*task, tag, freed_elsewhere);
  add_to_distributions(figures);
  worst_tasks::consider(figures);
  records::give_back(tag);
}

void count_stay(Tag tag, const Stay& stay) noexcept {
  TaskKind* kind = kinds::try_find(kind_of(tag));
  Task* task = records::try_find(tag);
  raise_peak(tag, stay.high);
  const auto hand_on = [&](Counter TaskKind::*of_kind, Counter Task::*of_task, Counter ledger::Flow::*since,
                           uint64_t amount) {
    Counter nowhere{0};
    hand_over(kind != nullptr ? kind->*of_kind : nowhere, stay.at_entry != nullptr ? stay.at_entry->*since : nowhere,
              amount);
    if (task != nullptr) add(task->*of_task, amount);
  };
  using ledger::Flow;
  hand_on(&TaskKind::allocations, &Task::allocations, &Flow::allocations, stay.flow.allocations);
  hand_on(&TaskKind::allocated_bytes, &Task::allocated_bytes, &Flow::allocated_bytes, stay.flow.allocated_bytes);
  hand_on(&TaskKind::frees, &Task::frees, &Flow::frees, stay.flow.frees);
  hand_on(&TaskKind::freed_bytes, &Task::freed_bytes, &Flow::freed_bytes, stay.flow.freed_bytes);
}

void count_foreign_free(Tag tag, uint64_t bytes) noexcept {
  if (TaskKind* kind = kinds::try_find(kind_of(tag)); kind != nullptr) add_flow(*kind, {0, 1, 0, bytes});
  free_elsewhere(tag, bytes);
}

void count_foreign_allocation(Tag tag, uint64_t bytes) noexcept {
  if (TaskKind* kind = kinds::try_find(kind_of(tag)); kind != nullptr) add_flow(*kind, {1, 0, bytes, 0});
  Task* task = records::try_find(tag);
  if (task == nullptr) return;
  add_flow(*task, {1, 0, bytes, 0});
  raise_peak(tag, 0);
}

int64_t headroom_of(Tag tag) noexcept {
  const Task* task = records::try_find(tag);
  const uint64_t budget = task == nullptr ? 0 : read(task->budget_bytes);
  return budget == 0 || budget > INT64_MAX ? INT64_MAX : static_cast<int64_t>(budget) - live_of(*task);
}

void set_label(Tag tag, const char* label) noexcept {
  Task* task = records::try_find(tag);
  if (task != nullptr) kind_names::clean(label, task->label, sizeof(task->label));
}

bool set_budget(Tag tag, uint64_t bytes) noexcept {
  Task* task = records::try_find(tag);
  if (task == nullptr) return false;
  task->budget_bytes.store(bytes, std::memory_order_relaxed);
  return true;
}

void raise_peak(Tag tag, int64_t high_of_stay) noexcept {
  Task* task = records::try_find(tag);
  if (task != nullptr) raise(task->peak_live_bytes, not_negative(live_of(*task) + high_of_stay));
}

Ended ended() noexcept { return {read(ended_tasks.tasks), read(ended_tasks.allocations)}; }

LiveSum begin_child() noexcept {
  ended_tasks.tasks.store(0, std::memory_order_relaxed);
  ended_tasks.allocations.store(0, std::memory_order_relaxed);
  worst_tasks::begin_child();
  kinds::begin_child();
  LiveSum sum{};
  records::begin_child();
  records::walk(inherit, &sum);
  continue_tasks();
  return sum;
}

}  // namespace bursar::account::tables
