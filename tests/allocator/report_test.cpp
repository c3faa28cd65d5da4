// The last words of a process.
#include "allocator/report.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <csignal>

#include "allocator/check.h"
#include "allocator/units.h"

namespace bursar {
namespace {

const testing::KilledBySignal aborted(SIGABRT);
const void* const block = pointer_to(0x7f00'1234'5670);
const void* const inner = pointer_to(0x7f00'1234'5690);

TEST(Report, NamesABlockFreedTwice) {
  EXPECT_EXIT(report_double_free(block), aborted, "^bursar: double free of 0x7f0012345670\n$");
}

TEST(Report, NamesThePagesOfASystemThatItCannotServe) {
  EXPECT_EXIT(report_page_size(65536), aborted, "^bursar: this system has pages of 65536 bytes, .*without bursar\n$");
}

TEST(Report, NamesAForeignPointerAndTheCall) {
  const char* const rest = " of 0x7f0012345670: not a block of this heap \\(foreign pointer\\)\n$";
  EXPECT_EXIT(report_foreign_pointer(block, Caller::free), aborted, std::string("^bursar: invalid free") + rest);
  EXPECT_EXIT(report_foreign_pointer(block, Caller::operator_delete), aborted,
              std::string("^bursar: invalid delete") + rest);
  EXPECT_EXIT(report_foreign_pointer(block, Caller::realloc), aborted, std::string("^bursar: invalid realloc") + rest);
  EXPECT_EXIT(report_foreign_pointer(block, Caller::usable_size), aborted,
              std::string("^bursar: invalid malloc_usable_size") + rest);
}

TEST(Report, NamesAMisalignedPointer) {
  EXPECT_EXIT(report_misaligned_pointer(pointer_to(0x7f0012345671), Caller::free), aborted,
              "^bursar: invalid free of 0x7f0012345671: misaligned pointer\n$");
}

TEST(Report, NamesTheBlockAroundAnInteriorPointer) {
  EXPECT_EXIT(report_interior_pointer(inner, block, Caller::realloc), aborted,
              "^bursar: invalid realloc of 0x7f0012345690: inside the block at 0x7f0012345670\n$");
}

TEST(Report, NamesBothSizesOfAWrongDelete) {
  EXPECT_EXIT(
      report_wrong_size(block, 48, 512), aborted,
      "^bursar: wrong size in sized delete of 0x7f0012345670: the block holds 48 bytes, the delete says 512\n$");
}

TEST(Report, NamesABrokenInvariantAndItsPlace) {
  EXPECT_EXIT(report_broken_invariant("a == b", "heap.cpp", 12), aborted,
              "^bursar: broken invariant: a == b \\(heap.cpp:12\\)\n$");
  EXPECT_EXIT(BURSAR_CHECK(1 > 2), aborted, "^bursar: broken invariant: 1 > 2 \\(.*report_test.cpp:[0-9]+\\)\n$");
}

TEST(Report, CutsAnEndlessInvariant) {
  const std::string fact(1000, 'x');
  EXPECT_EXIT(report_broken_invariant(fact.c_str(), "heap.cpp", 12), aborted, "^bursar: broken invariant: x{200,256}");
}

TEST(Report, CheckIsSilentAboutWhatHolds) {
  int evaluated = 0;
  BURSAR_CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

TEST(Report, AssertLooksInCheckedBuildsOnly) {
  if (checked_build) {
    EXPECT_EXIT(BURSAR_ASSERT(false), aborted, "broken invariant: false");
  } else {
    BURSAR_ASSERT(false);
  }
}

void ignore_abort(int) {}

TEST(Report, AbortsAlsoWhereTheSignalIsBlockedOrHandled) {
  const auto die_handled = [] {
    signal(SIGABRT, ignore_abort);
    report_double_free(block);
  };
  EXPECT_EXIT(die_handled(), aborted, "double free");
  const auto die_ignored = [] {
    signal(SIGABRT, SIG_IGN);
    report_double_free(block);
  };
  EXPECT_EXIT(die_ignored(), aborted, "double free");
  const auto die_blocked = [] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGABRT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    report_double_free(block);
  };
  EXPECT_EXIT(die_blocked(), aborted, "double free");
}

}  // namespace
}  // namespace bursar
