// The account of a process.
#include "interpose/account/account.h"

#include <algorithm>
#include <cstring>

#include "allocator/fork_guard.h"
#include "allocator/os.h"
#include "allocator/settings.h"
#include "allocator/text.h"
#include "allocator/thread.h"
#include "interpose/account/budget.h"
#include "interpose/account/counting.h"
#include "interpose/account/task_tables.h"
#include "interpose/account/thread_kinds.h"

namespace bursar::account {
namespace {

using ledger::book;
using ledger::Header;
using ledger::Tag;

constinit const Options* given_options = nullptr;
constinit char program_path[ledger::program_bytes] = {};

/// What lives without a tag, a signal handler's blocks, in memory of the process's own: no walk finds it.
constinit std::atomic<int64_t> untagged_bytes{0};
constinit std::atomic<int64_t> untagged_blocks{0};

void add_atomically(Counter& counter, uint64_t amount) noexcept {
  counter.fetch_add(amount, std::memory_order_relaxed);
}

/// What was live at the fork, as a walk over the blocks found it, is what the child inherits. What has no tag is of no task; nor is what
/// there is no kind for.
void inherit(Header& header, const tables::LiveSum& tagged) noexcept {
  header.inherited_bytes = tagged.bytes + static_cast<uint64_t>(untagged_bytes.load(std::memory_order_relaxed));
  header.inherited_blocks = tagged.blocks + static_cast<uint64_t>(untagged_blocks.load(std::memory_order_relaxed));
  header.live_bytes.store(static_cast<int64_t>(header.inherited_bytes), std::memory_order_relaxed);
  header.peak_live_bytes.store(header.inherited_bytes, std::memory_order_relaxed);
  uint64_t blocks = 0;
  uint64_t bytes = 0;
  for (size_t kind = 0; kind < book.view().kind_count; ++kind) {
    blocks += book.kind(kind).inherited_blocks.load(std::memory_order_relaxed);
    bytes += book.kind(kind).inherited_bytes.load(std::memory_order_relaxed);
  }
  ledger::TaskKind& outside = book.kind(ledger::kind_outside);
  add_atomically(outside.inherited_blocks, header.inherited_blocks - blocks);
  add_atomically(outside.inherited_bytes, header.inherited_bytes - bytes);
}

/// The child counts in a ledger of its own, beginning with what it inherited. True for the one thread that began it, which is
/// then counted in it.
bool begin_child() noexcept {
  if (!fork_guard.begin_adoption()) return false;
  // What a handler counted meanwhile would be lost, or land in the parent's ledger.
  const os::SignalBlock no_handlers;
  thread_kinds::forget_after_fork();
  forget_thread_accounts();
  is_recording = book.begin_child(*given_options, program_path);
  if (is_recording) {
    inherit(book.header(), tables::begin_child());
    if (thread.heap != nullptr) begin_thread_account();
  }
  fork_guard.adopted();
  return true;
}

/// Says that the thread is within the account. A signal handler that comes then counts in slot 0, which is counted up
/// atomically, and leaves a fork to the thread it interrupted; so does one that interrupted the heap.
class CountingScope {
 public:
  CountingScope() noexcept : was_counting_(thread.is_counting), is_busy_(thread.is_counting || thread.is_inside) {
    thread.is_counting = true;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (!is_busy_ && fork_guard.is_new_child()) [[unlikely]]
      (void)begin_child();
  }
  ~CountingScope() {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread.is_counting = was_counting_;
  }
  CountingScope(const CountingScope&) = delete;
  CountingScope& operator=(const CountingScope&) = delete;

  /// The thread's own counters; null for handlers and for threads without: they count in slot 0.
  [[nodiscard]] ThreadAccount* account() const noexcept {
    return is_busy_ ? nullptr : static_cast<ThreadAccount*>(thread.account);
  }

