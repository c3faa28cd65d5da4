// Records kept as columns: what a loop reads of each record lies together.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <numeric>
#include <span>
#include <utility>

#include "bursar/aligned_buffer.h"
#include "bursar/arena.h"
#include "bursar/batch_detail.h"
#include "bursar/memory.h"
#include "bursar/reduce.h"

namespace bursar {

/// A sequence of records of a plain struct, stored as one array for each of the members that are named:
///
///     struct Particle { float x, y; std::int64_t mass; };
///     Batch<&Particle::x, &Particle::y, &Particle::mass> particles;
///     particles.push_back({1, 2, 3});
///     for (float& x : particles.column<&Particle::x>()) x *= 2;
///     particles.sort_by<&Particle::mass>();
///     float sum = particles.sum<&Particle::x>();
///
/// All columns lie in one allocation, each begins at a multiple of 64 bytes, and behind each column's capacity 64 bytes may be read (their value
/// is unspecified). A Row stands for the record of an index: it reads and writes the columns. Iterators are std::random_access_iterators whose
/// reference is a Row, so std::ranges algorithms work on them, sort included. Growing, sort_by, reserve and shrink_to_fit
/// make spans, rows' references and iterators' rows of before invalid, as with std::vector.
///
/// The memory is the heap's, or an arena's, which must outlive the batch; then growing leaves the old columns to the arena.
/// Errors: std::bad_alloc (ArenaError with an arena), std::bad_array_new_length for a count beyond the address space; the try_ forms give false.
/// Every function that can fail leaves the batch as it was (the strong guarantee), but for what is said of a copy that throws in
/// a Row's assignment. Threads: as a std::vector. A moved-from batch is empty.
template <auto... members>
class Batch {
  template <typename BatchType>
  class BasicRow;
  template <typename BatchType>
  class BasicIterator;

 public:
  using Record = batch_detail::RecordOf<batch_detail::First<members...>::member>;
  static_assert((std::is_same_v<Record, batch_detail::RecordOf<members>> && ...), "all members must be of one struct");
  static_assert((batch_detail::ColumnElement<batch_detail::ElementOf<members>> && ...),
                "a column is moved when it grows, and nothing may go wrong then: elements need a noexcept move "
                "constructor and destructor");
  static_assert(std::is_default_constructible_v<Record>, "a record is made from nothing, then its members are filled");

  static constexpr std::size_t columns = sizeof...(members);
  template <auto member>
  static constexpr bool has_column = batch_detail::index_of<member, members...>() < columns;
  template <auto member>
  using Element = batch_detail::ElementOf<member>;

  using Row = BasicRow<Batch>;
  using ConstRow = BasicRow<const Batch>;
  using iterator = BasicIterator<Batch>;
  using const_iterator = BasicIterator<const Batch>;
  using value_type = Record;

