// Memory for tags.
#include "allocator/tags.h"

#include "allocator/metadata.h"
#include "allocator/size_class.h"
#include "allocator/units.h"

namespace bursar::tags {
namespace {

/// A free array begins with the link to the next; the rest of it is 0.
struct FreeArray {
  FreeArray* next;
};

/// Arrays differ in length by class; those that take the same room are one another's successors.
constexpr size_t unit_bytes = metadata::record_alignment;
constexpr size_t tags_max = granule_bytes / block_alignment + 1;
constexpr size_t list_count = tags_max * sizeof(BlockTag) / unit_bytes + 2;

constinit FreeArray* free_arrays[list_count]{};

constexpr size_t list_of(size_t count) noexcept { return (count * sizeof(BlockTag) + unit_bytes - 1) / unit_bytes; }
static_assert(list_of(tags_max) < list_count);

}  // namespace

BlockTag* take_locked(size_t count) noexcept {
  FreeArray*& first = free_arrays[list_of(count)];
  FreeArray* array = first;
  if (array == nullptr) return static_cast<BlockTag*>(metadata::allocate_locked(count * sizeof(BlockTag)));
  first = array->next;
  array->next = nullptr;
  return reinterpret_cast<BlockTag*>(array);
}

void give_locked(BlockTag* array, size_t count) noexcept {
  FreeArray*& first = free_arrays[list_of(count)];
  auto* freed = reinterpret_cast<FreeArray*>(array);
  freed->next = first;
  first = freed;
}

void forget_after_fork() noexcept {
  for (FreeArray*& first : free_arrays) first = nullptr;
}

}  // namespace bursar::tags
