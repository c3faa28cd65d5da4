// The system, as a test wants it. The real one is os_linux.cpp, compiled with its namespace under another name.
#include "tests/allocator/fake_os.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#define os real_os
#include "allocator/os.h"
#undef os

namespace bursar::fake_os {
namespace {

struct Plan {
  std::atomic<uint64_t> calls{0};
  std::atomic<uint64_t> first_failure{0};  // the number of the call; 0: none
  std::atomic<uint64_t> last_failure{0};
};

constinit std::array<Plan, call_count> plans{};
constinit std::atomic<uint64_t> failed_calls{0};
constinit std::atomic<uint64_t> clock_ms{0};  // 0: the real one
constinit std::atomic<uint64_t> address_space_bytes_max{0};

Plan& plan_of(Call call) noexcept { return plans[static_cast<size_t>(call)]; }

/// Counts the call; true when it is to fail.
bool fails(Call call) noexcept {
  Plan& plan = plan_of(call);
  const uint64_t number = plan.calls.fetch_add(1) + 1;
  const uint64_t first = plan.first_failure.load();
  if (first == 0 || number < first || number > plan.last_failure.load()) return false;
  ++failed_calls;
  return true;
}

}  // namespace

const char* name_of(Call call) noexcept {
  switch (call) {
    case Call::reserve: return "reserve";
    case Call::reserve_readable: return "reserve_readable";
    case Call::commit: return "commit";
    case Call::purge: return "purge";
    case Call::release: return "release";
    case Call::resize_in_place: return "resize_in_place";
    case Call::move_pages: return "move_pages";
    case Call::wipe_in_child: return "wipe_in_child";
  }
  return "";
}

void fail(Call call, uint64_t nth, Failure failure) noexcept {
  Plan& plan = plan_of(call);
  const uint64_t first = plan.calls.load() + nth;
  plan.last_failure = failure == Failure::once ? first : UINT64_MAX;
  plan.first_failure = first;
}

void heal() noexcept {
  for (Plan& plan : plans) plan.first_failure = 0;
}

uint64_t calls(Call call) noexcept { return plan_of(call).calls.load(); }
uint64_t failures() noexcept { return failed_calls.load(); }
void set_clock_ms(uint64_t now_ms) noexcept { clock_ms = now_ms; }
void advance_clock_ms(uint64_t elapsed_ms) noexcept { clock_ms += elapsed_ms; }
void set_address_space_bytes_max(uint64_t bytes) noexcept { address_space_bytes_max = bytes; }

}  // namespace bursar::fake_os

// The same names and parameters as in allocator/os.h: the linker finds what is missing.
namespace bursar::os {

using fake_os::Call;
using fake_os::fails;
using real_os::Usage;

void* reserve(size_t bytes) noexcept { return fails(Call::reserve) ? nullptr : real_os::reserve(bytes); }
void* reserve_readable(size_t bytes) noexcept {
  return fails(Call::reserve_readable) ? nullptr : real_os::reserve_readable(bytes);
}
bool commit(void* start, size_t bytes) noexcept { return !fails(Call::commit) && real_os::commit(start, bytes); }
bool purge(void* start, size_t bytes) noexcept { return !fails(Call::purge) && real_os::purge(start, bytes); }
bool release(void* start, size_t bytes) noexcept { return !fails(Call::release) && real_os::release(start, bytes); }
bool resize_in_place(void* start, size_t old_bytes, size_t new_bytes) noexcept {
  return !fails(Call::resize_in_place) && real_os::resize_in_place(start, old_bytes, new_bytes);
}
bool move_pages(void* start, size_t old_bytes, void* target, size_t new_bytes) noexcept {
  return !fails(Call::move_pages) && real_os::move_pages(start, old_bytes, target, new_bytes);
}
bool wipe_in_child(void* start, size_t bytes) noexcept {
  return !fails(Call::wipe_in_child) && real_os::wipe_in_child(start, bytes);
}

uint64_t now_ms() noexcept {
  const uint64_t set = fake_os::clock_ms.load();
  return set != 0 ? set : real_os::now_ms();
}
size_t address_space_bytes_max() noexcept {
  const uint64_t set = fake_os::address_space_bytes_max.load();
  return set != 0 ? set : real_os::address_space_bytes_max();
}

void advise_huge_pages(void* start, size_t bytes) noexcept { real_os::advise_huge_pages(start, bytes); }
uint64_t now_ns() noexcept { return real_os::now_ns(); }
size_t page_bytes() noexcept { return real_os::page_bytes(); }
void wait_while(const std::atomic<uint32_t>* word, uint32_t expected, uint32_t timeout_ms) noexcept {
  real_os::wait_while(word, expected, timeout_ms);
}
void wake_one(const std::atomic<uint32_t>* word) noexcept { real_os::wake_one(word); }
int process_id() noexcept { return real_os::process_id(); }
int parent_process_id() noexcept { return real_os::parent_process_id(); }
Usage usage() noexcept { return real_os::usage(); }
bool executable_path(char* path, size_t bytes) noexcept { return real_os::executable_path(path, bytes); }
void abort_process() noexcept { real_os::abort_process(); }
void write_to(int descriptor, const char* text, size_t bytes) noexcept { real_os::write_to(descriptor, text, bytes); }

}  // namespace bursar::os