  Batch() noexcept = default;
  explicit Batch(Arena& arena) noexcept : arena_(&arena) {}
  Batch(Batch&& other) noexcept { swap(other); }
  Batch& operator=(Batch&& other) noexcept {
    Batch taken(std::move(other));
    swap(taken);
    return *this;
  }
  // By way of the default one: then the destructor runs when a copy throws.
  Batch(const Batch& other) : Batch() {
    arena_ = other.arena_;
    reserve(other.size());
    for (std::size_t index = 0; index < other.size(); ++index) append_from(other, index);
  }
  Batch& operator=(const Batch& other) {
    Batch copy(other);
    swap(copy);
    return *this;
  }
  ~Batch() {
    destroy_all();
    give_back(block_, capacity_);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  /// What the columns take, padding included.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return capacity_ == 0 ? 0 : layout_of(capacity_).bytes; }

  /// One member of all records, in order. Its first element is at a multiple of 64 bytes.
  template <auto member>
  requires has_column<member>
  [[nodiscard]] std::span<Element<member>> column() noexcept { return {data<member>(), size_}; }
  template <auto member>
  requires has_column<member>
  [[nodiscard]] std::span<const Element<member>> column() const noexcept { return {data<member>(), size_}; }

  [[nodiscard]] Row operator[](std::size_t index) noexcept { return Row(this, index); }
  [[nodiscard]] ConstRow operator[](std::size_t index) const noexcept { return ConstRow(this, index); }
  [[nodiscard]] iterator begin() noexcept { return iterator(this, 0); }
  [[nodiscard]] iterator end() noexcept { return iterator(this, static_cast<std::ptrdiff_t>(size_)); }
  [[nodiscard]] const_iterator begin() const noexcept { return const_iterator(this, 0); }
  [[nodiscard]] const_iterator end() const noexcept { return const_iterator(this, static_cast<std::ptrdiff_t>(size_)); }

  void push_back(const Record& record) { static_cast<void>(append_or<OnNoMemory::throw_error>(record.*members...)); }
  void push_back(Record&& record) {
    static_cast<void>(append_or<OnNoMemory::throw_error>(std::move(record.*members)...));
  }
  /// The same, without a record: a value for each column. They may be elements of this batch.
  template <typename... Values>
  requires(batch_detail::AreConstructible<std::tuple<Element<members>...>, std::tuple<Values...>>::value) void append(
      Values&&... values) {
    static_cast<void>(append_or<OnNoMemory::throw_error>(std::forward<Values>(values)...));
  }
  /// False when there is no memory. What a copy throws is thrown.
  [[nodiscard]] bool try_push_back(const Record& record) {
    return append_or<OnNoMemory::give_null>(record.*members...);
  }
  [[nodiscard]] bool try_push_back(Record&& record) {
    return append_or<OnNoMemory::give_null>(std::move(record.*members)...);
  }
  template <typename... Values>
  requires(batch_detail::AreConstructible<std::tuple<Element<members>...>, std::tuple<Values...>>::value)
      [[nodiscard]] bool try_append(Values&&... values) {
    return append_or<OnNoMemory::give_null>(std::forward<Values>(values)...);
  }

  void reserve(std::size_t count) {
    if (count > capacity_) static_cast<void>(set_capacity<OnNoMemory::throw_error>(count));
  }
  [[nodiscard]] bool try_reserve(std::size_t count) noexcept {
    return count <= capacity_ || set_capacity<OnNoMemory::give_null>(count);
  }
  void shrink_to_fit() {
    if (size_ == 0) {
      clear();
      give_back(std::exchange(block_, nullptr), std::exchange(capacity_, 0));
      data_ = {};
    } else if (size_ < capacity_) {
      static_cast<void>(set_capacity<OnNoMemory::throw_error>(size_));
    }
  }

  void clear() noexcept {
    destroy_all();
    size_ = 0;
  }
  /// One that is empty ends the program with one line; so does an index below that is beyond the end.
  void pop_back() noexcept {
    if (size_ == 0) [[unlikely]]
      report_out_of_range("Batch::pop_back");
    --size_;
    for_each_column([&]<std::size_t k>() { std::destroy_at(data<k>() + size_); });
  }
  /// Takes records out and moves the later ones up. Cost: a move for each later record.
  void erase(std::size_t first, std::size_t last) noexcept;
  void erase(std::size_t index) noexcept {
    if (index >= size_) [[unlikely]]
      report_out_of_range("Batch::erase");
    erase(index, index + 1);
  }
  /// The last record takes the place of this one.
  void erase_unordered(std::size_t index) noexcept {
    if (index >= size_) [[unlikely]]
      report_out_of_range("Batch::erase_unordered");
    if (index != size_ - 1) {
      for_each_column([&]<std::size_t k>() { relocate(data<k>() + size_ - 1, data<k>() + index); });
    }
    pop_back();
  }

  /// Puts the records in the order of one column; equal ones stay in their order. Needs memory for the columns once more.
  template <auto member, typename Compare = std::less<>>
  requires has_column<member>
  void sort_by(Compare compare = {}) { static_cast<void>(sort_by_or<member, OnNoMemory::throw_error>(compare)); }
  /// False when there is no memory for it. What the comparison throws is thrown.
  template <auto member, typename Compare = std::less<>>
  requires has_column<member>
  [[nodiscard]] bool try_sort_by(Compare compare = {}) { return sort_by_or<member, OnNoMemory::give_null>(compare); }

  /// The sum of a column, by several accumulators (reduce.h): of int32 as int64, of floating-point numbers in another order than one by one.
  template <auto member>
  requires has_column<member>
  [[nodiscard]] auto sum() const noexcept { return reduce::sum(column<member>()); }
  /// The smallest and the largest element of a column; of none, what reduce.h says. NaNs may be passed over or not.
  template <auto member>
  requires has_column<member>
  [[nodiscard]] Element<member> minimum() const noexcept { return reduce::minimum(column<member>()); }
  template <auto member>
  requires has_column<member>
  [[nodiscard]] Element<member> maximum() const noexcept { return reduce::maximum(column<member>()); }
  /// How many elements of a column are greater.
  template <auto member>
  requires has_column<member>
  [[nodiscard]] std::size_t count_greater(Element<member> bound) const noexcept {
    return reduce::count_greater(column<member>(), bound);
  }

  void swap(Batch& other) noexcept {
    std::swap(arena_, other.arena_);
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  template <std::size_t k>
  using ElementAt = std::tuple_element_t<k, std::tuple<Element<members>...>>;

  /// Where each column begins in a block.
  struct Layout {
    std::array<std::size_t, columns> offsets;
    std::size_t bytes;
  };
  static constexpr std::size_t column_alignment = std::max({memory_alignment, alignof(Element<members>)...});
  static constexpr std::size_t record_bytes = (sizeof(Element<members>) + ...);
  static constexpr std::size_t tail_bytes = 64;
  static constexpr std::size_t capacity_min = 16;
  static constexpr std::size_t capacity_max =
      (static_cast<std::size_t>(PTRDIFF_MAX) - columns * (tail_bytes + column_alignment)) / record_bytes;

  [[nodiscard]] static constexpr Layout layout_of(std::size_t capacity) noexcept {
    Layout layout{};
    std::size_t offset = 0;
    std::size_t k = 0;
    for (const std::size_t element_bytes : {sizeof(Element<members>)...}) {
      layout.offsets[k++] = offset;
      offset =
          (offset + capacity * element_bytes + tail_bytes + column_alignment - 1) / column_alignment * column_alignment;
    }
    layout.bytes = offset;
    return layout;
  }

  template <typename Function>
  static void for_each_column(Function function) {
    [&]<std::size_t... k>(std::index_sequence<k...>) { (function.template operator()<k>(), ...); }
    (std::make_index_sequence<columns>());
  }

  template <std::size_t k>
  [[nodiscard]] ElementAt<k>* data() const noexcept {
    return reinterpret_cast<ElementAt<k>*>(data_[k]);
  }
  template <auto member>
  requires std::is_member_object_pointer_v<decltype(member)>
  [[nodiscard]] Element<member>* data() const noexcept {
    return std::assume_aligned<memory_alignment>(
        reinterpret_cast<Element<member>*>(data_[batch_detail::index_of<member, members...>()]));
  }

  template <typename T>
  static void relocate(T* from, T* to) noexcept {
    std::destroy_at(to);
    std::construct_at(to, std::move(*from));
  }

  template <OnNoMemory on_no_memory, typename... Values>
  [[nodiscard]] bool append_or(Values&&... values);
  /// A record of the values, in columns that begin at `to`.
  template <typename... Values>
  static void construct_record(const std::array<std::byte*, columns>& to, std::size_t index, Values&&... values);
  template <OnNoMemory on_no_memory, typename... Values>
  [[nodiscard, gnu::noinline]] bool grow_and_append(batch_detail::Passed<Values>... values);
  void append_from(const Batch& other, std::size_t index) {
    [&]<std::size_t... k>(std::index_sequence<k...>) {
      construct_record(data_, size_, std::as_const(other.template data<k>()[index])...);
    }
    (std::make_index_sequence<columns>());
    ++size_;
  }
  void destroy_all() noexcept {
    for_each_column([&]<std::size_t k>() {
      if constexpr (!std::is_trivially_destructible_v<ElementAt<k>>) std::destroy_n(data<k>(), size_);
    });
  }
  [[nodiscard]] std::size_t grown_capacity() const noexcept {
    return std::max(capacity_min, capacity_ <= capacity_max / 2 ? capacity_ * 2 : capacity_max + 1);
  }
  template <OnNoMemory on_no_memory>
  [[nodiscard]] bool set_capacity(std::size_t capacity) noexcept(on_no_memory == OnNoMemory::give_null);
  /// Room for so many records, or null where that is asked for.
  template <OnNoMemory on_no_memory>
  [[nodiscard]] std::byte* allocate(std::size_t capacity) noexcept(on_no_memory == OnNoMemory::give_null);
  void give_back(std::byte* block, std::size_t capacity) noexcept {
    if (arena_ == nullptr && block != nullptr) deallocate_memory(block, layout_of(capacity).bytes, column_alignment);
  }
  template <auto member, OnNoMemory on_no_memory, typename Compare>
  [[nodiscard]] bool sort_by_or(Compare compare);
  /// Goes over to a new block; `source` tells which record comes to an index.
  template <typename Source>
  void move_to(std::byte* block, std::size_t capacity, Source source) noexcept;

  // I1  block_ == nullptr: capacity_ == 0 and size_ == 0
  // I2  data_[k] == block_ + layout_of(capacity_).offsets[k], a multiple of 64
  // I3  the first size_ elements of every column are alive, the others are not
  std::array<std::byte*, columns> data_{};
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::byte* block_ = nullptr;
  Arena* arena_ = nullptr;
};

}  // namespace bursar

#include "bursar/batch_inline.h"
