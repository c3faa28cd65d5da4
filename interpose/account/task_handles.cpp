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

/// Calls `visit` for the task and for each that it is within, as long as they live and it says true.
template <class Visitor>
void for_each_from(Handle handle, Visitor visit) noexcept {
  for (Entry* entry = try_find(handle); entry != nullptr; entry = try_find(handle)) {
    if (!visit(handle, *entry)) return;
    handle = entry->outer.load(std::memory_order_relaxed);  // older than the task: there are no circles
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
  entry.threads_in.store(1, std::memory_order_relaxed);
  entry.tag.store(0, std::memory_order_relaxed);
  entry.has_budget.store(false, std::memory_order_relaxed);
  const uint32_t generation = entry.generation.load(std::memory_order_relaxed) + 1;
  entry.generation.store(generation, std::memory_order_release);
  return make_handle(generation, index);
}

bool try_end(Handle handle) noexcept {
  Entry* entry = try_find(handle);
  if (entry == nullptr) return false;
  uint32_t generation = generation_of(handle);
  if (!entry->generation.compare_exchange_strong(generation, generation + 1, std::memory_order_acq_rel)) return false;
  free_entries.push(index_of(handle));
  return true;
}

Entry* try_find(Handle handle) noexcept {
  const uint32_t generation = generation_of(handle);
  if (handle >> 48 != mark || index_of(handle) == 0 || generation % 2 == 0) return nullptr;
  Entry& entry = entry_at(index_of(handle));
  return entry.generation.load(std::memory_order_acquire) == generation ? &entry : nullptr;
}

void enter(Handle handle) noexcept {
  for_each_from(handle, [](Handle, Entry& entry) noexcept {
    entry.threads_in.fetch_add(1, std::memory_order_relaxed);
    return true;
  });
}

void leave(Handle handle) noexcept {
  for_each_from(handle, [](Handle, Entry& entry) noexcept {
    entry.threads_in.fetch_sub(1, std::memory_order_relaxed);
    return true;
  });
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
  for_each_from(current, [](Handle, Entry& entry) noexcept {
    entry.threads_in.store(0, std::memory_order_relaxed);
    return true;
  });
  const uint32_t made = entries_made.load(std::memory_order_relaxed);
  for (uint32_t index = 1; index < made; ++index) {
    Entry& entry = entry_at(index);
    const uint32_t generation = entry.generation.load(std::memory_order_relaxed);
    if (generation % 2 == 0) continue;
    if (entry.threads_in.load(std::memory_order_relaxed) == 0)
      entry.tag.store(0, std::memory_order_relaxed);
    else
      (void)try_end(make_handle(generation, index));
  }
  enter(current);
}

}  // namespace bursar::account::handles
