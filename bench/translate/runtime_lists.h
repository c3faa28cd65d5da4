// Lists of the translator's tree in an arena: linked, since they are built and walked in order and nothing else.
#pragma once

#include <cstddef>
#include <iterator>

#include "bursar/arena.h"

namespace bursar::translate {

/// What a node has for the list it is in.
struct ListedNode {
  ListedNode* next = nullptr;
};

/// Nodes in order, linked through themselves: each in one list at most.
template <typename T>
class ArenaNodeList {
 public:
  class Iterator {
   public:
    using value_type = T*;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(T* node) : node_(node) {}
    T* operator*() const { return node_; }
    Iterator& operator++() {
      node_ = static_cast<T*>(node_->next);
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(Iterator left, Iterator right) = default;

   private:
    T* node_ = nullptr;
  };

  void push_back(T* node) {
    if (last_ == nullptr) {
      first_ = node;
    } else {
      last_->next = node;
    }
    last_ = node;
  }
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] Iterator begin() const { return Iterator(first_); }
  [[nodiscard]] Iterator end() const { return Iterator(); }

 private:
  T* first_ = nullptr;
  T* last_ = nullptr;
};

/// Values in order, each in a cell of the arena.
template <typename T>
class ArenaValueList {
  struct Cell {
    T value;
    Cell* next;
  };

 public:
  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(Cell* cell) : cell_(cell) {}
    T& operator*() const { return cell_->value; }
    Iterator& operator++() {
      cell_ = cell_->next;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(Iterator left, Iterator right) = default;

   private:
    Cell* cell_ = nullptr;
  };

  void push_back(Arena& arena, const T& value) {
    Cell* cell = arena.make<Cell>(value, nullptr);
    if (last_ == nullptr) {
      first_ = cell;
    } else {
      last_->next = cell;
    }
    last_ = cell;
  }
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] Iterator begin() const { return Iterator(first_); }
  [[nodiscard]] Iterator end() const { return Iterator(); }

 private:
  Cell* first_ = nullptr;
  Cell* last_ = nullptr;
};

}  // namespace bursar::translate
