#include "bursar/reduce.h"

#include <limits>

#include "runtime/src/reduce_choice.h"

namespace bursar::reduce {
namespace {

/// Chosen once; every call after that is one jump through memory.
const Kernels& kernels() noexcept {
  static const Kernels& chosen = choose_kernels();
  return chosen;
}

template <typename T>
constexpr T most = std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                                        : std::numeric_limits<T>::max();
template <typename T>
constexpr T least = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                         : std::numeric_limits<T>::lowest();

/// The kernels read the first element without a look.
template <typename T>
T extreme(T (*of)(std::span<const T>) noexcept, std::span<const T> values, T of_nothing) noexcept {
  return values.empty() ? of_nothing : of(values);
}

}  // namespace

float sum(std::span<const float> values) noexcept { return kernels().sum_float(values); }
double sum(std::span<const double> values) noexcept { return kernels().sum_double(values); }
std::int64_t sum(std::span<const std::int32_t> values) noexcept { return kernels().sum_int32(values); }
std::int64_t sum(std::span<const std::int64_t> values) noexcept { return kernels().sum_int64(values); }

float minimum(std::span<const float> values) noexcept { return extreme(kernels().minimum_float, values, most<float>); }
double minimum(std::span<const double> values) noexcept {
  return extreme(kernels().minimum_double, values, most<double>);
}
std::int32_t minimum(std::span<const std::int32_t> values) noexcept {
  return extreme(kernels().minimum_int32, values, most<std::int32_t>);
}
std::int64_t minimum(std::span<const std::int64_t> values) noexcept {
  return extreme(kernels().minimum_int64, values, most<std::int64_t>);
}
float maximum(std::span<const float> values) noexcept { return extreme(kernels().maximum_float, values, least<float>); }
double maximum(std::span<const double> values) noexcept {
  return extreme(kernels().maximum_double, values, least<double>);
}
std::int32_t maximum(std::span<const std::int32_t> values) noexcept {
  return extreme(kernels().maximum_int32, values, least<std::int32_t>);
}
std::int64_t maximum(std::span<const std::int64_t> values) noexcept {
  return extreme(kernels().maximum_int64, values, least<std::int64_t>);
}

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
