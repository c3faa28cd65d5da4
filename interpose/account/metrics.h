// The figures of the process, for its own eyes.
#pragma once

#include "bursar/bursar.h"

namespace bursar::account {

/// Thread safe. Cost: some loads for each slot in use.
void read_metrics(bursar_metrics& metrics) noexcept;

}  // namespace bursar::account
