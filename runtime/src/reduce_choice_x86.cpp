#include "runtime/src/reduce_choice.h"

namespace bursar::reduce {

const Kernels& choose_kernels() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0 ? avx2_kernels : baseline_kernels;
}

}  // namespace bursar::reduce
