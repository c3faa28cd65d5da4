// The random walk over the C interface, by every way in, with a new seed each time: GUEST_SEED repeats one.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "guest_runner.h"

namespace {

using bursar::testing::Command;
using bursar::testing::Outcome;
using bursar::testing::Way;

class Model : public ::testing::TestWithParam<Way> {
 protected:
  void walk(const std::string& name) {
    if (!is_built(GetParam())) GTEST_SKIP() << "not built";
    const char* given = std::getenv("GUEST_SEED");
    const std::string seed = given != nullptr ? given : std::to_string(std::random_device{}());
    const Command command = bursar::testing::guest_command("model_guest", GetParam(), {"model_guest." + name, seed});
    const Outcome outcome = run(command);
    EXPECT_TRUE(outcome.exited_with(0)) << command.text() << "\n" << outcome.text();
    EXPECT_EQ(outcome.output, "seed " + seed + "\n") << command.text();
    EXPECT_EQ(outcome.errors, "") << command.text();
  }
};

TEST_P(Model, OneThreadFindsEveryBlockAsItLeftIt) { walk("one_thread_walks"); }

TEST_P(Model, FourThreadsThatTradeFindEveryBlockAsItWasLeft) { walk("four_threads_walk_and_trade"); }

INSTANTIATE_TEST_SUITE_P(ByWay, Model, ::testing::ValuesIn(bursar::testing::every_way),
                         [](const auto& info) { return std::string(name_of(info.param)); });

}  // namespace
