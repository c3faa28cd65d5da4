// The heap of a test that can be told to fail: for the exhaustive test of what a container does without memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

namespace bursar::testing {

/// How many blocks of operator new live in this thread's count: frees of others' blocks count here as well.
[[nodiscard]] std::int64_t live_blocks() noexcept;

/// How many times this thread has called operator new.
[[nodiscard]] std::uint64_t allocation_calls() noexcept;

/// While it lives, the n-th call of operator new in this thread fails (the first is 1), and every later one succeeds again.
class FailNthAllocation {
 public:
  explicit FailNthAllocation(std::uint64_t nth) noexcept;
  ~FailNthAllocation();
  FailNthAllocation(const FailNthAllocation&) = delete;
  FailNthAllocation& operator=(const FailNthAllocation&) = delete;

  /// Whether the n-th call has come.
  [[nodiscard]] bool has_failed() const noexcept;
};

inline constexpr std::uint64_t failures_max = 10'000;

/// Calls work(n) with the n-th allocation failing, for n = 1, 2, ... until it ends without a failure. `work` catches bad_alloc (or uses
/// the try_ forms) and checks what it must. Tells for how many n it failed.
template <typename Work>
std::uint64_t for_each_allocation_failure(Work work) {
  for (std::uint64_t nth = 1; nth <= failures_max; ++nth) {
    bool has_failed = false;
    {
      FailNthAllocation failure(nth);
      work(nth);
      has_failed = failure.has_failed();
    }
    if (!has_failed) return nth - 1;
  }
  return failures_max;
}

}  // namespace bursar::testing
