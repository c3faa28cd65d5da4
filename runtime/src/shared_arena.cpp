#include "bursar/shared_arena.h"

#include <atomic>

namespace bursar {
namespace {

std::atomic<std::uint64_t> identities{0};

}  // namespace

/// Apart from others by two cache lines, which are fetched together.
struct alignas(2 * memory_alignment) SharedArena::Part {
  Part(const ArenaOptions& options, std::uint64_t of_thread, Part* behind) noexcept
      : arena(options), thread(of_thread), next(behind) {}
  Arena arena;
  std::uint64_t thread;
  Part* next;
};

SharedArena::SharedArena(const ArenaOptions& options) noexcept
    : identity_(identities.fetch_add(1, std::memory_order_relaxed) + 1), options_(options) {}

SharedArena::~SharedArena() {
  for (Part* part = parts_; part != nullptr;) delete std::exchange(part, part->next);
}

Arena* SharedArena::try_find_local() noexcept {
  const std::uint64_t thread = thread_token();
  const std::lock_guard lock(lock_);
  Part* part = parts_;
  while (part != nullptr && part->thread != thread) part = part->next;
  if (part == nullptr) {
    part = new (std::nothrow) Part(options_, thread, parts_);
    if (part == nullptr) return nullptr;
    parts_ = part;
  }
  last = {identity_, &part->arena};
  return &part->arena;
}

void SharedArena::reset() noexcept {
  const std::lock_guard lock(lock_);
  for (Part* part = parts_; part != nullptr; part = part->next) part->arena.reset();
}

std::size_t SharedArena::parts() const noexcept {
  const std::lock_guard lock(lock_);
  std::size_t count = 0;
  for (const Part* part = parts_; part != nullptr; part = part->next) ++count;
  return count;
}

}  // namespace bursar
