// The records of running tasks.
#include "interpose/account/task_records.h"

#include <algorithm>

#include "allocator/lock.h"
#include "interpose/account/index_stack.h"
#include "interpose/account/ledger.h"

namespace bursar::account::records {
namespace {

using ledger::generation_max;
using ledger::generation_of;
using ledger::kind_of;
using ledger::make_tag;
using ledger::record_of;
using ledger::tag_of_kind;
using ledger::task_record_count;

/// Which tags blocks may have:
///
///   R1  a record is in free_records, in worn_records, had by a task, or on its way between them in one thread
///   R2  no block has a tag with a generation that the record has yet to come to, up to generation_max
///   R3  the tasks of a record in worn_records have all ended, and generations[record] is generation_max
constinit IndexStack<task_record_count> free_records;
constinit IndexStack<task_record_count> worn_records;
constinit uint8_t generations[task_record_count]{};  // of the latest task; whoever takes the record writes it
constinit std::atomic<uint32_t> worn_count{0};
constinit std::atomic<bool> is_walking{false};

constinit Lock growing;
constinit std::atomic<uint32_t> records_made{1};  // records 1 to records_made - 1 have been taken at least once

constinit TagWalk walk_over_tags = heap::for_each_tag;

/// So many rest before the heap is walked over: a walk a quarter of a million tasks, and half a MiB of records.
constexpr uint32_t worn_max = 4096;

void forget_if_ended(void*, const heap::TaggedBlock& block) noexcept {
  // Pairs with the fence where a record is filled: of a block's task the record is known to be had.
  Tag tag = block.tag.load(std::memory_order_acquire);
  if (tag == 0 || record_of(tag) == 0 || try_find(tag) != nullptr) return;
  // Fails when the block has been freed meanwhile, or had by another task since.
  (void)block.tag.compare_exchange_strong(tag, tag_of_kind(kind_of(tag)), std::memory_order_relaxed);
}

/// Makes the worn records new. False when another thread is about it, or nothing can be done.
bool try_renew() noexcept {
  if (worn_count.load(std::memory_order_relaxed) == 0) return false;
  if (is_walking.exchange(true, std::memory_order_acquire)) return false;
  uint32_t renewed = 0;
  uint32_t record = worn_records.pop_all();  // before the walk: what is worn later may have tags where it has been
  walk_over_tags(forget_if_ended, nullptr);
  while (record != 0) {
    const uint32_t next = worn_records.next_taken(record);
    generations[record] = 0;
    free_records.push(record);
    ++renewed;
    record = next;
  }
  worn_count.fetch_sub(renewed, std::memory_order_relaxed);
  is_walking.store(false, std::memory_order_release);
  return true;
}

/// A record that has had all its generations waits for a walk.
void rest(uint32_t record) noexcept {
  worn_count.fetch_add(1, std::memory_order_relaxed);  // first: who finds the record there takes it off
  worn_records.push(record);
}

/// One more of the ledger's records; 0 when there is none.
uint32_t try_make() noexcept {
  const uint32_t capacity = std::min(task_record_count, ledger::book.header().tasks.entry_count);
  if (records_made.load(std::memory_order_relaxed) >= capacity) return 0;
  const LockGuard guard(growing);
  for (uint32_t record = records_made.load(std::memory_order_relaxed); record < capacity; ++record) {
    if (!ledger::book.try_use_task(record)) return 0;
    records_made.store(record + 1, std::memory_order_relaxed);
    if (generations[record] < generation_max) return record;
    rest(record);  // of a child: a block of its parent has the last generation
  }
  return 0;
}

uint32_t take_record() noexcept {
  if (worn_count.load(std::memory_order_relaxed) >= worn_max) (void)try_renew();
  if (const uint32_t record = free_records.pop(); record != 0) [[likely]]
    return record;
  if (const uint32_t record = try_make(); record != 0) return record;
  return try_renew() ? free_records.pop() : 0;
}

}  // namespace

void set_walk(TagWalk walk) noexcept { walk_over_tags = walk; }

Tag take(uint32_t kind) noexcept {
  const uint32_t record = take_record();
  if (record == 0) return tag_of_kind(kind);
  return make_tag(kind, ++generations[record], record);
}

void give_back(Tag tag) noexcept {
  const uint32_t record = record_of(tag);
  if (generation_of(tag) < generation_max) return free_records.push(record);
  rest(record);
}

ledger::Task* try_find(Tag tag) noexcept {
  const uint32_t record = record_of(tag);
  if (record == 0 || record >= records_made.load(std::memory_order_relaxed)) return nullptr;
  ledger::Task& task = ledger::book.task(record);
  return task.tag.load(std::memory_order_acquire) == tag ? &task : nullptr;
}

void begin_child() noexcept {
  growing.reset();
  is_walking.store(false, std::memory_order_relaxed);
  worn_count.store(0, std::memory_order_relaxed);
  (void)free_records.pop_all();
  (void)worn_records.pop_all();
  const uint32_t made = records_made.load(std::memory_order_relaxed);
  for (uint32_t record = 1; record < made; ++record) generations[record] = 0;
  records_made.store(1, std::memory_order_relaxed);
}

void note_inherited(Tag tag) noexcept {
  uint8_t& generation = generations[record_of(tag)];
  if (generation_of(tag) > generation) generation = static_cast<uint8_t>(generation_of(tag));
}

void walk(heap::TagVisitor visit, void* context) noexcept { walk_over_tags(visit, context); }

}  // namespace bursar::account::records
