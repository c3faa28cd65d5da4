// The figures of the process, for its own eyes.
#include "interpose/account/metrics.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "allocator/heap.h"
#include "allocator/thread.h"
#include "interpose/account/account.h"
#include "interpose/account/live_bytes.h"
#include "interpose/account/task_records.h"
#include "interpose/account/task_tables.h"
#include "interpose/account/thread_account.h"
#include "interpose/export.h"

namespace bursar::account {
namespace {

using ledger::book;
using ledger::Counter;
using ledger::Header;
using ledger::Slot;

uint64_t read(const Counter& counter) noexcept { return counter.load(std::memory_order_relaxed); }

static_assert(BURSAR_CACHE_MISSES + 1 == ledger::runtime_figure_count);
static_assert(BURSAR_INTERNED_STRINGS == static_cast<int>(ledger::RuntimeFigure::interned_strings));
static_assert(BURSAR_INTERNER_SAVED_BYTES == static_cast<int>(ledger::RuntimeFigure::interner_saved_bytes));
static_assert(BURSAR_ARENA_BYTES == static_cast<int>(ledger::RuntimeFigure::arena_bytes));
static_assert(BURSAR_ARENA_ALLOCATIONS == static_cast<int>(ledger::RuntimeFigure::arena_allocations));
static_assert(BURSAR_POOL_HITS == static_cast<int>(ledger::RuntimeFigure::pool_hits));
static_assert(BURSAR_POOL_MISSES == static_cast<int>(ledger::RuntimeFigure::pool_misses));
static_assert(BURSAR_CACHE_HITS == static_cast<int>(ledger::RuntimeFigure::cache_hits));
static_assert(BURSAR_CACHE_MISSES == static_cast<int>(ledger::RuntimeFigure::cache_misses));

/// What code outside the heap counts while there is no ledger for it. An account begins before the first block, so nothing is ever moved
/// from here to there.
constinit Counter without_ledger[ledger::runtime_figure_count]{};

Counter& counter_of(size_t figure) noexcept {
  return is_recording ? book.header().runtime[figure] : without_ledger[figure];
}

/// A child that took more away than it told has 0.
uint64_t told(bursar_counter counter) noexcept { return not_negative(static_cast<int64_t>(read(counter_of(counter)))); }

void read_heap(bursar_metrics& metrics) noexcept {
  const Header& header = book.header();
  const auto slots = static_cast<size_t>(std::min<uint64_t>(read(header.slots_used), ledger::slot_count));
  int64_t unheard = 0;  // by how much more was live while a thread was at a high that the header has not heard of
  for (size_t i = 0; i < slots; ++i) {
    const Slot& slot = book.slot(i);
    const auto live = static_cast<int64_t>(read(slot.all.allocated_bytes) - read(slot.all.freed_bytes));
    const int64_t high = std::max(slot.process_high.load(std::memory_order_relaxed),  //
                                  slot.live_high.load(std::memory_order_relaxed));
    unheard = i == 0 ? 0 : std::max(unheard, high - live);
    metrics.frees += read(slot.all.frees);
    metrics.allocations += read(slot.all.allocations);
    metrics.current_bytes += static_cast<uint64_t>(live);
  }
  metrics.current_bytes += header.inherited_bytes;
  // A block that a thread has freed and another, whose slot was read before, has allocated meanwhile.
  if (static_cast<int64_t>(metrics.current_bytes) < 0) metrics.current_bytes = 0;
  metrics.peak_bytes = std::max(read(header.peak_live_bytes), metrics.current_bytes + static_cast<uint64_t>(unheard));
}

void read_tasks(bursar_metrics& metrics) noexcept {
  const tables::Ended ended = tables::ended();
  metrics.tasks = ended.tasks;
  if (ended.tasks != 0) metrics.allocations_per_task = (ended.allocations + ended.tasks / 2) / ended.tasks;
}

/// Of the task that the calling thread is in; of the process, where that is the task.
void read_own_task(bursar_metrics& metrics) noexcept {
  const ThreadAccount* account = current_thread_account();
  if (account == nullptr) return;
  const ledger::Tag tag = tag_of(*account);
  if (ledger::Task* task = records::try_find(tag); task != nullptr) {
    const Staying staying = staying_in(tag);
    const int64_t known = known_live_bytes_of(*task);
    metrics.task_current_bytes = not_negative(known + staying.live_bytes);
    metrics.task_peak_bytes = std::max({read(task->peak_live_bytes), not_negative(known + staying.high),  //
                                        metrics.task_current_bytes});
    metrics.task_allocations = read(task->allocations) + staying.allocations;
    return;
  }
  if (book.header().task_source != ledger::TaskSource::process || ledger::kind_of(tag) != ledger::kind_outside) return;
  metrics.task_current_bytes = metrics.current_bytes;
  metrics.task_peak_bytes = metrics.peak_bytes;
  metrics.task_allocations = metrics.allocations;
}

}  // namespace

void read_metrics(bursar_metrics& metrics) noexcept {
  metrics = {};
  if (is_recording) {
    metrics.is_counting = 1;
    read_heap(metrics);
    read_tasks(metrics);
    read_own_task(metrics);
  }
  metrics.interned_strings = told(BURSAR_INTERNED_STRINGS);
  metrics.interner_saved_bytes = told(BURSAR_INTERNER_SAVED_BYTES);
  metrics.arena_bytes = told(BURSAR_ARENA_BYTES);
  metrics.arena_allocations = told(BURSAR_ARENA_ALLOCATIONS);
  metrics.pool_hits = told(BURSAR_POOL_HITS);
  metrics.pool_misses = told(BURSAR_POOL_MISSES);
  metrics.cache_hits = told(BURSAR_CACHE_HITS);
  metrics.cache_misses = told(BURSAR_CACHE_MISSES);
}

}  // namespace bursar::account

using namespace bursar;

BURSAR_EXPORT int bursar_metrics_read(bursar_metrics* metrics, size_t bytes) {
  if (metrics == nullptr) return EINVAL;
  if (!thread.is_inside) account::notice_fork();
  bursar_metrics all;
  account::read_metrics(all);
  // Of a later version's snapshot, what this one does not know is 0.
  const size_t known = std::min(bytes, sizeof(all));
  memcpy(metrics, &all, known);
  memset(reinterpret_cast<char*>(metrics) + known, 0, bytes - known);
  return 0;
}

BURSAR_EXPORT void bursar_metrics_count(bursar_counter counter, int64_t change) {
  const auto figure = static_cast<size_t>(counter);
  if (figure >= ledger::runtime_figure_count) return;
  // A new child does not count in its parent's ledger.
  if (!thread.is_inside) account::notice_fork();
  account::counter_of(figure).fetch_add(static_cast<uint64_t>(change), std::memory_order_relaxed);
}

BURSAR_EXPORT size_t bursar_usable(const void* block) {
  if (block == nullptr) return 0;
  const heap::BlockInfo found = heap::look_up(block);
  return found.is_ours ? found.usable_bytes : 0;
}
