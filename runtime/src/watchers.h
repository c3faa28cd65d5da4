// The tools that watch a program's memory: AddressSanitizer, Valgrind, heaptrack. They see malloc's blocks; of what lies within, they know
// what is told here.
#pragma once

#include <cstddef>

namespace bursar::watchers {

/// Whether one of them is there. Decided once; cheap from then on. Thread safe, as are the others.
[[nodiscard]] bool is_any_there() noexcept;

/// A block of the heap becomes a container's: its inside is hidden from the program, and heaptrack forgets it, since it is told of what
/// is cut from it instead.
void begin_container(void* container, std::size_t bytes, std::size_t head_bytes) noexcept;
/// It goes back to the heap, whole.
void end_container(void* container, std::size_t bytes) noexcept;

/// A block cut from a container is the program's now, or no more.
void begin_block(void* container, void* block, std::size_t bytes) noexcept;
void end_block(void* container, void* block, std::size_t bytes) noexcept;

/// For the container's own records inside what it hides.
void show(const void* place, std::size_t bytes) noexcept;
void hide(const void* place, std::size_t bytes) noexcept;

}  // namespace bursar::watchers
