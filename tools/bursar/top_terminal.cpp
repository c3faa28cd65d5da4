// Drawing, keys, signals.
#include "tools/bursar/top_terminal.h"

#include <fmt/format.h>
#include <langinfo.h>
#include <ncurses.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "tools/bursar/columns.h"
#include "tools/bursar/fault.h"

namespace bursar::tool {
namespace {

constexpr int escape_delay_ms = 50;  // what follows an ESC sooner belongs to the same key
constexpr int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

volatile std::sig_atomic_t ending_signal = 0;
sigset_t mask_before;

void note_ending(int signal) { ending_signal = signal; }

/// Before ncurses takes SIGINT and SIGTERM, which it leaves to whoever has them already.
void take_signals() {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGWINCH);
  struct sigaction action {};
  action.sa_handler = note_ending;
  sigemptyset(&action.sa_mask);
  for (const int signal : ending_signals) {
    sigaddset(&blocked, signal);
    sigaction(signal, &action, nullptr);
  }
  sigprocmask(SIG_BLOCK, &blocked, &mask_before);
}

enum Pair : short { pair_header = 1, pair_selected, pair_fault };

void start_colours() {
  const char* without = std::getenv("NO_COLOR");
  if ((without != nullptr && *without != '\0') || has_colors() == FALSE) return;
  start_color();
  use_default_colors();
  init_pair(pair_header, COLOR_BLACK, COLOR_GREEN);
  init_pair(pair_selected, COLOR_BLACK, COLOR_CYAN);
  init_pair(pair_fault, COLOR_RED, -1);
}

bool has_colours() {
  short foreground = 0;
  short background = 0;
  return COLOR_PAIRS > pair_fault && pair_content(pair_header, &foreground, &background) == OK &&
         background == COLOR_GREEN;
}

attr_t attributes_of(Style style) {
  const bool coloured = has_colours();
  switch (style) {
    case Style::heading: return A_BOLD;
    case Style::header: return coloured ? COLOR_PAIR(pair_header) : A_REVERSE;
    case Style::selected: return coloured ? COLOR_PAIR(pair_selected) : A_REVERSE;
    case Style::fault: return coloured ? COLOR_PAIR(pair_fault) : A_BOLD;
    case Style::faint: return A_DIM;
    case Style::footer: return A_BOLD;
    case Style::plain: break;
  }
  return A_NORMAL;
}

/// Of the header, what stands out in it: chgat(2) wants the whole look of the cells.
void mark_header(int row, const Line& line) {
  const attr_t look = attributes_of(Style::header);
  const short pair = has_colours() ? static_cast<short>(pair_header) : static_cast<short>(0);
  const attr_t plain = look & ~static_cast<attr_t>(A_COLOR);
  if (line.strong_width != 0) {
    mvchgat(row, static_cast<int>(line.strong_start), static_cast<int>(line.strong_width), plain | A_BOLD, pair,
            nullptr);
  }
  for (const size_t column : line.keys) {
    const bool is_strong = column >= line.strong_start && column < line.strong_start + line.strong_width;
    mvchgat(row, static_cast<int>(column), 1, plain | A_UNDERLINE | (is_strong ? A_BOLD : A_NORMAL), pair, nullptr);
  }
}

std::string utf8_of(wint_t character) {
  const auto code = static_cast<uint32_t>(character);
  std::string text;
  const auto add = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    add(0xe0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3f));
  } else {
    add(0xf0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3f));
    add(0x80 | (code >> 6 & 0x3f));
  }
  if (code >= 0x80) add(0x80 | (code & 0x3f));
  return text;
}

std::optional<Key> key_of_code(wint_t code) {
  switch (code) {
    case KEY_UP: return Key{KeyName::up, {}};
    case KEY_DOWN: return Key{KeyName::down, {}};
    case KEY_LEFT: return Key{KeyName::left, {}};
    case KEY_RIGHT: return Key{KeyName::right, {}};
    case KEY_PPAGE: return Key{KeyName::page_up, {}};
    case KEY_NPAGE: return Key{KeyName::page_down, {}};
    case KEY_HOME: return Key{KeyName::home, {}};
    case KEY_END: return Key{KeyName::end, {}};
    case KEY_ENTER: return Key{KeyName::enter, {}};
    case KEY_BTAB: return Key{KeyName::back_tab, {}};
    case KEY_BACKSPACE:
    case KEY_DC: return Key{KeyName::backspace, {}};
    default: return std::nullopt;
  }
}

