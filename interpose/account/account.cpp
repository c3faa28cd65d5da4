// The account of a process.
#include "interpose/account/account.h"

#include <cstring>

#include "allocator/fork_guard.h"
#include "allocator/heap_registry.h"
#include "allocator/os.h"
#include "allocator/text.h"

namespace bursar::account {
namespace {

using ledger::Counter;
using ledger::Header;
using ledger::Slot;

constinit ledger::Ledger book;
constinit ForkGuard fork_guard;
constinit const Options* given_options = nullptr;
constinit char program_path[ledger::program_bytes] = {};

/// Adds to a counter of a slot: plainly where this thread is the only writer, atomically in slot 0, which all share.
struct Adder {
  bool is_shared;

  void operator()(Counter& counter, uint64_t amount) const noexcept {
    if (is_shared) {
      counter.fetch_add(amount, std::memory_order_relaxed);
    } else {
      counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
  }
};

void raise_peak(int64_t live_bytes) noexcept {
  Header& header = book.header();
  const auto live = static_cast<uint64_t>(live_bytes < 0 ? 0 : live_bytes);
  uint64_t peak = header.peak_live_bytes.load(std::memory_order_relaxed);
  while (live > peak) {
    if (!header.peak_live_bytes.compare_exchange_weak(peak, live, std::memory_order_relaxed)) continue;
    header.peak_live_ns.store(os::now_ns() - header.started_ns, std::memory_order_relaxed);
    return;
  }
}

void change_live(Slot& slot, Adder add, int64_t bytes) noexcept {
  Header& header = book.header();
  if (add.is_shared) {
    raise_peak(header.live_bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes);
    return;
  }
  const int64_t unflushed = slot.unflushed_bytes.load(std::memory_order_relaxed) + bytes;
  if (unflushed > -ledger::flush_bytes && unflushed < ledger::flush_bytes) {
    slot.unflushed_bytes.store(unflushed, std::memory_order_relaxed);
    return;
  }
  slot.unflushed_bytes.store(0, std::memory_order_relaxed);
  raise_peak(header.live_bytes.fetch_add(unflushed, std::memory_order_relaxed) + unflushed);
}

struct LiveSum {
  uint64_t bytes;
  uint64_t blocks;
};

LiveSum sum_live() noexcept {
  LiveSum sum{book.header().inherited_bytes, book.header().inherited_blocks};
  for (size_t i = 0; i < ledger::slot_count; ++i) {
    const Slot& slot = book.slot(i);
    sum.bytes +=
        slot.allocated_bytes.load(std::memory_order_relaxed) - slot.freed_bytes.load(std::memory_order_relaxed);
    sum.blocks += slot.allocations.load(std::memory_order_relaxed) - slot.frees.load(std::memory_order_relaxed);
  }
  return sum;
}

Adder adder_of(const Slot& slot) noexcept { return {&slot == &book.slot(0)}; }

void count_thread(ThreadHeap& heap) noexcept {
  if (heap.account == nullptr) heap.account = &book.take_slot();
  auto& slot = *static_cast<Slot*>(heap.account);
  adder_of(slot)(slot.threads, 1);
}

/// The child counts in a ledger of its own, beginning with what it inherited. True for the one thread that began it, which is
/// then counted in it.
bool begin_child() noexcept {
  if (!fork_guard.begin_adoption()) return false;
  const LiveSum live = sum_live();
  for (ThreadHeap* heap = heap_registry.first(); heap != nullptr; heap = heap->next_registered) heap->account = nullptr;
  if (!book.reopen_in_child(*given_options, program_path)) {
    report_broken_invariant("a forked child has memory for its account", __FILE__, __LINE__);
  }
  Header& header = book.header();
  header.inherited_bytes = live.bytes;
  header.inherited_blocks = live.blocks;
  header.live_bytes.store(static_cast<int64_t>(live.bytes), std::memory_order_relaxed);
  header.peak_live_bytes.store(live.bytes, std::memory_order_relaxed);
  if (thread.heap != nullptr) count_thread(*thread.heap);
  fork_guard.adopted();
  return true;
}

/// The slot the calling thread counts in. Threads without a heap, and signal handlers within the heap, share slot 0.
Slot& own_slot() noexcept {
  notice_fork();
  if (thread.heap == nullptr || thread.heap->account == nullptr) return book.slot(0);
  return *static_cast<Slot*>(thread.heap->account);
}

size_t index_of(Call call) noexcept { return static_cast<size_t>(call); }

}  // namespace

constinit bool is_recording = false;

void start(const Options& options, const char* program) noexcept {
  if (!options.wants_account()) return;
  given_options = &options;
  Text<ledger::program_bytes> name;
  name.add(program);
  memcpy(program_path, name.c_str(), name.length() + 1);
  is_recording = book.open(options, program_path);
  // Where the kernel cannot tell a child, it goes on counting in its parent's ledger.
  if (is_recording) fork_guard.start();
}

void notice_fork() noexcept {
  if (is_recording && fork_guard.is_new_child()) [[unlikely]]
    (void)begin_child();
}

void begin_thread() noexcept {
  if (is_recording && fork_guard.is_new_child() && begin_child()) return;
  count_thread(*thread.heap);
}

void count_allocation(Call call, size_t requested_bytes, const heap::BlockInfo& block) noexcept {
  Slot& slot = own_slot();
  const Adder add = adder_of(slot);
  add(slot.calls[index_of(call)], 1);
  add(slot.allocations, 1);
  add(slot.requested_bytes, requested_bytes);
  add(slot.allocated_bytes, block.usable_bytes);
  ledger::SizeClassCounters& counters = slot.size_classes[block.size_class];
  add(counters.allocations, 1);
  add(counters.requested_bytes, requested_bytes);
  change_live(slot, add, static_cast<int64_t>(block.usable_bytes));
}

void count_free(Call call, const heap::BlockInfo& block) noexcept {
  Slot& slot = own_slot();
  const Adder add = adder_of(slot);
  if (call != Call::realloc) add(slot.calls[index_of(call)], 1);
  add(slot.frees, 1);
  add(slot.freed_bytes, block.usable_bytes);
  add(slot.size_classes[block.size_class].frees, 1);
  change_live(slot, add, -static_cast<int64_t>(block.usable_bytes));
}

void count_call(Call call) noexcept {
  Slot& slot = own_slot();
  adder_of(slot)(slot.calls[index_of(call)], 1);
}

const ledger::Ledger* ledger() noexcept { return is_recording ? &book : nullptr; }

void finish() noexcept {
  if (!is_recording) return;
  (void)own_slot();  // a child that did nothing yet has its own ledger from here on
  Header& header = book.header();
  const os::Usage usage = os::usage();
  header.ended_ns.store(os::now_ns() - header.started_ns, std::memory_order_relaxed);
  header.page_faults.store(usage.page_faults, std::memory_order_relaxed);
  header.peak_rss_bytes.store(usage.peak_rss_bytes, std::memory_order_relaxed);
  header.state.store(ledger::State::exited, std::memory_order_release);
}

}  // namespace bursar::account
