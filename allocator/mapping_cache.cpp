// Mappings of large blocks that were freed a moment ago.
#include "allocator/mapping_cache.h"

#include "allocator/os.h"
#include "allocator/page_source.h"
#include "allocator/settings.h"

namespace bursar {
namespace {

/// Where the address space cannot be given back (a sandbox, or too many mappings), at least the memory is.
void give_up(Mapping mapping) noexcept {
  void* start = pointer_to(mapping.start);
  if (!page_source::unmap(start, mapping.bytes)) (void)page_source::purge(start, mapping.bytes);
}

}  // namespace

Mapping MappingCache::take_locked(size_t bytes, size_t alignment) noexcept {
  Entry* best = nullptr;
  for (Entry& entry : entries_) {
    const Mapping& mapping = entry.mapping;
    if (mapping.start == 0 || mapping.bytes < bytes || mapping.bytes - bytes > bytes / 4) continue;
    if (mapping.start % alignment != 0) continue;
    if (best == nullptr || mapping.bytes < best->mapping.bytes) best = &entry;
  }
  if (best == nullptr) return {};
  const Mapping found = best->mapping;
  kept_bytes_.fetch_sub(found.bytes, std::memory_order_relaxed);
  *best = {};
  return found;
}

void MappingCache::put_locked(Mapping mapping) noexcept {
  if (mapping.bytes > kept_bytes_max / 2 || settings.purge_ms == 0) {
    return give_up(mapping);
  }
  while (kept_bytes() + mapping.bytes > kept_bytes_max) drop(*oldest());
  Entry* place = nullptr;
  for (Entry& entry : entries_) {
    if (entry.mapping.start == 0) place = &entry;
  }
  if (place == nullptr) {
    place = oldest();
    drop(*place);
  }
  *place = {mapping, os::now_ms()};
  kept_bytes_.fetch_add(mapping.bytes, std::memory_order_relaxed);
}

bool MappingCache::purge_locked(uint64_t kept_before_ms) noexcept {
  bool any = false;
  for (Entry& entry : entries_) {
    if (entry.mapping.start == 0 || entry.since_ms >= kept_before_ms) continue;
    drop(entry);
    any = true;
  }
  return any;
}

void MappingCache::drop(Entry& entry) noexcept {
  give_up(entry.mapping);
  kept_bytes_.fetch_sub(entry.mapping.bytes, std::memory_order_relaxed);
  entry = {};
}

void MappingCache::forget_after_fork() noexcept {
  for (Entry& entry : entries_) entry = {};
  kept_bytes_.store(0, std::memory_order_relaxed);
}

MappingCache::Entry* MappingCache::oldest() noexcept {
  Entry* oldest = nullptr;
  for (Entry& entry : entries_) {
    if (entry.mapping.start == 0) continue;
    if (oldest == nullptr || entry.since_ms < oldest->since_ms) oldest = &entry;
  }
  return oldest;
}

}  // namespace bursar
