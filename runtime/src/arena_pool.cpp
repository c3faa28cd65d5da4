#include "bursar/arena_pool.h"

#include <memory>

#include "bursar/bursar.h"
#include "runtime/src/misuse.h"

namespace bursar {

ArenaPool::ArenaPool(const ArenaPoolOptions& options) noexcept : options_(options) {}

ArenaPool::~ArenaPool() {
  trim();
  if (all_ != nullptr) report_misuse("ArenaPool: it ends before arenas that it lent");
}

ArenaPool::Node* ArenaPool::take_slow() noexcept {
  {
    const std::lock_guard lock(lock_);
    if (Node* node = idle_) {
      idle_ = node->next_idle;
      --idle_arenas_;
      idle_bytes_ -= node->arena.stats().held_bytes;
      return node;
    }
  }
  // Another thread's slot may have one: a thread that only takes lives on one that only gives back.
  for (Slot& slot : slots_) {
    if (slot.node.load(std::memory_order_relaxed) == nullptr) continue;
    if (Node* node = slot.node.exchange(nullptr, std::memory_order_acquire)) return node;
  }
  auto* node = new (std::nothrow) Node(*this, options_.arena);
  if (node == nullptr) return nullptr;
  const std::lock_guard lock(lock_);
  ++misses_;
  if (bursar_metrics_count != nullptr) bursar_metrics_count(BURSAR_POOL_MISSES, 1);
  node->next = all_;
  if (all_ != nullptr) all_->previous = node;
  all_ = node;
  return node;
}

void ArenaPool::give_back_slow(Node* node) noexcept {
  const std::size_t bytes = node->arena.stats().held_bytes;
  const std::lock_guard lock(lock_);
  if (idle_arenas_ >= options_.idle_arenas_max || bytes > options_.idle_bytes_max - idle_bytes_) {
    end_locked(node);
    return;
  }
  node->next_idle = idle_;
  idle_ = node;
  ++idle_arenas_;
  idle_bytes_ += bytes;
}

void ArenaPool::end_locked(Node* node) noexcept {
  (node->previous != nullptr ? node->previous->next : all_) = node->next;
  if (node->next != nullptr) node->next->previous = node->previous;
  tell_figures(*node);
  ended_checkouts_ += node->checkouts.load(std::memory_order_relaxed);
  delete node;
}

/// The first checkout of an arena is the miss that made it.
void ArenaPool::tell_figures(Node& node) noexcept {
  const std::uint64_t checkouts = node.checkouts.load(std::memory_order_relaxed);
  const std::uint64_t hits = checkouts - node.told_checkouts - (node.told_checkouts == 0 ? 1 : 0);
  node.told_checkouts = checkouts;
  if (hits != 0 && bursar_metrics_count != nullptr) {
    bursar_metrics_count(BURSAR_POOL_HITS, static_cast<std::int64_t>(hits));
  }
}

void ArenaPool::trim() noexcept {
  const std::lock_guard lock(lock_);
  for (Slot& slot : slots_) {
    if (Node* node = slot.node.exchange(nullptr, std::memory_order_acquire)) end_locked(node);
  }
  while (Node* node = idle_) {
    idle_ = node->next_idle;
    end_locked(node);
  }
  idle_arenas_ = 0;
  idle_bytes_ = 0;
}

ArenaPoolStats ArenaPool::stats() const noexcept {
  const std::lock_guard lock(lock_);
  ArenaPoolStats stats;
  std::uint64_t checkouts = ended_checkouts_;
  for (const Node* node = all_; node != nullptr; node = node->next) {
    ++stats.arenas;
    checkouts += node->checkouts.load(std::memory_order_relaxed);
  }
  stats.misses = misses_;
  stats.hits = checkouts > misses_ ? checkouts - misses_ : 0;
  stats.idle_arenas = idle_arenas_;
  stats.idle_bytes = idle_bytes_;
  for (const Slot& slot : slots_) {
    // Its bytes are not looked at: whoever takes it meanwhile writes them.
    if (slot.node.load(std::memory_order_relaxed) != nullptr) ++stats.idle_arenas;
  }
  return stats;
}

}  // namespace bursar
