// Runs each program of misuse under the library, with BURSAR_TEST_OPTIONS as its options: it ends by SIGABRT and says the one line that stands
// beside it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr unsigned program_seconds_max = 60;

struct Case {
  const char* program;
  std::vector<std::string> arguments;

  [[nodiscard]] std::string name() const {
    std::string name = program;
    for (const std::string& argument : arguments) name.append("_").append(argument);
    return name;
  }
};

// GoogleTest prints a case that failed by this.
void PrintTo(const Case& one, std::ostream* out) { *out << one.name(); }

struct Outcome {
  int status = -1;
  std::string output;
  std::string errors;
};

// A table of programs times arguments; each becomes a test of its own.
std::vector<Case> all_cases() {
  const std::vector<std::string> sizes = {"8", "64", "4096", "262144", "8388608"};
  const std::vector<std::string> foreigners = {"stack",    "static",        "code",   "one",  "first_page", "far",
                                               "unmapped", "not_canonical", "kernel", "last", "mapped"};
  const std::vector<std::vector<std::string>> misaligned = {
      {"8", "1"},    {"8", "8"},    {"64", "1"},     {"64", "8"},     {"64", "63"},
      {"4096", "1"}, {"4096", "8"}, {"262144", "1"}, {"262144", "8"}, {"8388608", "8"}};
  const std::vector<std::vector<std::string>> interior = {
      {"262144", "16"},    {"262144", "4096"},     {"262144", "131072"},   {"262144", "262128"},  {"8388608", "16"},
      {"8388608", "4096"}, {"8388608", "1048576"}, {"8388608", "4194304"}, {"8388608", "8388592"}};
  std::vector<Case> cases;
  const auto add_each = [&cases](const std::vector<const char*>& programs, const auto& arguments) {
    for (const char* program : programs)
      for (const auto& one : arguments) cases.push_back({program, {one}});
  };
  add_each({"double_free", "double_free_by_realloc", "double_free_after_realloc_to_zero", "double_free_by_delete",
            "double_free_by_sized_delete", "double_free_in_a_thread", "double_free_in_a_child",
            "no_misuse_pointers_to_itself"},
           sizes);
  add_each({"no_misuse_stale_contents"}, std::vector<std::string>{"8", "16", "64", "1024", "4096"});
  add_each({"double_free_of_aligned"}, std::vector<std::string>{"64", "4096", "65536", "2097152"});
  add_each({"double_free_after_move"}, std::vector<std::string>{"8", "64", "4096"});
  add_each({"free_foreign", "realloc_foreign", "usable_size_foreign", "delete_foreign", "sized_delete_foreign"},
           foreigners);
  const auto add_all = [&cases](const std::vector<const char*>& programs, const auto& lists) {
    for (const char* program : programs)
      for (const auto& arguments : lists) cases.push_back({program, arguments});
  };
  add_all({"free_misaligned", "realloc_misaligned", "delete_misaligned"}, misaligned);
  add_all({"free_interior", "realloc_interior", "usable_size_interior", "delete_interior"}, interior);
  const std::vector<std::vector<std::string>> interior_small = {
      {"64", "16"}, {"64", "48"}, {"48", "16"}, {"1024", "512"}, {"4096", "16"}};
  add_all({"free_interior_small"}, interior_small);
  const std::vector<std::vector<std::string>> wrong_sizes = {{"48", "512"},  {"512", "48"},    {"16", "32"},
                                                             {"4096", "64"}, {"64", "262144"}, {"262144", "64"}};
  add_all({"wrong_size", "wrong_size_of_array"}, wrong_sizes);
  const std::vector<std::vector<std::string>> nothing = {{}};
  add_all({"no_misuse_free_of_nothing", "no_misuse_size_of_the_same_class"}, nothing);
  return cases;
}

std::string read_all(int descriptor) {
  std::string text;
  char buffer[4096];
  for (ssize_t length; (length = read(descriptor, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(length));
  close(descriptor);
  return text;
}

[[noreturn]] void become(const Case& one, const std::string& library, int output, int errors) {
  dup2(output, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  alarm(program_seconds_max);  // survives exec
  const char* options = std::getenv("BURSAR_TEST_OPTIONS");
  setenv("BURSAR", options == nullptr ? "" : options, 1);
  setenv("LD_PRELOAD", library.c_str(), 1);
  const std::string path = std::string(MISUSE_PROGRAMS) + "/" + one.program;
  std::vector<char*> arguments = {const_cast<char*>(path.c_str())};
  for (const std::string& argument : one.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execv(path.c_str(), arguments.data());
  _exit(127);
}

// Neither text is longer than a pipe holds, so one can be read after the other.
Outcome run(const Case& one, const std::string& library) {
  int output[2], errors[2];
  EXPECT_EQ(pipe2(output, O_CLOEXEC), 0);
  EXPECT_EQ(pipe2(errors, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) become(one, library, output[1], errors[1]);
  close(output[1]);
  close(errors[1]);
  Outcome outcome;
  outcome.output = read_all(output[0]);
  outcome.errors = read_all(errors[0]);
  EXPECT_EQ(waitpid(child, &outcome.status, 0), child);
  return outcome;
}

std::string replace_all(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// The line beside the program; {1} stands for its first argument, {2} for its second.
std::string expected_of(const Case& one) {
  std::ifstream file(std::string(MISUSE_SOURCES) + "/" + one.program + ".expected");
  EXPECT_TRUE(file.is_open());
  std::ostringstream text;
  text << file.rdbuf();
  std::string expected = text.str();
  for (size_t i = 0; i < one.arguments.size(); ++i)
    expected = replace_all(expected, std::string("{").append(std::to_string(i + 1)).append("}"), one.arguments[i]);
  return expected;
}

const std::regex address("0x[0-9a-f]+");

std::vector<std::string> addresses_in(const std::string& text) {
  return {std::sregex_token_iterator(text.begin(), text.end(), address), std::sregex_token_iterator()};
}

class Misuse : public testing::TestWithParam<Case> {};

TEST_P(Misuse, EndsWithTheLineBesideIt) {
  const char* library = std::getenv("BURSAR_TEST_LIBRARY");
  ASSERT_NE(library, nullptr) << "BURSAR_TEST_LIBRARY names the library to preload";
  const Outcome outcome = run(GetParam(), library);
  const std::string expected = expected_of(GetParam());

  EXPECT_EQ(std::regex_replace(outcome.errors, address, "0x0"), expected);
  if (expected.empty()) {
    EXPECT_TRUE(WIFEXITED(outcome.status) && WEXITSTATUS(outcome.status) == 0) << "status " << outcome.status;
    return;
  }
  EXPECT_EQ(addresses_in(outcome.errors), addresses_in(outcome.output)) << "the message names other addresses";
  ASSERT_TRUE(WIFSIGNALED(outcome.status)) << "status " << outcome.status;
  EXPECT_EQ(WTERMSIG(outcome.status), SIGABRT);
}

INSTANTIATE_TEST_SUITE_P(Programs, Misuse, testing::ValuesIn(all_cases()),
                         [](const testing::TestParamInfo<Case>& info) { return info.param.name(); });

}  // namespace
