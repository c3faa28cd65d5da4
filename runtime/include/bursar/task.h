// Tasks for C++: named pieces of work that the account tells apart.
#pragma once

#include <bursar/bursar.h>

#include <cstddef>
#include <utility>

namespace bursar {

/// Where malloc and operator new of a task's first thread get their blocks from.
enum class TaskMemory : unsigned { heap = BURSAR_TASK_DEFAULT, arena = BURSAR_TASK_ARENA };

/// A task from its beginning to its end. What the thread allocates in between counts as the task's, whoever frees it and whenever.
/// Without bursar in the process, and when there are 65,535 tasks already, it is nothing, and all its functions do nothing.
///
///     bursar::Task task("GET /search");
///     task.label(url.c_str());
///
/// May move between threads, but one object is for one thread at a time. A thread that began a task and gave the object away stays in it until it
/// switches to another, begins one, or ends: begin what is to be handed over by detached(). Allocates nothing. Cost: see bursar_task_begin.
class [[nodiscard]] Task {
 public:
  /// Begins a task on the calling thread, within the one it is in. `kind` need not live longer than the call.
  explicit Task(const char* kind, TaskMemory memory = TaskMemory::heap) noexcept
      : handle_(bursar_task_begin == nullptr ? nullptr : bursar_task_begin(kind, static_cast<unsigned>(memory))) {}

  /// A task that no thread is in yet, and within no other: for work that is handed to others, who go into it by a TaskSwitch.
  static Task detached(const char* kind) noexcept;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    if (this == &other) return *this;
    end();
    handle_ = std::exchange(other.handle_, nullptr);
    return *this;
  }
  ~Task() { end(); }

  /// Ends it now; where other threads are in it, with the last of them (bursar_task_end).
  void end() noexcept {
    if (handle_ != nullptr) bursar_task_end(std::exchange(handle_, nullptr));
  }

  /// Tells it from others of its kind. 47 bytes of the text are kept.
  void label(const char* text) noexcept {
    if (handle_ != nullptr) bursar_task_label(handle_, text);
  }

  /// At most so many bytes of it may live at a time; 0 takes the limit away. False when nobody holds the task to it: there is no bursar, or it
  /// keeps no account.
  bool set_budget(size_t bytes) noexcept { return handle_ != nullptr && bursar_task_set_budget(handle_, bytes) == 0; }

  /// Null when it is nothing: without bursar, after end(), moved from.
  [[nodiscard]] bursar_task* handle() const noexcept { return handle_; }

 private:
  bursar_task* handle_;
};

/// The thread is in another task while this lives, and then again in the one it was in: for pools and coroutines, around each stretch of
/// work between two suspensions. Pre: ends in the thread that began it, last begun first.
class [[nodiscard]] TaskSwitch {
 public:
  /// A null handle stands for outside of all tasks.
  explicit TaskSwitch(bursar_task* task) noexcept
      : before_(bursar_task_switch == nullptr ? nullptr : bursar_task_switch(task)) {}
  explicit TaskSwitch(const Task& task) noexcept : TaskSwitch(task.handle()) {}

  TaskSwitch(const TaskSwitch&) = delete;
  TaskSwitch& operator=(const TaskSwitch&) = delete;
  ~TaskSwitch() {
    if (bursar_task_switch != nullptr) (void)bursar_task_switch(before_);
  }

 private:
  bursar_task* before_;
};

inline Task Task::detached(const char* kind) noexcept {
  bursar_task* const before = bursar_task_switch == nullptr ? nullptr : bursar_task_switch(nullptr);
  Task task(kind);
  if (bursar_task_switch != nullptr) (void)bursar_task_switch(before);
  return task;
}

}  // namespace bursar
