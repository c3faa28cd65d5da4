// Objects of one type that come and go: their memory is kept for the next.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "bursar/pool_core.h"

namespace bursar {

template <typename T>
concept Poolable = std::is_object_v<T> && !std::is_array_v<T> && std::is_nothrow_destructible_v<T>;

/// An object of a pool, of 8 bytes: it is destroyed, and its memory goes back to the pool, when the handle ends, on whatever thread.
/// Empty after a move. T may be incomplete where the handle is a member: nodes of a tree may hold each other.
template <typename T>
class [[nodiscard]] PooledObject {
 public:
  PooledObject() noexcept = default;
  PooledObject(PooledObject&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  PooledObject& operator=(PooledObject&& other) noexcept {
    if (this != &other) {
      reset();
      object_ = std::exchange(other.object_, nullptr);
    }
    return *this;
  }
  ~PooledObject() { reset(); }

  [[nodiscard]] T& operator*() const noexcept { return *object_; }
  [[nodiscard]] T* operator->() const noexcept { return object_; }
  [[nodiscard]] T* get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

  /// Releases the object now.
  void reset() noexcept {
    if (T* object = std::exchange(object_, nullptr)) {
      std::destroy_at(object);
      pool_detail::slab_of(object, pool_detail::shape_of<T>().slab_bytes)->core->release(object);
    }
  }

 private:
  template <typename>
  friend class ObjectPool;
  explicit PooledObject(T* object) noexcept : object_(object) {}

  T* object_ = nullptr;
};

/// Makes objects in memory that it keeps: an object's end takes two stores, whatever the number of objects, and the next one gets the
/// memory that is still warm.
///
/// Threads: the thread that acquires first owns the pool: it alone acquires, trims and reads the figures (another ends the program with
/// one line), until adopt() gives the pool to another. Handles may end on any thread. The pool must outlive the objects: one that ends before
/// them ends the program with one line.
/// Errors: acquire throws std::bad_alloc beyond objects_max or without memory; try_acquire gives an empty handle. When the constructor
/// throws, the pool is as it was. A moved-from pool is empty, and has the same options.
/// Cost: 2 to 3 ns for an acquire and a release on the owner's thread, one compare-and-swap for a release on another; a call of the heap for 32 KiB
/// of objects.
template <typename T>
class ObjectPool {
  static_assert(Poolable<T>, "a pool keeps objects, no arrays, whose destructor is noexcept");

 public:
  ObjectPool() noexcept = default;
  explicit ObjectPool(const ObjectPoolOptions& options) noexcept : options_(options) {}
  ObjectPool(ObjectPool&& other) noexcept : options_(other.options_), core_(std::move(other.core_)) {}
  ObjectPool& operator=(ObjectPool&& other) noexcept {
    options_ = other.options_;
    core_ = std::move(other.core_);
    return *this;
  }

  template <typename... Arguments>
  [[nodiscard]] PooledObject<T> acquire(Arguments&&... arguments) {
    void* slot = acquire_slot<OnNoMemory::throw_error>();
    if (slot == nullptr) [[unlikely]]
      throw_bad_alloc();
    return construct(slot, std::forward<Arguments>(arguments)...);
  }

  template <typename... Arguments>
  [[nodiscard]] PooledObject<T> try_acquire(Arguments&&... arguments) {
    void* slot = acquire_slot<OnNoMemory::give_null>();
    if (slot == nullptr) [[unlikely]]
      return {};
    return construct(slot, std::forward<Arguments>(arguments)...);
  }

  /// Gives back what no object uses, by blocks of 32 KiB. Cost: a step for every idle object.
  void trim() noexcept {
    if (core_ != nullptr) core_->trim();
  }
  /// From now on the calling thread owns the pool. What its owner did must have happened before.
  void adopt() noexcept {
    if (core_ != nullptr) core_->adopt();
  }
  [[nodiscard]] ObjectPoolStats stats() const noexcept { return core_ == nullptr ? ObjectPoolStats{} : core_->stats(); }
  [[nodiscard]] const ObjectPoolOptions& options() const noexcept { return options_; }
  void validate() const noexcept {
    if (core_ != nullptr) core_->validate();
  }

 private:
  /// Brings a slot back whose object's constructor threw. (A destructor, not a catch: it works without exceptions.)
  struct ReleaseUnlessDone {
    pool_detail::Core* core;
    void* slot;
    ~ReleaseUnlessDone() {
      if (slot != nullptr) [[unlikely]]
        core->release(slot);
    }
  };

  template <OnNoMemory on_no_memory>
  [[nodiscard]] void* acquire_slot() noexcept(on_no_memory == OnNoMemory::give_null) {
    if (core_ == nullptr) [[unlikely]] {
      core_.reset(new (std::nothrow) pool_detail::Core(pool_detail::shape_of<T>(), options_));
      if (core_ == nullptr) return nullptr;
    }
    return core_->template acquire<on_no_memory>();
  }

  template <typename... Arguments>
  [[nodiscard]] PooledObject<T> construct(void* slot, Arguments&&... arguments) {
    ReleaseUnlessDone undo{core_.get(), slot};
    T* object = nullptr;
    if constexpr (std::is_constructible_v<T, Arguments...>) {
      object = ::new (slot) T(std::forward<Arguments>(arguments)...);
    } else {
      object = ::new (slot) T{std::forward<Arguments>(arguments)...};
    }
    undo.slot = nullptr;
    return PooledObject<T>(object);
  }

  ObjectPoolOptions options_;
  std::unique_ptr<pool_detail::Core> core_;
};

}  // namespace bursar
