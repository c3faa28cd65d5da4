// The report a process writes about itself when it ends.
#pragma once

#include "interpose/account/options.h"

namespace bursar::report_at_exit {

/// From now on the end of the process writes the report that the options ask for. `options` must stay.
void arm(const Options& options) noexcept;

/// In a forked child: lets go of the copy of standard error. A daemon must not keep its parent's pipe open.
void forget_in_child() noexcept;

}  // namespace bursar::report_at_exit
