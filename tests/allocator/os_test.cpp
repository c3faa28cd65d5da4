// The system calls of the heap, against the real system.
#include "allocator/os.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>

#include "allocator/units.h"
#include "tests/allocator/heap_user.h"

namespace bursar {
namespace {

const testing::KilledBySignal segment_fault(SIGSEGV);

TEST(Os, ReservedMemoryCannotBeTouchedUntilItIsCommitted) {
  auto* start = static_cast<char*>(os::reserve(4 * granule_bytes));
  ASSERT_NE(start, nullptr);
  ASSERT_TRUE(os::commit(start + granule_bytes, granule_bytes));
  EXPECT_TRUE(test::is_zero(start + granule_bytes, granule_bytes));
  memset(start + granule_bytes, 1, granule_bytes);
  if (!test::is_sanitized()) {  // sanitizers end the process in ways of their own
    EXPECT_EXIT(start[0] = 1, segment_fault, "");
    EXPECT_EXIT(start[2 * granule_bytes] = 1, segment_fault, "");
  }
  EXPECT_TRUE(os::release(start, 4 * granule_bytes));
}

TEST(Os, ReadableReservationsReadZeroAndCanBeCommitted) {
  auto* start = static_cast<char*>(os::reserve_readable(MiB));
  ASSERT_NE(start, nullptr);
  EXPECT_TRUE(test::is_zero(start, MiB));
  ASSERT_TRUE(os::commit(start + 512 * KiB, granule_bytes));
  memset(start + 512 * KiB, 1, granule_bytes);
  EXPECT_TRUE(test::is_zero(start, 512 * KiB));
}

TEST(Os, PurgedMemoryReadsZeroAndStaysUsable) {
  auto* start = static_cast<char*>(os::reserve(granule_bytes));
  ASSERT_TRUE(os::commit(start, granule_bytes));
  memset(start, 1, granule_bytes);
  ASSERT_TRUE(os::purge(start, granule_bytes));
  EXPECT_TRUE(test::is_zero(start, granule_bytes));
  memset(start, 1, granule_bytes);
}

TEST(Os, MappingsMoveWithTheirPages) {
  auto* start = static_cast<char*>(os::reserve(granule_bytes));
  ASSERT_TRUE(os::commit(start, granule_bytes));
  test::fill(start, granule_bytes, 1);
  auto* target = static_cast<char*>(os::reserve(4 * granule_bytes));
  ASSERT_EQ(os::move_pages(start, granule_bytes, target, 4 * granule_bytes), os::Moved::yes);
  EXPECT_TRUE(test::holds(target, granule_bytes, 1));
  EXPECT_TRUE(test::is_zero(target + granule_bytes, 3 * granule_bytes));
  memset(target, 2, 4 * granule_bytes);
  EXPECT_TRUE(os::resize_in_place(target, 4 * granule_bytes, granule_bytes));
}

TEST(Os, NothingTouchesErrno) {
  errno = 1234;
  EXPECT_EQ(os::reserve(SIZE_MAX - granule_bytes), nullptr);
  EXPECT_FALSE(os::commit(pointer_to(granule_bytes), granule_bytes));
  EXPECT_LT(os::open_file("/nonexistent"), 0);
  (void)os::now_ms();
  (void)os::usage();
  EXPECT_EQ(errno, 1234);
}

TEST(Os, ClocksGoForward) {
  const uint64_t ns = os::now_ns();
  const uint64_t ms = os::now_ms();
  EXPECT_GT(ns, 0U);
  for (int i = 0; i < 1000; ++i) ASSERT_GE(os::now_ns(), ns);
  while (os::now_ms() == ms) std::this_thread::yield();
  EXPECT_GT(os::now_ms(), ms);
  EXPECT_GT(os::now_ns(), ns);
}

TEST(Os, KnowsTheProcess) {
  EXPECT_EQ(os::process_id(), getpid());
  EXPECT_EQ(os::parent_process_id(), getppid());
  EXPECT_EQ(os::page_bytes(), static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  EXPECT_GT(os::usage().peak_rss_bytes, MiB);
  EXPECT_GT(os::usage().page_faults, 0U);
  char path[4096];
  ASSERT_TRUE(os::executable_path(path, sizeof(path)));
  EXPECT_NE(std::string(path).find("os_test"), std::string::npos);
  char short_path[5];
  ASSERT_TRUE(os::executable_path(short_path, sizeof(short_path)));
  EXPECT_EQ(std::string(short_path), std::string(path).substr(0, 4));
}

TEST(Os, KnowsTheLimitTheAddressSpaceHadAtFirst) {
  if (test::is_sanitized()) GTEST_SKIP() << "sanitizers need all of it";
  rlimit limit{8 * GiB, RLIM_INFINITY};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  EXPECT_EQ(os::address_space_bytes_max(), 8 * GiB);
  limit.rlim_cur = RLIM_INFINITY;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  EXPECT_EQ(os::address_space_bytes_max(), 8 * GiB) << "asked once: later a sandbox may kill for it";
}

TEST(Os, KnowsThatTheAddressSpaceHasNoLimit) {
  if (test::is_sanitized()) GTEST_SKIP() << "sanitizers need all of it";
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
  EXPECT_EQ(os::address_space_bytes_max(), SIZE_MAX);
}

TEST(Os, WaitsOnlyForTheExpectedValue) {
  std::atomic<uint32_t> word{1};
  os::wait_while(&word, 2, 60'000);  // another value: returns at once
  std::thread waker([&word] {
    word = 3;
    os::wake_one(&word);
  });
  while (word == 1) os::wait_while(&word, 1, 1000);
  waker.join();
  os::wait_while(&word, 3, 1);
}

TEST(Os, ASignalBlockHoldsSignalsBackWhileItLives) {
  static volatile sig_atomic_t caught = 0;
  signal(SIGUSR1, [](int) { caught = 1; });
  {
    const os::SignalBlock block;
    raise(SIGUSR1);
    EXPECT_EQ(caught, 0);
  }
  // ThreadSanitizer hands a signal on at the next call that may block.
  for (int i = 0; i < 1000 && caught == 0; ++i) usleep(1000);
  EXPECT_EQ(caught, 1);
}

TEST(Os, FilesAreNewPrivateAndNotLinks) {
  char directory[] = "/tmp/bursar-os-test-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  const std::string path = std::string(directory) + "/file";
  const int file = os::create_file(path.c_str(), O_EXCL);
  ASSERT_GE(file, 0);
  EXPECT_EQ(os::create_file(path.c_str(), O_EXCL), -EEXIST);
  os::write_to(file, "hello", 5);
  const int reader = os::open_file(path.c_str());
  ASSERT_GE(reader, 0);
  EXPECT_TRUE(os::identity_of(file) == os::identity_of(reader));
  EXPECT_NE(fcntl(reader, F_GETFD) & FD_CLOEXEC, 0);
  char text[10] = {};
  EXPECT_EQ(os::read_file(reader, text, sizeof(text)), 5);
  EXPECT_EQ(os::read_file(reader, text, sizeof(text)), 0);
  EXPECT_STREQ(text, "hello");
  const int second = os::duplicate(reader);
  EXPECT_GT(second, reader);
  EXPECT_TRUE(os::identity_of(second) == os::identity_of(reader));
  os::close_file(second);
  EXPECT_TRUE(os::identity_of(second) == os::FileIdentity{}) << "closed";
  const std::string link = std::string(directory) + "/link";
  ASSERT_EQ(symlink(path.c_str(), link.c_str()), 0);
  EXPECT_EQ(os::create_file(link.c_str(), 0), -ELOOP);
  for (const std::string& name : {path, link}) unlink(name.c_str());
  rmdir(directory);
}

TEST(Os, AMappedFileHoldsWhatIsWritten) {
  char path[] = "/tmp/bursar-os-test-XXXXXX";
  const int made = mkstemp(path);
  ASSERT_GE(made, 0);
  ASSERT_EQ(os::allocate_file(made, granule_bytes), 0);
  auto* where = static_cast<char*>(os::reserve(granule_bytes));
  ASSERT_TRUE(os::map_file_over(where, made, granule_bytes));
  memcpy(where, "shared", 6);
  char text[6];
  EXPECT_EQ(pread(made, text, 6, 0), 6);
  EXPECT_EQ(memcmp(text, "shared", 6), 0);
  ASSERT_TRUE(os::map_memory_over(where, granule_bytes));
  EXPECT_TRUE(test::is_zero(where, granule_bytes));
  close(made);
  unlink(path);
}

TEST(Os, AWipedPageReadsZeroInAChild) {
  auto* page = static_cast<char*>(os::reserve(os::page_bytes()));
  ASSERT_TRUE(os::commit(page, os::page_bytes()));
  ASSERT_TRUE(os::wipe_in_child(page, os::page_bytes()));
  page[0] = 7;
  const pid_t child = fork();
  if (child == 0) _exit(page[0]);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(page[0], 7);
}

}  // namespace
}  // namespace bursar
