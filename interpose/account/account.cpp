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

/// Takes the counts that have no ledger any more: in a child that found no memory for one.
constinit Slot lost_slot{};
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

/// What is live, slot by slot, in memory of the process's own. A ledger file is shared with the parent, who goes on counting in
/// it; of this a child has the state at its fork.
struct alignas(64) Live {
  std::atomic<int64_t> bytes;
  std::atomic<int64_t> blocks;
};
constinit Live live_by_slot[ledger::slot_count]{};

void add_live(std::atomic<int64_t>& live, int64_t amount, Adder add) noexcept {
  if (add.is_shared) {
    live.fetch_add(amount, std::memory_order_relaxed);
  } else {
    live.store(live.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
}

void change_live(Slot& slot, Adder add, int64_t blocks, int64_t bytes) noexcept {
  if (!is_recording) [[unlikely]]
    return;
  Live& live = live_by_slot[&slot - &book.slot(0)];
  add_live(live.bytes, bytes, add);
  add_live(live.blocks, blocks, add);
  Header& header = book.header();
  // Slot 0 and one other: no thread contends for the header's line, so the peak may be exact.
  const bool is_alone = header.slots_used.load(std::memory_order_relaxed) <= 2;
  int64_t change = bytes;
  if (!add.is_shared) {
    change += slot.unflushed_bytes.load(std::memory_order_relaxed);
    const bool may_lag = !is_alone && change > -ledger::flush_bytes && change < ledger::flush_bytes;
    slot.unflushed_bytes.store(may_lag ? change : 0, std::memory_order_relaxed);
    if (may_lag) return;
  }
  raise_peak(header.live_bytes.fetch_add(change, std::memory_order_relaxed) + change);
}

Adder adder_of(const Slot& slot) noexcept { return {&slot == &book.slot(0)}; }

void count_thread(ThreadHeap& heap) noexcept {
  if (heap.account == nullptr) heap.account = &book.take_slot();
  auto& slot = *static_cast<Slot*>(heap.account);
  adder_of(slot)(slot.threads, 1);
}

/// What was live at the fork becomes what the child inherits; it is kept in slot 0 of live_by_slot.
void inherit_live(Header& header) noexcept {
  int64_t bytes = 0;
  int64_t blocks = 0;
  for (Live& live : live_by_slot) {
    bytes += live.bytes.exchange(0, std::memory_order_relaxed);
    blocks += live.blocks.exchange(0, std::memory_order_relaxed);
  }
  live_by_slot[0].bytes.store(bytes, std::memory_order_relaxed);
  live_by_slot[0].blocks.store(blocks, std::memory_order_relaxed);
  header.inherited_bytes = static_cast<uint64_t>(bytes);
  header.inherited_blocks = static_cast<uint64_t>(blocks);
  header.live_bytes.store(bytes, std::memory_order_relaxed);
  header.peak_live_bytes.store(header.inherited_bytes, std::memory_order_relaxed);
}

/// The child counts in a ledger of its own, beginning with what it inherited. True for the one thread that began it, which is
/// then counted in it.
bool begin_child() noexcept {
  if (!fork_guard.begin_adoption()) return false;
  // What a handler counted meanwhile would be lost, or land in the parent's ledger.
  const os::SignalBlock no_handlers;
  for (ThreadHeap* heap = heap_registry.first(); heap != nullptr; heap = heap->next_registered) heap->account = nullptr;
  is_recording = book.begin_child(*given_options, program_path);
  if (is_recording) {
    inherit_live(book.header());
    if (thread.heap != nullptr) count_thread(*thread.heap);
  }
  fork_guard.adopted();
  return true;
}

/// Says that the thread is within the account. A signal handler that comes then counts in slot 0, which is counted up
/// atomically, and leaves a fork to the thread it interrupted.
class CountingScope {
 public:
  CountingScope() noexcept : was_counting_(thread.is_counting) {
    thread.is_counting = true;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
  }
  ~CountingScope() {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread.is_counting = was_counting_;
  }
  CountingScope(const CountingScope&) = delete;
  CountingScope& operator=(const CountingScope&) = delete;

  /// The slot to count in: the thread's own, or slot 0 for handlers and for threads without a heap.
  [[nodiscard]] Slot& slot() const noexcept {
    if (was_counting_) return book.slot(0);
    if (fork_guard.is_new_child()) [[unlikely]]
      (void)begin_child();
    if (!is_recording) [[unlikely]]
      return lost_slot;
    if (thread.heap == nullptr || thread.heap->account == nullptr) return book.slot(0);
    return *static_cast<Slot*>(thread.heap->account);
  }

 private:
  bool was_counting_;
};

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
  if (is_recording) fork_guard.start();
}

void note_child() noexcept {
  if (is_recording && !fork_guard.is_wiped_by_kernel()) fork_guard.note_child();
}

void notice_fork() noexcept {
  if (!is_recording) return;
  const CountingScope counting;
  (void)counting.slot();
}

void begin_thread() noexcept {
  const CountingScope counting;
  if (fork_guard.is_new_child() && begin_child()) return;
  count_thread(*thread.heap);
}

void count_allocation(Call call, size_t requested_bytes, const heap::BlockInfo& block) noexcept {
  const CountingScope counting;
  Slot& slot = counting.slot();
  const Adder add = adder_of(slot);
  add(slot.calls[index_of(call)], 1);
  add(slot.allocations, 1);
  add(slot.requested_bytes, requested_bytes);
  add(slot.allocated_bytes, block.usable_bytes);
  ledger::SizeClassCounters& counters = slot.size_classes[block.size_class];
  add(counters.allocations, 1);
  add(counters.requested_bytes, requested_bytes);
  change_live(slot, add, 1, static_cast<int64_t>(block.usable_bytes));
}

void count_free(Call call, const heap::BlockInfo& block) noexcept {
  const CountingScope counting;
  Slot& slot = counting.slot();
  const Adder add = adder_of(slot);
  if (call != Call::realloc) add(slot.calls[index_of(call)], 1);
  add(slot.frees, 1);
  add(slot.freed_bytes, block.usable_bytes);
  add(slot.size_classes[block.size_class].frees, 1);
  change_live(slot, add, -1, -static_cast<int64_t>(block.usable_bytes));
}

void count_call(Call call) noexcept {
  const CountingScope counting;
  Slot& slot = counting.slot();
  adder_of(slot)(slot.calls[index_of(call)], 1);
}

const ledger::Ledger* ledger() noexcept { return is_recording ? &book : nullptr; }

void finish() noexcept {
  if (!is_recording) return;
  notice_fork();  // a child that did nothing yet has its own ledger from here on
  Header& header = book.header();
  const os::Usage usage = os::usage();
  header.ended_ns.store(os::now_ns() - header.started_ns, std::memory_order_relaxed);
  header.page_faults.store(usage.page_faults, std::memory_order_relaxed);
  header.peak_rss_bytes.store(usage.peak_rss_bytes, std::memory_order_relaxed);
  header.state.store(ledger::State::exited, std::memory_order_release);
}

}  // namespace bursar::account
