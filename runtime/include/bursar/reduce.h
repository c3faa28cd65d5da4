// Sums, extremes and counts over arrays, by vectors and several accumulators.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "bursar/export.h"

/// A loop that adds one number after the other waits for each addition. These keep enough sums going for the processor never to wait, and add
/// those up at the end: floating-point results therefore differ from the loop's in their last digits, for the better as a rule. The same code runs
/// on x86-64 (SSE2, or AVX2 where the machine has it) and on arm64 (NEON). Thread safe. No errors.
namespace bursar::reduce {

/// int32 adds up in int64; int64 wraps.
[[nodiscard]] BURSAR_RUNTIME_EXPORT float sum(std::span<const float> values) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT double sum(std::span<const double> values) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT std::int64_t sum(std::span<const std::int32_t> values) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT std::int64_t sum(std::span<const std::int64_t> values) noexcept;

/// Of nothing the neutral element: the type's largest value (infinity) for minimum, its lowest (minus infinity) for maximum. NaNs may be passed over or not.
[[nodiscard]] BURSAR_RUNTIME_EXPORT float minimum(std::span<const float> values) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT double minimum(std::span<const double> values) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT std::int32_t minimum(std::span<const std::int32_t> values) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT std::int64_t minimum(std::span<const std::int64_t> values) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT float maximum(std::span<const float> values) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT double maximum(std::span<const double> values) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT std::int32_t maximum(std::span<const std::int32_t> values) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT std::int64_t maximum(std::span<const std::int64_t> values) noexcept;

/// How many are greater than the bound; a NaN is not.
[[nodiscard]] BURSAR_RUNTIME_EXPORT std::size_t count_greater(std::span<const float> values, float bound) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT std::size_t count_greater(std::span<const double> values, double bound) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT std::size_t count_greater(std::span<const std::int32_t> values,
                                                              std::int32_t bound) noexcept;
[[nodiscard]] BURSAR_RUNTIME_EXPORT std::size_t count_greater(std::span<const std::int64_t> values,
                                                              std::int64_t bound) noexcept;

/// Which set of instructions serves here: "avx2" or "baseline".
[[nodiscard]] BURSAR_RUNTIME_EXPORT const char* instructions() noexcept;

}  // namespace bursar::reduce
