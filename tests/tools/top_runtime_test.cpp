// The pane of `bursar top` that tells of the runtime, on snapshots made by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/tools/made_snapshot.h"
#include "tools/bursar/top_view.h"

namespace bursar::test {
namespace {

using tool::Subject;

Subject subject_with(const ledger::RuntimeTotals& runtime) {
  tool::Snapshot snapshot = made_snapshot(44, "/srv/server", made_flow(10, 5, 100));
  snapshot.runtime = runtime;
  Subject subject;
  subject.path = snapshot.path;
  subject.now = std::make_shared<const tool::Snapshot>(snapshot);
  return subject;
}

std::vector<std::string> texts_of(const tool::Row& row) {
  std::vector<std::string> texts;
  for (const tool::Cell& cell : row.cells) texts.push_back(cell.text);
  return texts;
}

TEST(RuntimePane, HasRatesSumsAndHitRatesOfWhatIsNotZero) {
  Subject subject = subject_with(made_runtime(3'000, 1'000, 1 << 20));
  subject.before = subject_with(made_runtime(2'500, 1'000, 1 << 20)).now;
  subject.seconds_between = 2;
  const tool::Table table = table_of(tool::Pane::runtime, subject);
  ASSERT_EQ(table.rows.size(), 3U);
  EXPECT_EQ(texts_of(table.rows[0]), (std::vector<std::string>{"arena bytes", "0 B", "1.00 MiB", "-"}));
  EXPECT_EQ(texts_of(table.rows[1]), (std::vector<std::string>{"pool hits", "250", "3,000", "75.0 %"}));
  EXPECT_EQ(texts_of(table.rows[2]), (std::vector<std::string>{"pool misses", "0", "1,000", "-"}));
}

TEST(RuntimePane, SaysWhereNothingWasTold) {
  tool::View view(tool::Scope::one, 1);
  view.take({subject_with({})});
  view.press({.name = tool::KeyName::back_tab, .character = {}});
  const auto screen = view.screen(120, 24);
  EXPECT_TRUE(std::any_of(screen.begin(), screen.end(), [](const tool::Line& line) {
    return line.text.find("the program has told nothing of arenas") != std::string::npos;
  }));
}

TEST(RuntimePane, IsLeftOutOfPlainTextWhereNothingWasTold) {
  for (const bool tells : {false, true}) {
    tool::View view(tool::Scope::one, 1);
    view.take({subject_with(tells ? made_runtime(1, 0, 0) : ledger::RuntimeTotals{})});
    const auto plain = view.plain();
    EXPECT_EQ(std::count(plain.begin(), plain.end(), "runtime"), tells ? 1 : 0);
  }
}

}  // namespace
}  // namespace bursar::test
