// Memory for tags: an array for the blocks of each slab, while tags are kept.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace bursar {

/// Whose a block is, in the account's terms; 0 for a block that is free. It changes while others look.
using BlockTag = std::atomic<uint32_t>;
static_assert(BlockTag::is_always_lock_free && sizeof(BlockTag) == 4);

namespace tags {

/// An array of so many tags, all 0. Null when there is no memory. Needs the depot's lock.
[[nodiscard]] BlockTag* take_locked(size_t count) noexcept;

/// Takes an array back for the next that is as long. Pre: all its tags are 0. Needs the depot's lock.
void give_locked(BlockTag* array, size_t count) noexcept;

/// In a child whose parent held the depot's lock: the free arrays are lost.
void forget_after_fork() noexcept;

}  // namespace tags
}  // namespace bursar
