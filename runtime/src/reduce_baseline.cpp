// The loops of reduce.h for what every processor of the architecture has.
#include "runtime/src/reduce_kernels.h"

namespace bursar::reduce {

const Kernels baseline_kernels = kernels_here;

}  // namespace bursar::reduce
