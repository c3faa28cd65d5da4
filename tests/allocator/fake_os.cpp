// The system, as a test wants it. What stands here takes the place of the same function of os_linux.cpp, which is compiled with
// these under other names.
#include "tests/allocator/fake_os.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "allocator/os.h"

namespace bursar::fake_os {
namespace {

struct Plan {
  std::atomic<uint64_t> calls{0};
  std::atomic<uint64_t> first_failure{0};  // the number of the call; 0: none
  std::atomic<uint64_t> last_failure{0};
};

constinit std::array<Plan, call_count> plans{};
constinit std::atomic<uint64_t> failed_calls{0};
constinit std::atomic<uint64_t> huge_advices{0};
constinit std::atomic<uint64_t> small_advices{0};
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
uint64_t huge_page_advices() noexcept { return huge_advices.load(); }
uint64_t small_page_advices() noexcept { return small_advices.load(); }
void set_clock_ms(uint64_t now_ms) noexcept { clock_ms = now_ms; }
void advance_clock_ms(uint64_t elapsed_ms) noexcept { clock_ms += elapsed_ms; }
void set_address_space_bytes_max(uint64_t bytes) noexcept { address_space_bytes_max = bytes; }

}  // namespace bursar::fake_os

namespace bursar::os {

void* real_reserve(size_t bytes) noexcept;
void* real_reserve_readable(size_t bytes) noexcept;
bool real_commit(void* start, size_t bytes) noexcept;
bool real_purge(void* start, size_t bytes) noexcept;
bool real_release(void* start, size_t bytes) noexcept;
bool real_resize_in_place(void* start, size_t old_bytes, size_t new_bytes) noexcept;
Moved real_move_pages(void* start, size_t old_bytes, void* target, size_t new_bytes) noexcept;
void real_advise_huge_pages(void* start, size_t bytes) noexcept;
void real_advise_small_pages(void* start, size_t bytes) noexcept;
bool real_wipe_in_child(void* start, size_t bytes) noexcept;
uint64_t real_now_ms() noexcept;
size_t real_address_space_bytes_max() noexcept;

using fake_os::Call;
using fake_os::fails;

void* reserve(size_t bytes) noexcept { return fails(Call::reserve) ? nullptr : real_reserve(bytes); }
void* reserve_readable(size_t bytes) noexcept {
  return fails(Call::reserve_readable) ? nullptr : real_reserve_readable(bytes);
}
bool commit(void* start, size_t bytes) noexcept { return !fails(Call::commit) && real_commit(start, bytes); }
bool purge(void* start, size_t bytes) noexcept { return !fails(Call::purge) && real_purge(start, bytes); }
bool release(void* start, size_t bytes) noexcept { return !fails(Call::release) && real_release(start, bytes); }
bool resize_in_place(void* start, size_t old_bytes, size_t new_bytes) noexcept {
  return !fails(Call::resize_in_place) && real_resize_in_place(start, old_bytes, new_bytes);
}
Moved move_pages(void* start, size_t old_bytes, void* target, size_t new_bytes) noexcept {
  if (!fails(Call::move_pages)) return real_move_pages(start, old_bytes, target, new_bytes);
  // In turn: a sandbox that forbids it, and a kernel that has no memory and has unmapped the target by then.
  if (fake_os::failures() % 2 != 0) return Moved::refused;
  (void)real_release(target, new_bytes);
  return Moved::failed;
}
void advise_huge_pages(void* start, size_t bytes) noexcept {
  ++fake_os::huge_advices;
  real_advise_huge_pages(start, bytes);
}
void advise_small_pages(void* start, size_t bytes) noexcept {
  ++fake_os::small_advices;
  real_advise_small_pages(start, bytes);
}
bool wipe_in_child(void* start, size_t bytes) noexcept {
  return !fails(Call::wipe_in_child) && real_wipe_in_child(start, bytes);
}

uint64_t now_ms() noexcept {
  const uint64_t set = fake_os::clock_ms.load();
  return set != 0 ? set : real_now_ms();
}
size_t address_space_bytes_max() noexcept {
  const uint64_t set = fake_os::address_space_bytes_max.load();
  return set != 0 ? set : real_address_space_bytes_max();
}

}  // namespace bursar::os
