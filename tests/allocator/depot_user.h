// What the depot's tests share: runs to hold, and a clock that stands still.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "allocator/depot.h"
#include "tests/allocator/fake_os.h"

namespace bursar::test {

inline Run* acquire_run(size_t granules, size_t alignment = 1) {
  Zeroed zeroed{};
  return depot.acquire(granules, alignment, RunKind::pages, zeroed);
}

inline size_t bytes_of(const Run& run) { return run.granules * granule_bytes; }
inline void* start_of(const Run& run) { return pointer_to(run.start); }

/// A clock that stands still, so that nothing is purged by chance.
class WithStillClock : public testing::Test {
 protected:
  WithStillClock() { fake_os::set_clock_ms(clock_ms); }
  ~WithStillClock() override { depot.validate(); }

  static constexpr uint64_t clock_ms = 1'000'000;
};

}  // namespace bursar::test
