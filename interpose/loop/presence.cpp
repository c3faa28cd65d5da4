// Whether libbursar-loop.so is there, as the heap's library sees it.
#include "interpose/loop/presence.h"

#include "allocator/os.h"
#include "interpose/loop/loop.h"

namespace bursar::loop {

void tell_if_missing() noexcept {
  if (bursar_loop_is_loaded != nullptr) return;
  constexpr char line[] =
      "bursar: BURSAR: tasks=loop finds no task without libbursar-loop.so: preload it in front of this library, as "
      "bursar run "
      "--tasks=loop does\n";
  os::write_to(os::standard_error, line, sizeof(line) - 1);
}

}  // namespace bursar::loop
