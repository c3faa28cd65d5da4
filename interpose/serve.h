// The slow half of every entry point: what the fast path could not do alone, and counting when it is asked for.
#pragma once

#include <cstddef>

#include "allocator/report.h"
#include "allocator/units.h"
#include "interpose/account/ledger_format.h"

namespace bursar::serve {

using ledger::Call;

struct Request {
  size_t bytes;
  size_t alignment;
  Zeroed zeroed;
  Call call;
};

/// A block, or null when there is no memory (errno is left alone: what null means is the caller's affair).
/// Pre: alignment is a power of two.
[[nodiscard]] void* allocate(const Request& request) noexcept;

/// Any pointer.
void deallocate(void* pointer, Caller caller) noexcept;

/// As deallocate, for a free that tells the block's size: ends the process if a block of that size and alignment
/// would have another class.
void deallocate_sized(void* pointer, size_t bytes, size_t alignment) noexcept;

/// A block for a realloc of a null pointer; null as with allocate.
[[nodiscard]] void* allocate_for_realloc(size_t bytes) noexcept;

/// The block with another size, moved if need be; null, and the block as it was, when there is no memory for a larger one.
/// Pre: pointer not null, bytes in [1, request_bytes_max].
[[nodiscard]] void* reallocate(void* pointer, size_t bytes) noexcept;

}  // namespace bursar::serve
