// What the environment may change about the heap.
#include "allocator/settings.h"

namespace bursar {

constinit Settings settings;

}  // namespace bursar
