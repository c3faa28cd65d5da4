// The terminal that `bursar top` draws on, by ncurses.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "tools/bursar/top_view.h"

namespace bursar::tool {

enum class Event : unsigned char { key, resized, nothing, ended };

struct Input {
  Event event = Event::nothing;
  Key key;
};

/// While it lives, the terminal is its own; then it is as before. One at a time.
///   I1  signals that end the process or tell of a new size are blocked but in wait(): the screen is whole when they are looked at
class Terminal {
 public:
  /// Throws a Fault where standard input or output is none, or of a kind that nobody knows.
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] size_t width() const;
  [[nodiscard]] size_t height() const;

  void draw(const std::vector<Line>& lines);

  /// The next key; `nothing` after this time, `ended` where a signal or the terminal itself says that it is over.
  [[nodiscard]] Input wait(std::chrono::milliseconds time_max);

 private:
  bool knows_utf8_;
};

/// Dies of the signal that ended the last terminal's waiting; returns where that is SIGINT, or none: then the user is done.
void die_of_signal();

}  // namespace bursar::tool