std::optional<Key> key_of_character(wint_t character) {
  switch (character) {
    case '\r':
    case '\n': return Key{KeyName::enter, {}};
    case '\t': return Key{KeyName::tab, {}};
    case 0x1b: return Key{KeyName::escape, {}};
    case 0x7f:
    case '\b': return Key{KeyName::backspace, {}};
    default: break;
  }
  if (character < ' ') return std::nullopt;
  return Key{KeyName::character, utf8_of(character)};
}

/// What has come already; nothing where that is no key of ours.
std::optional<Input> read_input() {
  wint_t character = 0;
  const int kind = get_wch(&character);
  if (kind == ERR) return std::nullopt;
  if (kind == KEY_CODE_YES && character == KEY_RESIZE) return Input{Event::resized, {}};
  const std::optional<Key> key = kind == KEY_CODE_YES ? key_of_code(character) : key_of_character(character);
  return key ? Input{Event::key, *key} : Input{};
}

}  // namespace

Terminal::Terminal() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
    throw Fault("top: no terminal to show it on; bursar report tells of one ledger, bursar top --once of all");
  }
  std::setlocale(LC_CTYPE, "");
  knows_utf8_ = std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  take_signals();
  SCREEN* const screen = newterm(nullptr, stdout, stdin);
  if (screen == nullptr || tigetstr("cup") == nullptr) {
    if (screen != nullptr) endwin();
    sigprocmask(SIG_SETMASK, &mask_before, nullptr);
    const char* name = std::getenv("TERM");
    throw Fault(fmt::format("top: TERM={} is no terminal that ncurses can draw on; set TERM, or use bursar top --once",
                            name == nullptr ? "" : name));
  }
  set_escdelay(escape_delay_ms);
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, TRUE);
  nodelay(stdscr, TRUE);
  curs_set(0);
  start_colours();
}

Terminal::~Terminal() {
  endwin();
  sigprocmask(SIG_SETMASK, &mask_before, nullptr);
}

size_t Terminal::width() const { return static_cast<size_t>(std::max(0, getmaxx(stdscr))); }

size_t Terminal::height() const { return static_cast<size_t>(std::max(0, getmaxy(stdscr))); }

void Terminal::draw(const std::vector<Line>& lines) {
  erase();
  for (size_t i = 0; i < lines.size() && i < height(); ++i) {
    const Line& line = lines[i];
    const bool is_bar = line.style == Style::header || line.style == Style::selected;
    const std::string text = is_bar ? fitted(line.text, width()) : line.text;
    attrset(static_cast<int>(attributes_of(line.style)));
    mvaddstr(static_cast<int>(i), 0, (knows_utf8_ ? text : in_ascii(text)).c_str());
    if (line.style == Style::header) mark_header(static_cast<int>(i), line);
  }
  attrset(A_NORMAL);
  refresh();
}

Input Terminal::wait(std::chrono::milliseconds time_max) {
  if (const auto input = read_input()) return *input;
  pollfd terminal{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time_max);
  const timespec time{.tv_sec = seconds.count(),
                      .tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(time_max - seconds).count()};
  const int ready = ppoll(&terminal, 1, &time, &mask_before);
  if (ending_signal != 0) return {Event::ended, {}};
  if (ready > 0 && (terminal.revents & POLLIN) == 0) return {Event::ended, {}};
  if (ready > 0 && (terminal.revents & (POLLHUP | POLLERR)) != 0) return {Event::ended, {}};
  return read_input().value_or(Input{});
}

void die_of_signal() {
  const int signal = ending_signal;
  if (signal == 0 || signal == SIGINT) return;
  std::signal(signal, SIG_DFL);
  (void)raise(signal);
}

}  // namespace bursar::tool