 private:
  bool was_counting_;
  bool is_busy_;
};

void change_untagged(int64_t blocks, int64_t bytes) noexcept {
  untagged_bytes.fetch_add(bytes, std::memory_order_relaxed);
  untagged_blocks.fetch_add(blocks, std::memory_order_relaxed);
}

void change_shared_live(int64_t bytes) noexcept {
  raise_peak(book.header().live_bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes);
}

size_t index_of(Call call) noexcept { return static_cast<size_t>(call); }

void count_call_in(Slot& slot, Call call, uint64_t allocations, void (*add_to)(Counter&, uint64_t)) noexcept {
  if (call == Call::malloc || call == Call::free) return;
  add_to(slot.calls_beside[index_of(call)], 1);
  if (call == Call::realloc && allocations != 0) add_to(slot.realloc_allocations, allocations);
}

void count_shared_allocation(Call call, size_t requested_bytes, const heap::BlockInfo& block, Tag tag) noexcept {
  Slot& slot = book.slot(0);
  add_atomically(slot.all.allocations, 1);
  add_atomically(slot.all.allocated_bytes, block.usable_bytes);
  ledger::SizeClassCounters& counters = slot.size_classes[block.size_class];
  add_atomically(counters.allocations, 1);
  add_atomically(counters.requested_bytes, requested_bytes);
  count_call_in(slot, call, 1, add_atomically);
  tables::count_foreign_allocation(tag, block.usable_bytes);
  change_shared_live(static_cast<int64_t>(block.usable_bytes));
}

void count_shared_free(Call call, const heap::BlockInfo& block, Tag tag) noexcept {
  Slot& slot = book.slot(0);
  add_atomically(slot.all.frees, 1);
  add_atomically(slot.all.freed_bytes, block.usable_bytes);
  add_atomically(slot.size_classes[block.size_class].frees, 1);
  if (call == Call::realloc) add_atomically(slot.realloc_frees, 1);
  tables::count_foreign_free(tag, block.usable_bytes);
  change_shared_live(-static_cast<int64_t>(block.usable_bytes));
}

/// The tag of a block that is freed, which it loses; blocks without belong to no task.
Tag take_tag(const heap::BlockInfo& block) noexcept {
  constexpr Tag outside = ledger::tag_of_kind(ledger::kind_outside);
  if (block.tag == nullptr) {
    change_untagged(-1, -static_cast<int64_t>(block.usable_bytes));
    return outside;
  }
  const Tag tag = block.tag->load(std::memory_order_relaxed);
  // Of a block of an arena the heap takes it, which knows by it that the block is free.
  if (!block.is_odd) block.tag->store(0, std::memory_order_relaxed);
  return tag != 0 ? tag : outside;
}

}  // namespace

constinit bool is_recording = false;
constinit ForkGuard fork_guard;

void start(const Options& options, const char* program) noexcept {
  if (!options.wants_account()) return;
  given_options = &options;
  Text<ledger::program_bytes> name;
  name.add(program);
  memcpy(program_path, name.c_str(), name.length() + 1);
  is_recording = book.open(options, program_path);
  if (is_recording) fork_guard.start();
  if (is_recording) start_thread_accounts();
  if (is_recording) tables::start();
  settings.keeps_tags = is_recording;
}

void note_child() noexcept {
  if (!is_recording) return;
  if (!fork_guard.is_wiped_by_kernel()) fork_guard.note_child();
  note_child_of_threads();
}

void notice_fork() noexcept {
  if (!is_recording || thread.is_counting || !fork_guard.is_new_child()) return;
  thread.is_counting = true;
  (void)begin_child();
  thread.is_counting = false;
}

void begin_thread() noexcept {
  const CountingScope counting;
  if (is_recording && thread.account == nullptr) begin_thread_account();
}

void end_thread() noexcept {
  const CountingScope counting;
  if (ThreadAccount* account = counting.account(); account != nullptr && is_recording) end_thread_account(*account);
}

Tag current_tag() noexcept {
  if (thread.counters != nullptr) {
    return static_cast<const Slot*>(thread.counters)->tag.load(std::memory_order_relaxed);
  }
  return thread.task_tag != 0 ? thread.task_tag : ledger::tag_of_kind(ledger::kind_outside);
}

bool allows(size_t bytes) noexcept {
  // A handler that interrupted the heap or the account is not asked: it could not call back either.
  if (thread.is_inside || thread.is_counting) return true;
  notice_fork();
  const ThreadAccount* account = current_thread_account();
  const Tag tag = current_tag();
  const bool is_over = account != nullptr ? is_over_budget(*account, bytes)
                                          : !fits(std::min(tables::headroom_of(tag), left_of_process()), bytes);
  return !is_over || budget_allows(tag, bytes);
}

void count_allocation(Call call, size_t requested_bytes, const heap::BlockInfo& block) noexcept {
  const CountingScope counting;
  if (!is_recording) [[unlikely]]
    return;
  ThreadAccount* account = counting.account();
  // What cannot keep a tag is of no task, as take_tag finds it.
  const Tag tag = block.tag != nullptr ? current_tag() : ledger::tag_of_kind(ledger::kind_outside);
  if (block.tag != nullptr)
    block.tag->store(tag, std::memory_order_relaxed);
  else
    change_untagged(1, static_cast<int64_t>(block.usable_bytes));
  if (account == nullptr || block.tag == nullptr) return count_shared_allocation(call, requested_bytes, block, tag);
  Slot& slot = *account->slot;
  add_allocation(*account, block.usable_bytes);
  ledger::SizeClassCounters& counters = slot.size_classes[block.size_class];
  add(counters.allocations, 1);
  add(counters.requested_bytes, requested_bytes);
  count_call_in(slot, call, 1, add);
  note_rise(*account);
  look_at_name_in_time(*account);
}

void count_free(Call call, const heap::BlockInfo& block) noexcept {
  const CountingScope counting;
  if (!is_recording) [[unlikely]]
    return;
  ThreadAccount* account = counting.account();
  const Tag tag = take_tag(block);
  if (account == nullptr) return count_shared_free(call, block, tag);
  const bool is_foreign = tag != tag_of(*account);
  if (is_foreign) begin_foreign_free(*account, tag, block.usable_bytes);
  Slot& slot = *account->slot;
  add_free(*account, block.usable_bytes);
  add(slot.size_classes[block.size_class].frees, 1);
  if (call == Call::realloc) add(slot.realloc_frees, 1);
  is_foreign ? end_foreign_free(*account, block.usable_bytes) : note_fall(*account);
}

void count_call(Call call) noexcept {
  const CountingScope counting;
  if (!is_recording) [[unlikely]]
    return;
  ThreadAccount* account = counting.account();
  account != nullptr ? count_call_in(*account->slot, call, 0, add)
                     : count_call_in(book.slot(0), call, 0, add_atomically);
}

const ledger::Ledger* ledger() noexcept { return is_recording ? &book : nullptr; }

void finish() noexcept {
  if (!is_recording) return;
  notice_fork();  // a child that did nothing yet has its own ledger from here on
  Header& header = book.header();
  header.ended_ns.store(os::now_ns() - header.started_ns, std::memory_order_relaxed);
  const os::Usage usage = os::usage();
  header.page_faults.store(usage.page_faults, std::memory_order_relaxed);
  header.peak_rss_bytes.store(usage.peak_rss_bytes, std::memory_order_relaxed);
  header.state.store(ledger::State::exited, std::memory_order_release);
}

}  // namespace bursar::account
