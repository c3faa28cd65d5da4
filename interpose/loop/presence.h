// Whether libbursar-loop.so is there, as the heap's library sees it.
#pragma once

namespace bursar::loop {

/// Turns of an event loop are to be tasks: says on stderr when nobody will tell where they begin and end.
void tell_if_missing() noexcept;

}  // namespace bursar::loop
