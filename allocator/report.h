// The last words of a process: one clear line on stderr, then abort.
#pragma once

#include <cstddef>

namespace bursar {

/// What the program called when a fault was seen; the word the message uses.
enum class Caller : unsigned char { free, operator_delete, realloc, usable_size };

/// The block was freed just before and has not been handed out since.
[[noreturn]] void report_double_free(const void* pointer) noexcept;

/// No block of this heap has, or had, this address.
[[noreturn]] void report_foreign_pointer(const void* pointer, Caller caller) noexcept;

/// No block can have this address: blocks lie on multiples of 16.
[[noreturn]] void report_misaligned_pointer(const void* pointer, Caller caller) noexcept;

/// The address lies inside a block (or in its slab) but does not start one.
[[noreturn]] void report_interior_pointer(const void* pointer, const void* block, Caller caller) noexcept;

/// A sized delete named a size whose class is not the block's.
[[noreturn]] void report_wrong_size(const void* pointer, size_t block_bytes, size_t claimed_bytes) noexcept;

/// Pages of the system are larger than what the heap is cut in.
[[noreturn]] void report_page_size(size_t page_bytes) noexcept;

/// The heap found its own records broken: a bug of ours, or a write through a wild pointer.
[[noreturn]] void report_broken_invariant(const char* fact, const char* file, int line) noexcept;

}  // namespace bursar
