// The tasks of the process as its API names them.
#include "interpose/account/task_handles.h"

#include "interpose/account/index_stack.h"

namespace bursar::account::handles {
namespace {

/// Not an address in user space on any machine with 64 bits, so that a use as one is seen at once.
constexpr uint64_t mark = 0xb52a;

/// Some MiB of address space; memory is behind what is used.
/// As bytes, since clang 14 counts the constructors of so many atomics and gives up.
alignas(Entry) constinit unsigned char memory[entry_count * sizeof(Entry)]{};
constinit IndexStack<entry_count> free_entries;
constinit std::atomic<uint32_t> entries_made{1};  // entry 0 stands for none

Entry& entry_at(uint32_t index) noexcept { return reinterpret_cast<Entry*>(memory)[index]; }

uint32_t index_of(Handle handle) noexcept { return handle & 0xffff; }
uint32_t generation_of(Handle handle) noexcept { return static_cast<uint32_t>(handle >> 16); }
Handle make_handle(uint32_t generation, uint32_t index) noexcept {
  return mark << 48 | uint64_t{generation} << 16 | index;
}

uint32_t take_index() noexcept {
  if (const uint32_t index = free_entries.pop(); index != 0) [[likely]]
    return index;
  uint32_t made = entries_made.load(std::memory_order_relaxed);
  do {
    if (made == entry_count) return 0;
  } while (!entries_made.compare_exchange_weak(made, made + 1, std::memory_order_relaxed));
  return made;
}

constexpr uint64_t has_ended = uint64_t{1} << 31;
constexpr uint64_t threads_mask = has_ended - 1;

constexpr uint64_t state_of(uint32_t generation, uint64_t rest) noexcept { return uint64_t{generation} << 32 | rest; }
constexpr uint32_t generation_in(uint64_t state) noexcept { return static_cast<uint32_t>(state >> 32); }

/// The entry that a handle names, whoever has it now; null for what no handle can be.
Entry* entry_named(Handle handle) noexcept {
  if (handle >> 48 != mark || index_of(handle) == 0 || generation_of(handle) % 2 == 0) return nullptr;
  return &entry_at(index_of(handle));
}

bool is_of(uint64_t state, Handle handle) noexcept { return generation_in(state) == generation_of(handle); }
bool lives(uint64_t state, Handle handle) noexcept { return is_of(state, handle) && (state & has_ended) == 0; }

/// Calls `visit` for the task and for each that it is within, as long as they are there and it says true.
template <class Visitor>
void for_each_from(Handle handle, Visitor visit) noexcept {
  for (Entry* entry = try_find_entered(handle); entry != nullptr; entry = try_find_entered(handle)) {
    const Handle outer = outer_of(handle);  // older than the task: there are no circles
    if (!visit(handle, *entry)) return;
    handle = outer;
  }
}

}  // namespace

Handle begin(Handle outer, const void* begun_by) noexcept {
  const uint32_t index = take_index();
  if (index == 0) return 0;
  Entry& entry = entry_at(index);
  entry.outer.store(outer, std::memory_order_relaxed);
  entry.budget_bytes.store(0, std::memory_order_relaxed);
  entry.begun_by.store(begun_by, std::memory_order_relaxed);
  entry.tag.store(0, std::memory_order_relaxed);
  entry.has_budget.store(false, std::memory_order_relaxed);
  const uint32_t generation = generation_in(entry.state.load(std::memory_order_relaxed)) + 1;
  entry.state.store(state_of(generation, 1), std::memory_order_release);
  return make_handle(generation, index);
}

Entry* try_find(Handle handle) noexcept {
  Entry* entry = entry_named(handle);
  return entry != nullptr && lives(entry->state.load(std::memory_order_acquire), handle) ? entry : nullptr;
}

Entry* try_find_entered(Handle handle) noexcept {
  Entry* entry = entry_named(handle);
  return entry != nullptr && is_of(entry->state.load(std::memory_order_acquire), handle) ? entry : nullptr;
}

Handle outer_of(Handle handle) noexcept {
  const Entry* entry = try_find_entered(handle);
  if (entry == nullptr) return 0;
  const Handle outer = entry->outer.load(std::memory_order_acquire);
  // The task may have gone meanwhile, and the entry be another's.
  return is_of(entry->state.load(std::memory_order_relaxed), handle) ? outer : 0;
}

Rest end(Handle handle) noexcept {
  Entry* entry = entry_named(handle);
  if (entry == nullptr) return Rest::nothing;
  uint64_t state = entry->state.load(std::memory_order_relaxed);
  do {
    if (!lives(state, handle)) return Rest::nothing;
  } while (!entry->state.compare_exchange_weak(state, state | has_ended, std::memory_order_acq_rel));
  return (state & threads_mask) == 0 ? Rest::entry : Rest::threads;
}

bool try_enter(Handle handle) noexcept {
  Entry* entry = entry_named(handle);
  if (entry == nullptr) return false;
  uint64_t state = entry->state.load(std::memory_order_relaxed);
  do {
    if (!lives(state, handle)) return false;
  } while (!entry->state.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel));
  return true;
}

Rest leave(Handle handle) noexcept {
  Entry* entry = try_find_entered(handle);
  if (entry == nullptr) return Rest::nothing;
  const uint64_t before = entry->state.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & has_ended) == 0) return Rest::nothing;
  return (before & threads_mask) == 1 ? Rest::entry : Rest::threads;
}

void give_back(Handle handle) noexcept {
  entry_at(index_of(handle)).state.store(state_of(generation_of(handle) + 1, 0), std::memory_order_release);
  free_entries.push(index_of(handle));
}

bool is_within(Handle inner, Handle outer) noexcept {
  bool is_found = false;
  for_each_from(inner, [&](Handle handle, Entry&) noexcept {
    is_found = handle == outer;
    return !is_found;
  });
  return is_found;
}

void begin_child(Handle current) noexcept {
  for_each_from(current, [&](Handle handle, Entry& entry) noexcept {
    const uint64_t ended = entry.state.load(std::memory_order_relaxed) & has_ended;
    entry.tag.store(0, std::memory_order_relaxed);
    if (handle != current && ended != 0)
      give_back(handle);
    else
      entry.state.store(state_of(generation_of(handle), ended | (handle == current ? 1 : 0)),
                        std::memory_order_relaxed);
    return true;
  });
  const auto give_back_with_outer = [&](Handle handle, Entry&) noexcept {
    if (is_within(current, handle)) return false;
    give_back(handle);
    return true;
  };
  const uint32_t made = entries_made.load(std::memory_order_relaxed);
  for (uint32_t index = 1; index < made; ++index) {
    Entry& entry = entry_at(index);
    const uint64_t state = entry.state.load(std::memory_order_relaxed);
    if (generation_in(state) % 2 == 0) continue;
    const Handle handle = make_handle(generation_in(state), index);
    if ((state & ~state_of(generation_in(state), 0)) == 0)
      entry.tag.store(0, std::memory_order_relaxed);
    else
      for_each_from(handle, give_back_with_outer);
  }
}

}  // namespace bursar::account::handles
