// The screen of `bursar top` on ledgers made by hand: what it shows, what keys do, how it fits.
#include "tools/bursar/top_view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>

#include "tests/tools/made_snapshot.h"
#include "tools/bursar/columns.h"

namespace {

using namespace bursar::tool;
using bursar::test::made_flow;
using bursar::test::made_kind;
using bursar::test::made_snapshot;

Subject subject_of(const Snapshot& now) {
  Subject subject;
  subject.path = now.path;
  subject.now = std::make_shared<const Snapshot>(now);
  return subject;
}

Subject subject_of(const Snapshot& before, const Snapshot& now, double seconds) {
  Subject subject = subject_of(now);
  subject.before = std::make_shared<const Snapshot>(before);
  subject.seconds_between = seconds;
  return subject;
}

Subject broken(const std::string& path, const std::string& fault) {
  Subject subject;
  subject.path = path;
  subject.fault = path + ": " + fault;
  return subject;
}

/// Three processes; the second has most live bytes, the third allocates most.
std::vector<Subject> three() {
  const auto busy = [](uint64_t allocations) { return made_snapshot(33, "/opt/busy", made_flow(allocations, 90, 10)); };
  return {subject_of(made_snapshot(11, "/bin/alpha", made_flow(10, 5, 100))),
          subject_of(made_snapshot(22, "/bin/beta", made_flow(10, 0, 10'000))), subject_of(busy(100), busy(600), 2)};
}

Snapshot of_all_panes() {
  Snapshot snapshot = made_snapshot(44, "/srv/server", made_flow(1000, 900, 100));
  snapshot.kinds = {made_kind("GET", 100, 7, 4096), made_kind("PUT", 10, 30, 65536)};
  snapshot.size_classes = {{.block_bytes = 0, .requested_bytes = 90'000, .flow = made_flow(1, 0, 100'000)},
                           {.block_bytes = 112, .requested_bytes = 99'900, .flow = made_flow(999, 900, 112)}};
  snapshot.thread_kinds = {{.name = "worker-*", .threads = 8, .alive = 4, .flow = made_flow(1000, 900, 100)}};
  TaskRow task;
  task.kind = "GET";
  task.label = "/index.html";
  task.thread_id = 45;
  task.live_bytes = 2048;
  task.is_running = true;
  snapshot.running = {task};
  task.is_running = false;
  task.label = "/huge.bin";
  snapshot.worst_by_peak = {task};
  snapshot.runtime = bursar::test::made_runtime(3'000, 1'000, 1 << 20);
  return snapshot;
}

class ViewTest : public testing::Test {
 protected:
  std::vector<std::string> lines(size_t width = 120, size_t height = 24) {
    std::vector<std::string> texts;
    for (const Line& line : view_.screen(width, height)) texts.push_back(line.text);
    return texts;
  }

  std::string text(size_t width = 120, size_t height = 24) {
    std::string whole;
    for (const std::string& line : lines(width, height)) whole += line + '\n';
    return whole;
  }

  bool shows(const std::string& part) { return text().find(part) != std::string::npos; }

  /// The order in which these stand on the screen.
  std::vector<std::string> order_of(std::vector<std::string> parts) {
    const std::string whole = text();
    std::sort(parts.begin(), parts.end(), [&](const auto& a, const auto& b) { return whole.find(a) < whole.find(b); });
    return parts;
  }

  void type(const std::string& characters) {
    for (const char character : characters) view_.press({KeyName::character, std::string(1, character)});
  }
  void press(KeyName name) { view_.press({name, {}}); }

  View view_{Scope::all, 1};
};

TEST_F(ViewTest, ListsProcessesByTheirLiveHeap) {
  view_.take(three());
  EXPECT_EQ(order_of({"alpha", "beta", "busy"}), (std::vector<std::string>{"beta", "busy", "alpha"}));
  EXPECT_EQ(lines()[0], "bursar top  3 processes  live 103 KiB  rss 12.0 MiB");
}

TEST_F(ViewTest, TellsHowManyLedgersBelongToOthers) {
  view_.take(three(), 1);
  EXPECT_EQ(lines()[0],
            "bursar top  3 processes  live 103 KiB  rss 12.0 MiB  (1 that belongs to others cannot be read)");
  view_.take(three(), 12);
  EXPECT_EQ(view_.plain()[0],
            "bursar top  3 processes  live 103 KiB  rss 12.0 MiB  (12 that belong to others cannot be read)");
}

TEST_F(ViewTest, AWorstTaskWithoutALabelIsKnownByItsMoment) {
  Snapshot snapshot = of_all_panes();
  snapshot.worst_by_peak[0].label.clear();
  snapshot.worst_by_peak[0].begun_ns = 1'520'000'000;
  view_.take({subject_of(snapshot)});
  press(KeyName::enter);
  press(KeyName::back_tab);
  press(KeyName::back_tab);
  EXPECT_TRUE(shows("begun after 1.52 s")) << text();
  size_t lines_with = 0;
  for (const Line& line : view_.screen(100, 40))
    lines_with += line.text.find("begun after 1.52 s") != std::string::npos;
  EXPECT_EQ(lines_with, 1U) << "on a usual terminal";
}

TEST_F(ViewTest, TellsWhatATaskOfAKindIsHandedOut) {
  Snapshot snapshot = of_all_panes();
  snapshot.kinds[0].allocated_bytes_per_task.median = 77 * 1024;
  view_.take({subject_of(snapshot)});
  press(KeyName::enter);
  const auto plain = view_.plain();
  const auto has = [&](const char* part) {
    return std::any_of(plain.begin(), plain.end(),
                       [&](const auto& line) { return line.find(part) != std::string::npos; });
  };
  EXPECT_TRUE(has("bytes/task"));
  EXPECT_TRUE(has("77.0 KiB"));
}

TEST_F(ViewTest, TellsRatesOnceThereAreTwoSnapshots) {
  view_.take(three());
  const auto all = lines();
  const auto row_with = [&](const std::string& part) {
    return *std::find_if(all.begin(), all.end(),
                         [&](const auto& line) { return line.find(part) != std::string::npos; });
  };
  EXPECT_NE(row_with("busy").find("  250  "), std::string::npos) << row_with("busy");
  EXPECT_NE(row_with("alpha").find("  -  "), std::string::npos) << row_with("alpha");
}

TEST_F(ViewTest, SortsByTheKeyOfAColumnAndTheOtherWayRound) {
  view_.take(three());
  type("N");
  EXPECT_EQ(order_of({"alpha", "beta", "busy"}), (std::vector<std::string>{"alpha", "beta", "busy"}));
  type("r");
  EXPECT_EQ(order_of({"alpha", "beta", "busy"}), (std::vector<std::string>{"busy", "beta", "alpha"}));
  type("A");
  EXPECT_EQ(order_of({"alpha", "beta", "busy"}).front(), "busy");
}

TEST_F(ViewTest, AngleBracketsChooseTheColumnBesideWithoutAnEnd) {
  view_.take(three());
  const auto sorted_title = [&] {
    for (const Line& line : view_.screen(200, 24)) {
      if (line.strong_width != 0) return line.text.substr(line.strong_start, line.strong_width);
    }
    return std::string();
  };
  EXPECT_EQ(sorted_title(), "live");
  type(">");
  EXPECT_EQ(sorted_title(), "peak");
  type("<<<");
  EXPECT_EQ(sorted_title(), "pid");
  type("<");
  EXPECT_EQ(sorted_title(), "state");
  type(">");
  EXPECT_EQ(sorted_title(), "pid");
}

TEST_F(ViewTest, EveryColumnOfEveryTableHasAKeyOfItsOwn) {
  const Subject subject = subject_of(of_all_panes());
  std::vector<Table> tables{table_of_processes({subject})};
  for (size_t pane = 0; pane < pane_names.size(); ++pane) tables.push_back(table_of(static_cast<Pane>(pane), subject));
  for (const Table& table : tables) {
    std::string keys;
    for (const Column& column : table.columns) {
      EXPECT_EQ(keys.find(column.key), std::string::npos) << column.title;
      EXPECT_TRUE((column.key >= 'A' && column.key <= 'Z') || column.key == '9') << column.title;
      const std::string_view title = column.title;
      EXPECT_NE(title.find(column.key == '9' ? '9' : static_cast<char>(column.key + 32)), std::string_view::npos)
          << title;
      keys += column.key;
    }
    for (const Row& row : table.rows) EXPECT_EQ(row.cells.size(), table.columns.size());
  }
}

TEST_F(ViewTest, EnterOpensTheChosenProcessAndEscapeGoesBack) {
  view_.take(three());
  press(KeyName::down);
  press(KeyName::enter);
  EXPECT_TRUE(shows("busy (process 33)  running  up 5.00 s  tasks=api"));
  EXPECT_TRUE(shows("[task kinds]"));
  press(KeyName::escape);
  EXPECT_TRUE(shows("3 processes"));
  EXPECT_TRUE(shows("alpha"));
}

TEST_F(ViewTest, TheChosenRowStaysChosenWhenTheOrderChanges) {
  view_.take(three());
  press(KeyName::down);
  const auto chosen = [&] {
    for (const Line& line : view_.screen(120, 24)) {
      if (line.style == Style::selected) return line.text;
    }
    return std::string();
  };
  EXPECT_NE(chosen().find("busy"), std::string::npos);
  type("N");
  EXPECT_NE(chosen().find("busy"), std::string::npos);
}

TEST_F(ViewTest, TabGoesThroughThePanes) {
  view_.take({subject_of(of_all_panes())});
  press(KeyName::enter);
  EXPECT_TRUE(shows("GET") && shows("PUT") && shows("allocs/task"));
  press(KeyName::tab);
  EXPECT_TRUE(shows("[size classes]") && shows("large") && shows("112 B"));
  press(KeyName::tab);
  EXPECT_TRUE(shows("[threads]") && shows("worker-*"));
  press(KeyName::tab);
  EXPECT_TRUE(shows("[running tasks]") && shows("/index.html"));
  press(KeyName::tab);
  EXPECT_TRUE(shows("[worst tasks]") && shows("/huge.bin"));
  press(KeyName::tab);
  EXPECT_TRUE(shows("[runtime]") && shows("pool hits") && shows("75.0 %"));
  press(KeyName::tab);
  EXPECT_TRUE(shows("[task kinds]"));
  press(KeyName::back_tab);
  EXPECT_TRUE(shows("[runtime]"));
}

TEST_F(ViewTest, AFilterKeepsWhatHasItInItsName) {
  view_.take(three());
  type("/ALP");
  EXPECT_TRUE(shows("/ALP_"));
  press(KeyName::enter);
  EXPECT_TRUE(shows("alpha"));
  EXPECT_FALSE(shows("beta"));
  type("/x");
  EXPECT_TRUE(shows("nothing has \"ALPx\" in its name"));
  press(KeyName::backspace);
  EXPECT_TRUE(shows("alpha"));
  press(KeyName::escape);
  EXPECT_TRUE(shows("beta"));
}

TEST_F(ViewTest, AFilterTakesUtf8AndLosesWholeCharacters) {
  view_.take({subject_of(made_snapshot(1, "/bin/größe", made_flow(1, 0, 1)))});
  type("/");
  view_.press({KeyName::character, "ö"});
  EXPECT_TRUE(shows("größe"));
  type("q");
  EXPECT_FALSE(view_.wants_to_quit());
  EXPECT_FALSE(shows("größe"));
  press(KeyName::backspace);
  press(KeyName::backspace);
  EXPECT_TRUE(shows("/_ "));
}

TEST_F(ViewTest, PauseHoldsWhatIsShown) {
  view_.take(three());
  type("p");
  view_.take({});
  EXPECT_TRUE(shows("[paused]") && shows("alpha"));
  type("p");
  view_.take({});
  EXPECT_FALSE(shows("alpha"));
  EXPECT_TRUE(shows("no process keeps a ledger"));
}

TEST_F(ViewTest, EndedProcessesAreShownWhenAskedFor) {
  Snapshot ended = made_snapshot(55, "/bin/ended", made_flow(1, 0, 1));
  ended.state = bursar::ledger::State::exited;
  ended.is_alive = false;
  Snapshot killed = made_snapshot(56, "/bin/killed", made_flow(1, 0, 1));
  killed.is_alive = false;
  view_.take({subject_of(ended), subject_of(killed)});
  EXPECT_FALSE(shows("killed"));
  type("a");
  EXPECT_TRUE(shows("ended") && shows("exited") && shows("killed") && shows("gone"));
  type("a");
  EXPECT_FALSE(shows("killed"));
}

TEST_F(ViewTest, ALedgerThatCannotBeReadHasARowWithTheFault) {
  auto subjects = three();
  subjects.push_back(broken("/ledgers/77", "is damaged: the sizes in its header do not fit its version"));
  view_.take(subjects);
  EXPECT_TRUE(shows("\n77: is damaged: the sizes in its header do not fit its version\n"));
  press(KeyName::end);
  press(KeyName::enter);
  EXPECT_TRUE(shows("3 processes"));
}

TEST_F(ViewTest, AnOpenedLedgerThatBreaksKeepsItsLastFigures) {
  view_.take({subject_of(of_all_panes())});
  press(KeyName::enter);
  view_.take({broken("/ledgers/44", "was cut short just now")});
  EXPECT_TRUE(shows("/ledgers/44: was cut short just now") && shows("GET"));
  view_.take({});
  EXPECT_TRUE(shows("its ledger is gone") && shows("GET"));
  view_.take({subject_of(of_all_panes())});
  EXPECT_FALSE(shows("gone") || shows("cut short"));
}

TEST_F(ViewTest, OfOneLedgerThereIsNoList) {
  view_ = View(Scope::one, 1);
  view_.take({subject_of(of_all_panes())});
  EXPECT_TRUE(shows("server (process 44)"));
  press(KeyName::escape);
  press(KeyName::left);
  EXPECT_TRUE(shows("server (process 44)"));
  EXPECT_FALSE(shows("Esc back"));
}

TEST_F(ViewTest, HelpNamesTheKeyOfEachColumnAndAnyKeyLeavesIt) {
  view_.take(three());
  type("?");
  const std::string help = text(80, 40);
  for (const char* part : {"q  ", "Tab", "r  ", "/  ", "  K            sort by peak"}) {
    EXPECT_NE(help.find(part), std::string::npos) << part << " in\n" << help;
  }
  EXPECT_EQ(lines(80, 5).size(), 5U);
  press(KeyName::down);
  EXPECT_EQ(lines(80, 5)[0], "  q            quit");
  type("x");
  EXPECT_TRUE(shows("alpha"));
}

TEST_F(ViewTest, QuitsByQ) {
  view_.take(three());
  type("q");
  EXPECT_TRUE(view_.wants_to_quit());
}

TEST_F(ViewTest, TheFooterTellsKeysAsFarAsTheyFit) {
  view_.take(three());
  EXPECT_EQ(lines(20, 5).back(), "q quit  ? keys");
  EXPECT_NE(lines(120, 5).back().find("/ filter"), std::string::npos);
}

TEST_F(ViewTest, ScrollsToTheChosenRow) {
  std::vector<Subject> many;
  for (uint32_t i = 0; i < 100; ++i) {
    many.push_back(subject_of(made_snapshot(1000 + i, "/bin/p", made_flow(1000 - i, 0, 10))));
  }
  view_.take(many);
  press(KeyName::end);
  EXPECT_TRUE(text(60, 10).find(" 1099 ") != std::string::npos) << text(60, 10);
  press(KeyName::page_up);
  press(KeyName::home);
  EXPECT_TRUE(text(60, 10).find(" 1000 ") != std::string::npos) << text(60, 10);
}

TEST_F(ViewTest, NoNameSteersTheTerminal) {
  view_.take({subject_of(made_snapshot(1, "/bin/a\x1b[2J\n\xff\xe2\x80\xae", made_flow(1, 0, 1)))});
  EXPECT_TRUE(shows("a?[2J???"));
}

TEST_F(ViewTest, FewColumnsAndLinesKeepTheNameAndTheOrder) {
  view_.take(three());
  const auto small = lines(20, 5);
  ASSERT_EQ(small.size(), 5U);
  EXPECT_EQ(small[1], "    pid  name");
  EXPECT_NE(small[2].find("22  beta"), std::string::npos);
  const auto middle = lines(40, 5);
  EXPECT_NE(middle[1].find("live"), std::string::npos) << middle[1];
}

TEST_F(ViewTest, FitsIntoAnyScreenWhateverIsPressed) {
  const char* given = std::getenv("BURSAR_TEST_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE("BURSAR_TEST_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const std::string characters = "NPLKRAFBHUTSDWGVEq9?hpr/a<>x ";
  auto subjects = three();
  subjects.push_back(subject_of(of_all_panes()));
  subjects.push_back(subject_of(made_snapshot(66, "/bin/漢字漢字漢字漢字-\u0301é", made_flow(5, 1, 1'000'000'000))));
  subjects.push_back(broken("/ledgers/77", "is damaged"));
  for (int round = 0; round < 3000; ++round) {
    if (random() % 3 == 0) {
      auto some = subjects;
      std::erase_if(some, [&](const Subject&) { return random() % 4 == 0; });
      view_.take(some);
    }
    if (random() % 2 == 0) {
      view_.press({static_cast<KeyName>(1 + random() % 13), {}});
    } else {
      view_.press({KeyName::character, std::string(1, characters[random() % characters.size()])});
    }
    const size_t width = random() % 3 == 0 ? 20 : 1 + random() % 150;
    const size_t height = random() % 3 == 0 ? 5 : 1 + random() % 40;
    const auto screen = view_.screen(width, height);
    ASSERT_LE(screen.size(), height);
    for (const Line& line : screen) {
      ASSERT_LE(columns_of(line.text), width) << line.text;
      ASSERT_EQ(displayable(line.text), line.text);
      ASSERT_LE(line.strong_start + line.strong_width, width);
      for (const size_t column : line.keys) ASSERT_LT(column, width);
    }
  }
}

TEST_F(ViewTest, PlainHasEveryProcessInFull) {
  view_.take(three());
  const auto plain = view_.plain();
  ASSERT_EQ(plain.size(), 5U);
  EXPECT_EQ(plain[1].substr(0, 14), "    pid  name ");
  EXPECT_NE(plain[2].find("beta"), std::string::npos);
}

TEST_F(ViewTest, PlainOfOneHasEveryPane) {
  view_ = View(Scope::one, 1);
  view_.take({subject_of(of_all_panes())});
  const auto plain = view_.plain();
  for (const char* pane : pane_names) EXPECT_EQ(std::count(plain.begin(), plain.end(), pane), 1) << pane;
}

TEST(Columns, CutsAtCharactersAndCountsWideOnesTwice) {
  EXPECT_EQ(columns_of("漢字a"), 5U);
  EXPECT_EQ(shortened("漢字a", 4), "漢~");
  EXPECT_EQ(fitted("漢字a", 4), "漢~ ");
  EXPECT_EQ(fitted("ab", 4, Align::right), "  ab");
  EXPECT_EQ(in_ascii("é漢a"), "???a");
  EXPECT_EQ(shortened("abc", 0), "");
}

TEST(Columns, RatesHaveFewDigits) {
  EXPECT_EQ(rate_text(0), "0");
  EXPECT_EQ(rate_text(0.25), "0.25");
  EXPECT_EQ(rate_text(12345.6), "12,346");
  EXPECT_EQ(rate_text(1'234'567), "1.23 M");
  EXPECT_EQ(rate_text(2.5e9), "2.5 G");
}

}  // namespace
