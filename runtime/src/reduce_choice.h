// Which loops a machine gets. reduce_choice_x86.cpp and reduce_choice_other.cpp are the two answers: the build takes one.
#pragma once

#include "runtime/src/reduce_kernels.h"

namespace bursar::reduce {

[[nodiscard]] const Kernels& choose_kernels() noexcept;

}  // namespace bursar::reduce
