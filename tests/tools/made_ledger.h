// A ledger filled by hand.
#pragma once

#include <cstring>
#include <memory>
#include <string>

#include "interpose/account/ledger_format.h"

namespace bursar::test {

/// Header and slots behind one another, as in a file.
struct MadeLedger {
  ledger::Header header{};
  ledger::Slot slots[ledger::slot_count]{};

  /// Classes of 16, 32, 48 ... bytes; nothing counted.
  MadeLedger() {
    std::memcpy(header.magic, ledger::magic, sizeof header.magic);
    header.version = ledger::version;
    header.header_bytes = sizeof(ledger::Header);
    header.slot_bytes = sizeof(ledger::Slot);
    header.slot_count = ledger::slot_count;
    header.file_bytes = ledger::file_bytes;
    header.state = ledger::State::exited;
    header.size_class_count = 85;
    for (uint32_t i = 1; i < header.size_class_count; ++i) header.block_bytes[i] = 16 * i;
    header.process_id = 4711;
    header.parent_process_id = 4710;
    std::strcpy(header.program, "/usr/bin/guest");
    header.slots_used = 1;
  }

  /// In class 0, blocks are as large as they are asked for.
  void count(size_t slot, size_t size_class, uint64_t allocations, uint64_t requested_bytes_each, uint64_t frees) {
    const uint64_t block_bytes = size_class == 0 ? requested_bytes_each : header.block_bytes[size_class];
    ledger::Slot& to = slots[slot];
    to.calls[static_cast<size_t>(ledger::Call::malloc)] += allocations;
    to.calls[static_cast<size_t>(ledger::Call::free)] += frees;
    to.allocations += allocations;
    to.frees += frees;
    to.requested_bytes += allocations * requested_bytes_each;
    to.allocated_bytes += allocations * block_bytes;
    to.freed_bytes += frees * block_bytes;
    to.size_classes[size_class].allocations += allocations;
    to.size_classes[size_class].requested_bytes += allocations * requested_bytes_each;
    to.size_classes[size_class].frees += frees;
    if (header.slots_used <= slot) header.slots_used = slot + 1;
  }

  [[nodiscard]] std::string bytes() const { return {reinterpret_cast<const char*>(this), ledger::file_bytes}; }
};
static_assert(sizeof(MadeLedger) == ledger::file_bytes);

inline std::unique_ptr<MadeLedger> make_ledger() { return std::make_unique<MadeLedger>(); }

}  // namespace bursar::test
