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
template <typename... Values>
[[gnu::always_inline]] inline void Batch<members...>::construct_at_end(Values&&... values) {
  constexpr bool is_nothrow = (std::is_nothrow_constructible_v<Element<members>, Values> && ...);
  [&]<std::size_t... k>(std::index_sequence<k...>) {
    if constexpr (is_nothrow) {
      (std::construct_at(data<k>() + size_, std::forward<Values>(values)), ...);
    } else {
      // Ends what was begun of the record when a later column's constructor throws. (A destructor, not a catch: it works without exceptions.)
      struct DestroyUnlessDone {
        Batch* batch;
        std::size_t constructed = 0;
        ~DestroyUnlessDone() {
          if (batch == nullptr) return;
          static_cast<void>(
              ((k < constructed ? std::destroy_at(batch->template data<k>() + batch->size_) : void()), ...));
        }
      } undo{this};
      ((std::construct_at(data<k>() + size_, std::forward<Values>(values)), ++undo.constructed), ...);
      undo.batch = nullptr;
    }
  }
  (std::make_index_sequence<columns>());
  ++size_;
}

template <auto... members>
void Batch<members...>::set_capacity(std::size_t capacity) {
  if (capacity > capacity_max) throw_bad_array_length();
  if (try_set_capacity(capacity)) return;
  // The arena's own words say more than ours.
  if (arena_ != nullptr) static_cast<void>(arena_->allocate(layout_of(capacity).bytes, column_alignment));
  throw_bad_alloc();
}

template <auto... members>
bool Batch<members...>::try_set_capacity(std::size_t capacity) noexcept {
  if (capacity > capacity_max) return false;
  std::byte* block = try_allocate(capacity);
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
  if (first == last) return;
  for_each_column([&]<std::size_t k>() {
    ElementAt<k>* column = data<k>();
    for (std::size_t from = last; from < size_; ++from) relocate(column + from, column + first + (from - last));
    std::destroy(column + size_ - (last - first), column + size_);
  });
  size_ -= last - first;
}

template <auto... members>
void Batch<members...>::put_in_order(const std::vector<std::size_t>& order) {
  if (order.empty()) return;
  std::byte* block = try_allocate(capacity_);
  if (block == nullptr) {
    if (arena_ != nullptr) static_cast<void>(arena_->allocate(layout_of(capacity_).bytes, column_alignment));
    throw_bad_alloc();
  }
  move_to(block, capacity_, [&](std::size_t index) { return order[index]; });
}

}  // namespace bursar
