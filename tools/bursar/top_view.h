// What `bursar top` shows, and what each key does: without a terminal, so that it can be tested.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/bursar/top_rows.h"

namespace bursar::tool {

enum class Style : unsigned char { plain, heading, header, selected, faint, fault, footer };

/// A line that is at most as wide as was asked for. `strong_*` is the title of the column that sorts; `keys` are the columns of
/// letters that sort by the column they stand in.
struct Line {
  std::string text;
  Style style = Style::plain;
  size_t strong_start = 0;
  size_t strong_width = 0;
  std::vector<size_t> keys;
};

enum class KeyName : unsigned char {
  character,
  up,
  down,
  left,
  right,
  page_up,
  page_down,
  home,
  end,
  enter,
  escape,
  tab,
  back_tab,
  backspace,
};

struct Key {
  KeyName name = KeyName::character;
  std::string character;  // UTF-8
};

/// Of all ledgers there is a list, from which one is opened; of one there is only that one.
enum class Scope : unsigned char { all, one };

class View {
 public:
  View(Scope scope, double interval_seconds) : scope_(scope), interval_seconds_(interval_seconds) {}

  /// What was read just now, and how many ledgers belong to other users. While the view is paused, it is let go.
  void take(std::vector<Subject> subjects, uint64_t of_others = 0);

  void press(const Key& key);

  [[nodiscard]] bool is_paused() const noexcept { return is_paused_; }
  [[nodiscard]] bool wants_to_quit() const noexcept { return wants_to_quit_; }

  /// At most so many lines, none wider than that.
  [[nodiscard]] std::vector<Line> screen(size_t width, size_t height);

  /// Everything, as wide and as long as it is, without what tells of keys.
  [[nodiscard]] std::vector<std::string> plain();

 private:
  enum class Prompt : unsigned char { none, filter };

  [[nodiscard]] bool shows_one() const { return scope_ == Scope::one || !opened_.empty(); }
  [[nodiscard]] const Subject* subject() const;
  [[nodiscard]] Order& order();
  [[nodiscard]] std::string& selected() { return selected_[shows_one() ? 1 + static_cast<size_t>(pane_) : 0]; }
  [[nodiscard]] std::vector<Subject> listed() const;
  [[nodiscard]] Table table();

  void press_in_prompt(const Key& key);
  void press_in_help(const Key& key);
  void press_character(const std::string& character);
  void move(long rows);
  void open();
  void go_back();
  void turn_pane(size_t by);
  void choose_column(size_t by);

  void add_headings(std::vector<Line>& lines, size_t width, size_t height) const;
  void add_table(std::vector<Line>& lines, size_t width, size_t height);
  [[nodiscard]] Line footer(size_t width) const;
  [[nodiscard]] std::vector<Line> help_screen(size_t width, size_t height);
  [[nodiscard]] std::string pane_line() const;
  [[nodiscard]] std::string nothing_text() const;

  Scope scope_;
  double interval_seconds_;
  std::vector<Subject> subjects_;
  uint64_t of_others_ = 0;
  std::string opened_;      // the path of the ledger that is shown; empty: the list
  Subject opened_subject_;  // as it was read last, which stays when its ledger goes
  bool is_gone_ = false;
  Pane pane_ = Pane::kinds;
  std::map<size_t, Order> orders_;          // by table: 0 is the list, then the panes
  std::map<size_t, std::string> selected_;  // ids of rows, the same
  std::map<size_t, size_t> first_shown_;    // the row at the top, the same
  std::string filter_;
  Prompt prompt_ = Prompt::none;
  bool shows_help_ = false;
  bool shows_ended_ = false;
  bool is_paused_ = false;
  bool wants_to_quit_ = false;
  size_t help_first_ = 0;
  size_t page_rows_ = 1;
};

}  // namespace bursar::tool
