// Stops a program before any one of its instructions, to do there what may happen anywhere: a signal, a fork.
#pragma once

#include <cstddef>
#include <functional>

namespace bursar::test {

/// Each step stops a fresh process before one instruction more of `act`.
struct Steps {
  std::function<void()> prepare;
  std::function<void()> act;
  std::function<void()> meanwhile;  // what happens there
  std::function<bool()> holds;      // what is true afterwards
  size_t stops_max = 300;           // of a longer act some instructions are passed over, by rand()
};

/// `meanwhile` is a signal handler of the thread that acts; what holds is asked behind `act`. Expects it of every instruction and
/// returns how many there were; 0 where processes may not be traced.
[[nodiscard]] size_t interrupt_at_each_instruction(const Steps& steps);

/// A thread other than the one that acts forks; the child does what happens `meanwhile`, and it is the child that is asked.
[[nodiscard]] size_t fork_at_each_instruction(const Steps& steps);

}  // namespace bursar::test
