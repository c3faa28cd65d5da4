// What is told of an allocation that a budget did not allow.
#include "interpose/account/budget_report.h"

#include <atomic>
#include <cstring>

#include "allocator/heap.h"
#include "allocator/os.h"
#include "allocator/text.h"
#include "interpose/account/kind_table.h"
#include "interpose/account/ledger.h"
#include "interpose/account/render_numbers.h"
#include "interpose/account/task_records.h"

namespace bursar::account {
namespace {

using ledger::Tag;

/// A list that is longer hides what matters.
constexpr size_t told_classes_max = 3;

/// What lives of one task, or of all, by size class.
struct LiveByClass {
  Tag tag;  // 0: all
  uint64_t bytes[ledger::size_class_capacity];
};

void add_block(void* context, const heap::TaggedBlock& block) noexcept {
  auto& live = *static_cast<LiveByClass*>(context);
  const Tag tag = block.tag.load(std::memory_order_relaxed);
  if (tag == 0 || (live.tag != 0 && tag != live.tag)) return;
  live.bytes[block.size_class] += block.usable_bytes;
}

/// The class with the most bytes, which is then taken out; size_class_capacity when there is none left.
size_t take_largest(LiveByClass& live) noexcept {
  size_t largest = ledger::size_class_capacity;
  uint64_t most = 0;
  for (size_t i = 0; i < ledger::size_class_capacity; ++i) {
    if (live.bytes[i] <= most) continue;
    most = live.bytes[i];
    largest = i;
  }
  return largest;
}

using Line = Text<sizeof(BudgetFacts::text)>;

/// A walk over all blocks holds the heap up. A program that is refused again and again is told the rest without: walks take a tenth of the time at
/// most.
constexpr uint64_t pause_per_walk = 9;
constinit std::atomic<uint64_t> next_walk_ns{0};

/// False where it is too soon for one.
bool try_walk(LiveByClass& live) noexcept {
  const uint64_t begun = os::now_ns();
  uint64_t next = next_walk_ns.load(std::memory_order_relaxed);
  constexpr uint64_t others_wait_ns =
      1'000'000'000;  // in case that it never ends, as in a child that was forked meanwhile
  if (begun < next || !next_walk_ns.compare_exchange_strong(next, begun + others_wait_ns, std::memory_order_relaxed))
    return false;
  heap::for_each_tag(add_block, &live);
  const uint64_t ended = os::now_ns();
  next_walk_ns.store(ended + pause_per_walk * (ended - begun), std::memory_order_relaxed);
  return true;
}

/// "; most in blocks of 64 B (1.50 MiB), large blocks (200 KiB)"
void add_largest_classes(Line& line, Tag tag) noexcept {
  LiveByClass live{tag, {}};
  if (!try_walk(live)) return;
  for (size_t told = 0; told < told_classes_max; ++told) {
    const size_t size_class = take_largest(live);
    if (size_class == ledger::size_class_capacity) return;
    line.add(told == 0 ? "; most in " : ", ");
    const uint32_t block_bytes = ledger::book.header().block_bytes[size_class];
    if (block_bytes == 0) {
      line.add("large blocks");
    } else {
      line.add("blocks of ").add(ledger::grouped(block_bytes).c_str()).add(" B");
    }
    line.add(" (").add(ledger::bytes_text(live.bytes[size_class]).c_str()).add(")");
    live.bytes[size_class] = 0;
  }
}

template <size_t bytes>
void copy(char (&to)[bytes], const char* from) noexcept {
  Text<bytes> text;
  text.add(from);
  memcpy(to, text.c_str(), text.length() + 1);
}

}  // namespace

void describe(const Refusal& refusal, BudgetFacts& facts) noexcept {
  const ledger::Task* task = records::try_find(refusal.tag);
  facts.limit_bytes = refusal.limit_bytes;
  facts.live_bytes = refusal.live_bytes;
  facts.wanted_bytes = refusal.wanted_bytes;
  copy(facts.task, kinds::name_of(ledger::kind_of(refusal.tag)));
  copy(facts.label, task == nullptr ? "" : task->label);
  Line line;
  line.add("bursar: task '").add(facts.task).add("'");
  if (facts.label[0] != '\0') line.add(" (").add(facts.label).add(")");
  line.add(" over its budget of ").add(ledger::bytes_text(refusal.limit_bytes).c_str());
  line.add(": ").add(ledger::bytes_text(refusal.live_bytes).c_str()).add(" live, ");
  line.add(ledger::bytes_text(refusal.wanted_bytes).c_str()).add(" wanted");
  // The budget of the process holds for all that lives in it.
  add_largest_classes(line, task == nullptr ? 0 : refusal.tag);
  memcpy(facts.text, line.c_str(), line.length() + 1);
}

}  // namespace bursar::account
