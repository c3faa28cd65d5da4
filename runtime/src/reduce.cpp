#include "bursar/reduce.h"

#include "runtime/src/reduce_choice.h"

namespace bursar::reduce {
namespace {

/// Chosen once; every call after that is one jump through memory.
const Kernels& kernels() noexcept {
  static const Kernels& chosen = choose_kernels();
  return chosen;
}

}  // namespace

float sum(std::span<const float> values) noexcept { return kernels().sum_float(values); }
double sum(std::span<const double> values) noexcept { return kernels().sum_double(values); }
std::int64_t sum(std::span<const std::int32_t> values) noexcept { return kernels().sum_int32(values); }
std::int64_t sum(std::span<const std::int64_t> values) noexcept { return kernels().sum_int64(values); }

float minimum(std::span<const float> values) noexcept { return kernels().minimum_float(values); }
double minimum(std::span<const double> values) noexcept { return kernels().minimum_double(values); }
std::int32_t minimum(std::span<const std::int32_t> values) noexcept { return kernels().minimum_int32(values); }
std::int64_t minimum(std::span<const std::int64_t> values) noexcept { return kernels().minimum_int64(values); }
float maximum(std::span<const float> values) noexcept { return kernels().maximum_float(values); }
double maximum(std::span<const double> values) noexcept { return kernels().maximum_double(values); }
std::int32_t maximum(std::span<const std::int32_t> values) noexcept { return kernels().maximum_int32(values); }
std::int64_t maximum(std::span<const std::int64_t> values) noexcept { return kernels().maximum_int64(values); }

std::size_t count_greater(std::span<const float> values, float bound) noexcept {
  return kernels().count_float(values, bound);
}
std::size_t count_greater(std::span<const double> values, double bound) noexcept {
  return kernels().count_double(values, bound);
}
std::size_t count_greater(std::span<const std::int32_t> values, std::int32_t bound) noexcept {
  return kernels().count_int32(values, bound);
}
std::size_t count_greater(std::span<const std::int64_t> values, std::int64_t bound) noexcept {
  return kernels().count_int64(values, bound);
}

const char* instructions() noexcept { return &kernels() == &baseline_kernels ? "baseline" : "avx2"; }

}  // namespace bursar::reduce
