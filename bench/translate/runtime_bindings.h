// What a scope knows of its names, in an arena: a table of symbols that keeps their order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/translate/bindings.h"
#include "bursar/arena.h"
#include "bursar/symbol.h"

namespace bursar::translate {

/// Open addressing over entries that stay where they are.
class RuntimeBindings {
 public:
  Binding& at(Symbol name, Arena& arena) {
    std::size_t slot = 0;
    if (Entry* entry = look_up(name, slot)) [[likely]]
      return entry->binding;
    if ((count_ + 1) * 4 > (mask_ + 1) * 3) {
      grow(arena);
      (void)look_up(name, slot);
    }
    auto* entry = arena.make<Entry>(name);
    slots_[slot] = entry;
    ++count_;
    *(last_ == nullptr ? &first_ : &last_->next) = entry;
    last_ = entry;
    return entry->binding;
  }

  [[nodiscard]] const Binding* find(Symbol name) const {
    std::size_t slot = 0;
    const Entry* entry = look_up(name, slot);
    return entry == nullptr ? nullptr : &entry->binding;
  }

  template <typename Visit>
  void for_each(Visit visit) {
    for (Entry* entry = first_; entry != nullptr; entry = entry->next) visit(entry->name, entry->binding);
  }

 private:
  struct Entry {
    Symbol name;
    Binding binding{};
    Entry* next = nullptr;
  };
  static constexpr std::size_t first_slots = 8;

  /// The entry of the name, or null with the slot where it would stand.
  [[nodiscard]] Entry* look_up(Symbol name, std::size_t& slot) const {
    // Symbols are places in text: their low bits are of no order, and a multiplication spreads them.
    constexpr std::uint32_t spread = 0x9e3779b1;
    slot = (static_cast<std::uint32_t>(name.id()) * spread >> 16) & mask_;
    while (slots_[slot] != nullptr && slots_[slot]->name != name) slot = (slot + 1) & mask_;
    return slots_[slot];
  }

  void grow(Arena& arena) {
    const std::size_t slots = std::max(2 * (mask_ + 1), first_slots);
    slots_ = arena.make_span<Entry*>(slots).data();
    mask_ = slots - 1;
    for (Entry* entry = first_; entry != nullptr; entry = entry->next) {
      std::size_t slot = 0;
      (void)look_up(entry->name, slot);
      slots_[slot] = entry;
    }
  }

  // I1  there are mask_ + 1 slots, a power of two, a quarter of them null
  // I2  every entry is in a slot, and between that and the one its name asks for is no null
  inline static Entry* no_entry = nullptr;  // the slot of all that have no entry yet; never written
  Entry** slots_ = &no_entry;
  std::size_t mask_ = 0;
  std::size_t count_ = 0;
  Entry* first_ = nullptr;
  Entry* last_ = nullptr;
};

}  // namespace bursar::translate
