// The bodies of batch.h: rows, iterators, growing, sorting. Included by batch.h alone.
#pragma once

namespace bursar {

/// A record in its columns. Copying a Row makes another that stands for the same record; assigning to one writes the columns. (A copy that throws
/// half-way leaves the columns before it written.)
template <auto... members>
template <typename BatchType>
class Batch<members...>::BasicRow {
 public:
  BasicRow(BatchType* batch, std::size_t index) noexcept : batch_(batch), index_(index) {}
  BasicRow(const BasicRow&) noexcept = default;

  template <auto member>
  requires has_column<member>
  [[nodiscard]] auto& get() const noexcept { return batch_->template column<member>()[index_]; }
  /// A copy of the record; members without a column are as Record() makes them.
  [[nodiscard]] Record load() const {
    Record record{};
    ((record.*members = get<members>()), ...);
    return record;
  }
  operator Record() const { return load(); }  // NOLINT: a row is used where a record is wanted

  const BasicRow& operator=(const Record& record) const requires(!std::is_const_v<BatchType>) {
    ((get<members>() = record.*members), ...);
    return *this;
  }
  const BasicRow& operator=(Record&& record) const requires(!std::is_const_v<BatchType>) {
    ((get<members>() = std::move(record.*members)), ...);
    return *this;
  }
  const BasicRow& operator=(const BasicRow& other) const requires(!std::is_const_v<BatchType>) {
    if (batch_ != other.batch_ || index_ != other.index_) ((get<members>() = other.template get<members>()), ...);
    return *this;
  }
  BasicRow& operator=(const BasicRow& other) {
    std::as_const(*this) = other;
    return *this;
  }

  friend void swap(const BasicRow& left, const BasicRow& right) noexcept requires(!std::is_const_v<BatchType>) {
    left.exchange_with(right);
  }
  /// Exchanges what the two rows hold.
  void exchange_with(const BasicRow& other) const noexcept {
    using std::swap;
    if (index_ != other.index_) (swap(get<members>(), other.template get<members>()), ...);
  }

 private:
  BatchType* batch_;
  std::size_t index_;
};

template <auto... members>
template <typename BatchType>
class Batch<members...>::BasicIterator {
 public:
  using iterator_concept = std::random_access_iterator_tag;
  // For algorithms from before C++20 it is less, since its reference is no reference.
  using iterator_category = std::input_iterator_tag;
  using value_type = Record;
  using difference_type = std::ptrdiff_t;
  using reference = BasicRow<BatchType>;
  using pointer = void;

  BasicIterator() noexcept = default;
  BasicIterator(BatchType* batch, difference_type index) noexcept : batch_(batch), index_(index) {}
  /// An iterator that writes is one that reads.
  operator BasicIterator<const BatchType>() const noexcept {  // NOLINT
    return {batch_, index_};
  }

  [[nodiscard]] reference operator*() const noexcept { return {batch_, static_cast<std::size_t>(index_)}; }
  [[nodiscard]] reference operator[](difference_type distance) const noexcept { return *(*this + distance); }
  BasicIterator& operator++() noexcept { return *this += 1; }
  BasicIterator& operator--() noexcept { return *this -= 1; }
  BasicIterator operator++(int) noexcept { return std::exchange(*this, *this + 1); }
  BasicIterator operator--(int) noexcept { return std::exchange(*this, *this - 1); }
  BasicIterator& operator+=(difference_type distance) noexcept {
    index_ += distance;
    return *this;
  }
  BasicIterator& operator-=(difference_type distance) noexcept { return *this += -distance; }
  friend BasicIterator operator+(BasicIterator iterator, difference_type distance) noexcept {
    return iterator += distance;
  }
  friend BasicIterator operator+(difference_type distance, BasicIterator iterator) noexcept {
    return iterator += distance;
  }
  friend BasicIterator operator-(BasicIterator iterator, difference_type distance) noexcept {
    return iterator -= distance;
  }
  friend difference_type operator-(const BasicIterator& left, const BasicIterator& right) noexcept {
    return left.index_ - right.index_;
  }
  friend bool operator==(const BasicIterator& left, const BasicIterator& right) noexcept {
    return left.index_ == right.index_;
  }
  friend auto operator<=>(const BasicIterator& left, const BasicIterator& right) noexcept {
    return left.index_ <=> right.index_;
  }

  /// The record moved out of its columns: what std::ranges algorithms keep aside.
  friend Record iter_move(const BasicIterator& iterator) {
    Record record{};
    if constexpr (std::is_const_v<BatchType>) {
      record = (*iterator).load();
    } else {
      ((record.*members = std::move((*iterator).template get<members>())), ...);
    }
    return record;
  }
  friend void iter_swap(const BasicIterator& left, const BasicIterator& right) noexcept
      requires(!std::is_const_v<BatchType>) {
    (*left).exchange_with(*right);
  }

