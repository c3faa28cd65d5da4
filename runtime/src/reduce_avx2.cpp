// The loops of reduce.h for x86-64 processors with AVX2: compiled with -mavx2, called only where the machine has it.
#include "runtime/src/reduce_kernels.h"

namespace bursar::reduce {

const Kernels avx2_kernels = kernels_here;

}  // namespace bursar::reduce
