// Arenas that are lent to one task after another, on any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

#include "bursar/arena.h"
#include "bursar/export.h"
#include "bursar/thread_token.h"

namespace bursar {

/// What a pool keeps of the arenas that nobody has.
struct ArenaPoolOptions {
  ArenaOptions arena;                                          ///< of each one
  std::size_t idle_arenas_max = 64;                            ///< one that comes back beyond it ends
  std::size_t idle_bytes_max = std::size_t{64} * 1024 * 1024;  ///< the same for what idle arenas hold together
};

struct ArenaPoolStats {
  std::uint64_t hits = 0;    ///< checkouts that an idle arena served
  std::uint64_t misses = 0;  ///< checkouts that made an arena
  std::size_t arenas = 0;    ///< lent and idle
  std::size_t idle_arenas = 0;
  std::size_t idle_bytes = 0;  ///< what they hold, but for up to one arena a thread that is kept at hand
};

class PooledArena;

/// Lends arenas: checkout() gives an empty one, whose handle brings it back, reset. An arena keeps memory for the most it needed lately
/// (Arena::reset), so that tasks of like size call the heap no more once the pool is warm.
///
/// Threads: every function from any thread; a handle may come back from another thread than it was given to. The pool must outlive the
/// handles: one that ends before them ends the program with one line.
/// Errors: checkout throws std::bad_alloc when an arena cannot be made; try_checkout gives an empty handle.
/// Cost: two atomic exchanges for lending and taking back, while no more threads than 16 do so at a time; else a lock.
class BURSAR_RUNTIME_EXPORT ArenaPool {
 public:
  ArenaPool() noexcept : ArenaPool(ArenaPoolOptions{}) {}
  explicit ArenaPool(const ArenaPoolOptions& options) noexcept;
  ArenaPool(const ArenaPool&) = delete;
  ArenaPool& operator=(const ArenaPool&) = delete;
  ~ArenaPool();

  [[nodiscard]] PooledArena checkout();
  [[nodiscard]] PooledArena try_checkout() noexcept;

  /// Ends all idle arenas and gives their memory back.
  void trim() noexcept;
  /// A moment's figures: what other threads do meanwhile may be in them or not.
  [[nodiscard]] ArenaPoolStats stats() const noexcept;

 private:
  friend class PooledArena;

  /// An arena and what the pool knows of it. Apart from others by two cache lines, which are fetched together.
  struct alignas(2 * memory_alignment) Node {
    Node(ArenaPool& owner, const ArenaOptions& options) noexcept : arena(options), pool(&owner) {}
    Arena arena;
    ArenaPool* pool;
    Node* next_idle = nullptr;                // GUARDED_BY(lock_), while idle and in no slot
    Node* next = nullptr;                     // GUARDED_BY(lock_): all of the pool's
    Node* previous = nullptr;                 // GUARDED_BY(lock_)
    std::atomic<std::uint64_t> checkouts{0};  // written by who has it; relaxed, others only read
    std::uint64_t told_checkouts = 0;         // to the process's figures; touched by who has it
  };
  struct alignas(2 * memory_alignment) Slot {
    std::atomic<Node*> node{nullptr};
  };
  /// Of one arena: then the process's figures hear of them. An atomic addition that costs less than 0.1 ns each time.
  static constexpr std::uint64_t checkouts_at_once = 256;
  static constexpr std::size_t slots = 16;  // threads that lend at the same time without meeting, for the most part

  [[nodiscard]] Node* take() noexcept;
  void give_back(Node* node) noexcept;
  [[nodiscard]] Node* take_slow() noexcept;
  void give_back_slow(Node* node) noexcept;
  void end_locked(Node* node) noexcept;
  static void tell_figures(Node& node) noexcept;
  [[nodiscard]] Slot& slot_of_thread() noexcept { return slots_[thread_token() % slots]; }

  // I1  every node is in the list all_; it is lent, or in a slot, or in idle_
  // I2  a node in a slot or in idle_ has an empty arena, and nobody touches it but who takes it out
  ArenaPoolOptions options_;
  std::array<Slot, slots> slots_;
  mutable std::mutex lock_;
  Node* all_ = nullptr;                // GUARDED_BY(lock_)
  Node* idle_ = nullptr;               // GUARDED_BY(lock_)
  std::size_t idle_arenas_ = 0;        // GUARDED_BY(lock_): in idle_
  std::size_t idle_bytes_ = 0;         // GUARDED_BY(lock_): the same
  std::uint64_t misses_ = 0;           // GUARDED_BY(lock_)
  std::uint64_t ended_checkouts_ = 0;  // GUARDED_BY(lock_): of nodes that have ended
};

/// A lent arena, of 8 bytes: it goes back when the handle ends. Empty after a move.
class [[nodiscard]] PooledArena {
 public:
  PooledArena() noexcept = default;
  PooledArena(PooledArena&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  PooledArena& operator=(PooledArena&& other) noexcept {
    if (this != &other) {
      reset();
      node_ = std::exchange(other.node_, nullptr);
    }
    return *this;
  }
  ~PooledArena() { reset(); }

  [[nodiscard]] Arena& operator*() const noexcept { return node_->arena; }
  [[nodiscard]] Arena* operator->() const noexcept { return &node_->arena; }
  explicit operator bool() const noexcept { return node_ != nullptr; }
  /// Brings it back now.
  void reset() noexcept {
    if (ArenaPool::Node* node = std::exchange(node_, nullptr)) node->pool->give_back(node);
  }

 private:
  friend class ArenaPool;
  explicit PooledArena(ArenaPool::Node* node) noexcept : node_(node) {}

  ArenaPool::Node* node_ = nullptr;
};
static_assert(sizeof(PooledArena) == 8);

inline ArenaPool::Node* ArenaPool::take() noexcept {
  // Acquire: what the thread did that gave it back comes first (release in give_back).
  Node* node = slot_of_thread().node.exchange(nullptr, std::memory_order_acquire);
  if (node == nullptr) [[unlikely]]
    node = take_slow();
  if (node == nullptr) [[unlikely]]
    return nullptr;
  const std::uint64_t checkouts = node->checkouts.load(std::memory_order_relaxed) + 1;
  node->checkouts.store(checkouts, std::memory_order_relaxed);
  if (checkouts % checkouts_at_once == 0) [[unlikely]]
    tell_figures(*node);
  return node;
}

inline void ArenaPool::give_back(Node* node) noexcept {
  node->arena.reset();
  Node* expected = nullptr;
  if (!slot_of_thread().node.compare_exchange_strong(expected, node, std::memory_order_release,
                                                     std::memory_order_relaxed)) [[unlikely]] {
    give_back_slow(node);
  }
}

inline PooledArena ArenaPool::try_checkout() noexcept { return PooledArena(take()); }

inline PooledArena ArenaPool::checkout() {
  Node* node = take();
  if (node == nullptr) [[unlikely]]
    throw_bad_alloc();
  return PooledArena(node);
}

}  // namespace bursar