 private:
  BatchType* batch_ = nullptr;
  difference_type index_ = 0;
};

template <auto... members>
template <OnNoMemory on_no_memory, typename... Values>
[[gnu::always_inline]] inline bool Batch<members...>::append_or(Values&&... values) {
  if (size_ == capacity_) [[unlikely]]
    return grow_and_append<on_no_memory, Values...>(std::forward<Values>(values)...);
  construct_record(data_, size_, std::forward<Values>(values)...);
  ++size_;
  return true;
}

template <auto... members>
template <typename... Values>
[[gnu::always_inline]] inline void Batch<members...>::construct_record(const std::array<std::byte*, columns>& to,
                                                                       std::size_t index, Values&&... values) {
  constexpr bool is_nothrow = (std::is_nothrow_constructible_v<Element<members>, Values> && ...);
  [&]<std::size_t... k>(std::index_sequence<k...>) {
    if constexpr (is_nothrow) {
      (std::construct_at(reinterpret_cast<ElementAt<k>*>(to[k]) + index, std::forward<Values>(values)), ...);
    } else {
      // Ends what was begun of the record when a later column's constructor throws. (A destructor, not a catch: it works without exceptions.)
      struct DestroyUnlessDone {
        const std::array<std::byte*, columns>& to;
        std::size_t index;
        bool is_done = false;
        std::size_t constructed = 0;
        ~DestroyUnlessDone() {
          if (is_done) return;
          static_cast<void>(
              ((k < constructed ? std::destroy_at(reinterpret_cast<ElementAt<k>*>(to[k]) + index) : void()), ...));
        }
      } undo{to, index};
      ((std::construct_at(reinterpret_cast<ElementAt<k>*>(to[k]) + index, std::forward<Values>(values)),
        ++undo.constructed),
       ...);
      undo.is_done = true;
    }
  }
  (std::make_index_sequence<columns>());
}

/// The new record first, then those before it: its values may be elements of theirs.
template <auto... members>
template <OnNoMemory on_no_memory, typename... Values>
bool Batch<members...>::grow_and_append(batch_detail::Passed<Values>... values) {
  const std::size_t capacity = grown_capacity();
  std::byte* block = allocate<on_no_memory>(capacity);
  if (block == nullptr) return false;
  struct GiveBackUnlessDone {
    Batch* batch;
    std::byte* block;
    std::size_t capacity;
    ~GiveBackUnlessDone() {
      if (block != nullptr) batch->give_back(block, capacity);
    }
  } undo{this, block, capacity};
  const Layout layout = layout_of(capacity);
  std::array<std::byte*, columns> to;
  for (std::size_t k = 0; k < columns; ++k) to[k] = block + layout.offsets[k];
  construct_record(to, size_, std::forward<Values>(values)...);
  undo.block = nullptr;
  move_to(block, capacity, [](std::size_t index) { return index; });
  ++size_;
  return true;
}

template <auto... members>
template <OnNoMemory on_no_memory>
std::byte* Batch<members...>::allocate(std::size_t capacity) noexcept(on_no_memory == OnNoMemory::give_null) {
  constexpr bool gives_null = on_no_memory == OnNoMemory::give_null;
  if (capacity > capacity_max) [[unlikely]] {
    if constexpr (!gives_null) throw_bad_array_length();
    return nullptr;
  }
  const std::size_t bytes = layout_of(capacity).bytes;
  void* block = nullptr;
  if (arena_ == nullptr) {
    block = allocate_memory_or<on_no_memory>(bytes, column_alignment);
  } else if constexpr (gives_null) {
    block = arena_->try_allocate(bytes, column_alignment);
  } else {
    block = arena_->allocate(bytes, column_alignment);
  }
  return static_cast<std::byte*>(block);
}

template <auto... members>
template <OnNoMemory on_no_memory>
bool Batch<members...>::set_capacity(std::size_t capacity) noexcept(on_no_memory == OnNoMemory::give_null) {
  std::byte* block = allocate<on_no_memory>(capacity);
  if (block == nullptr) return false;
  move_to(block, capacity, [](std::size_t index) { return index; });
  return true;
}

template <auto... members>
template <typename Source>
void Batch<members...>::move_to(std::byte* block, std::size_t capacity, Source source) noexcept {
  const Layout layout = layout_of(capacity);
  for_each_column([&]<std::size_t k>() {
    auto* to = reinterpret_cast<ElementAt<k>*>(block + layout.offsets[k]);
    ElementAt<k>* from = data<k>();
    for (std::size_t index = 0; index < size_; ++index) std::construct_at(to + index, std::move(from[source(index)]));
    if constexpr (!std::is_trivially_destructible_v<ElementAt<k>>) std::destroy_n(from, size_);
    data_[k] = block + layout.offsets[k];
  });
  give_back(std::exchange(block_, block), std::exchange(capacity_, capacity));
}

template <auto... members>
void Batch<members...>::erase(std::size_t first, std::size_t last) noexcept {
  if (first > last || last > size_) [[unlikely]]
    report_out_of_range("Batch::erase");
  if (first == last) return;
  for_each_column([&]<std::size_t k>() {
    ElementAt<k>* column = data<k>();
    for (std::size_t from = last; from < size_; ++from) relocate(column + from, column + first + (from - last));
    std::destroy(column + size_ - (last - first), column + size_);
  });
  size_ -= last - first;
}

template <auto... members>
template <auto member, OnNoMemory on_no_memory, typename Compare>
bool Batch<members...>::sort_by_or(Compare compare) {
  constexpr bool gives_null = on_no_memory == OnNoMemory::give_null;
  if (size_ < 2) return true;
  using Order = AlignedBuffer<std::size_t>;
  Order order = gives_null ? Order::try_for_overwrite(size_) : Order::for_overwrite(size_);
  if (!order.is_allocated()) return false;
  std::iota(order.begin(), order.end(), std::size_t{0});
  const Element<member>* keys = data<member>();
  std::sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
    if (compare(keys[left], keys[right])) return true;
    return left < right && !compare(keys[right], keys[left]);
  });
  std::byte* block = allocate<on_no_memory>(capacity_);
  if (block == nullptr) return false;
  move_to(block, capacity_, [&](std::size_t index) { return order[index]; });
  return true;
}

}  // namespace bursar
