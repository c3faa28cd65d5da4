#include "runtime/src/reduce_choice.h"

namespace bursar::reduce {

const Kernels& choose_kernels() noexcept { return baseline_kernels; }

}  // namespace bursar::reduce
