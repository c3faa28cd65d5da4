// The report a process writes about itself when it ends.
#pragma once

#include "interpose/account/options.h"

namespace bursar::report_at_exit {

/// From now on the end of the process writes the report that the options ask for. `options` must stay.
void arm(const Options& options) noexcept;

}  // namespace bursar::report_at_exit
