// The loops of reduce.h, on vectors of 256 bits. Compiled once for every set of instructions: all here is a translation unit's own.
#pragma once

#include <simde/x86/avx2.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

namespace bursar::reduce {

/// The functions of one set of instructions.
struct Kernels {
  float (*sum_float)(std::span<const float>) noexcept;
  double (*sum_double)(std::span<const double>) noexcept;
  std::int64_t (*sum_int32)(std::span<const std::int32_t>) noexcept;
  std::int64_t (*sum_int64)(std::span<const std::int64_t>) noexcept;
  float (*minimum_float)(std::span<const float>) noexcept;
  double (*minimum_double)(std::span<const double>) noexcept;
  std::int32_t (*minimum_int32)(std::span<const std::int32_t>) noexcept;
  std::int64_t (*minimum_int64)(std::span<const std::int64_t>) noexcept;
  float (*maximum_float)(std::span<const float>) noexcept;
  double (*maximum_double)(std::span<const double>) noexcept;
  std::int32_t (*maximum_int32)(std::span<const std::int32_t>) noexcept;
  std::int64_t (*maximum_int64)(std::span<const std::int64_t>) noexcept;
  std::size_t (*count_float)(std::span<const float>, float) noexcept;
  std::size_t (*count_double)(std::span<const double>, double) noexcept;
  std::size_t (*count_int32)(std::span<const std::int32_t>, std::int32_t) noexcept;
  std::size_t (*count_int64)(std::span<const std::int64_t>, std::int64_t) noexcept;
};

extern const Kernels baseline_kernels;
extern const Kernels avx2_kernels;

// A translation unit's own on purpose: merged by the linker, the loops of one set of instructions would be taken for another's.
// NOLINTBEGIN(misc-definitions-in-headers)
namespace {

/// Eight sums at a time: an addition of floats takes four cycles, and two can begin in each.
constexpr std::size_t accumulators = 8;

/// What a vector of each type can do.
template <typename T>
struct Vector;

template <>
struct Vector<float> {
  using Type = simde__m256;
  using Sum = float;
  static constexpr std::size_t lanes = 8;
  static Type load(const float* from) { return simde_mm256_loadu_ps(from); }
  static Type broadcast(float value) { return simde_mm256_set1_ps(value); }
  static Type add(Type left, Type right) { return simde_mm256_add_ps(left, right); }
  static Type least(Type left, Type right) { return simde_mm256_min_ps(left, right); }
  static Type greatest(Type left, Type right) { return simde_mm256_max_ps(left, right); }
  /// All bits of the lanes in which left is greater.
  static simde__m256i greater(Type left, Type right) {
    return simde_mm256_castps_si256(simde_mm256_cmp_ps(left, right, SIMDE_CMP_GT_OQ));
  }
  static void store(float* to, Type from) { simde_mm256_storeu_ps(to, from); }
};

template <>
struct Vector<double> {
  using Type = simde__m256d;
  using Sum = double;
  static constexpr std::size_t lanes = 4;
  static Type load(const double* from) { return simde_mm256_loadu_pd(from); }
  static Type broadcast(double value) { return simde_mm256_set1_pd(value); }
  static Type add(Type left, Type right) { return simde_mm256_add_pd(left, right); }
  static Type least(Type left, Type right) { return simde_mm256_min_pd(left, right); }
  static Type greatest(Type left, Type right) { return simde_mm256_max_pd(left, right); }
  static simde__m256i greater(Type left, Type right) {
    return simde_mm256_castpd_si256(simde_mm256_cmp_pd(left, right, SIMDE_CMP_GT_OQ));
  }
  static void store(double* to, Type from) { simde_mm256_storeu_pd(to, from); }
};

struct IntegerVector {
  using Type = simde__m256i;
  static Type load(const void* from) { return simde_mm256_loadu_si256(static_cast<const Type*>(from)); }
  static void store(void* to, Type from) { simde_mm256_storeu_si256(static_cast<Type*>(to), from); }
};

template <>
struct Vector<std::int32_t> : IntegerVector {
  using Sum = std::int64_t;
  static constexpr std::size_t lanes = 8;
  static Type broadcast(std::int32_t value) { return simde_mm256_set1_epi32(value); }
  static Type least(Type left, Type right) { return simde_mm256_min_epi32(left, right); }
  static Type greatest(Type left, Type right) { return simde_mm256_max_epi32(left, right); }
  static Type greater(Type left, Type right) { return simde_mm256_cmpgt_epi32(left, right); }
};

template <>
struct Vector<std::int64_t> : IntegerVector {
  using Sum = std::int64_t;
  static constexpr std::size_t lanes = 4;
  static Type broadcast(std::int64_t value) { return simde_mm256_set1_epi64x(value); }
  static Type add(Type left, Type right) { return simde_mm256_add_epi64(left, right); }
  static Type greater(Type left, Type right) { return simde_mm256_cmpgt_epi64(left, right); }
  static Type least(Type left, Type right) { return simde_mm256_blendv_epi8(left, right, greater(left, right)); }
  static Type greatest(Type left, Type right) { return simde_mm256_blendv_epi8(right, left, greater(left, right)); }
};

/// Adds without the undefined overflow of signed integers.
template <typename T>
T add_scalars(T left, T right) noexcept {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(left) + static_cast<std::make_unsigned_t<T>>(right));
  } else {
    return left + right;
  }
}

/// Folds an array by `combine` on vectors and `combine_scalars` on what remains.
template <typename T, typename Combine, typename CombineScalars>
T fold(std::span<const T> values, T start, Combine combine, CombineScalars combine_scalars) noexcept {
  using V = Vector<T>;
  constexpr std::size_t step = accumulators * V::lanes;
  std::size_t index = 0;
  T result = start;
  if (values.size() >= step) {
    typename V::Type partial[accumulators];
    for (auto& accumulator : partial) accumulator = V::broadcast(start);
    for (; index + step <= values.size(); index += step) {
      for (std::size_t k = 0; k < accumulators; ++k) {
        partial[k] = combine(partial[k], V::load(values.data() + index + k * V::lanes));
      }
    }
    for (std::size_t width = accumulators / 2; width != 0; width /= 2) {
      for (std::size_t k = 0; k < width; ++k) partial[k] = combine(partial[k], partial[k + width]);
    }
    T lanes[V::lanes];
    V::store(lanes, partial[0]);
    for (const T lane : lanes) result = combine_scalars(result, lane);
  }
  for (; index < values.size(); ++index) result = combine_scalars(result, values[index]);
  return result;
}

template <typename T>
T sum_of(std::span<const T> values) noexcept {
  using V = Vector<T>;
  return fold<T>(
      values, T{0}, [](auto left, auto right) { return V::add(left, right); },
      [](T left, T right) { return add_scalars(left, right); });
}

/// Pairs of 32 bits become 64 bits before they are added.
std::int64_t sum_of_int32(std::span<const std::int32_t> values) noexcept {
  constexpr std::size_t step = 16;
  simde__m256i partial[4];
  for (auto& accumulator : partial) accumulator = simde_mm256_setzero_si256();
  std::size_t index = 0;
  for (; index + step <= values.size(); index += step) {
    for (std::size_t k = 0; k < 4; ++k) {
      const auto* from = reinterpret_cast<const simde__m128i*>(values.data() + index + 4 * k);
      partial[k] = simde_mm256_add_epi64(partial[k], simde_mm256_cvtepi32_epi64(simde_mm_loadu_si128(from)));
    }
  }
  std::int64_t lanes[4];
  simde_mm256_storeu_si256(reinterpret_cast<simde__m256i*>(lanes),
                           simde_mm256_add_epi64(simde_mm256_add_epi64(partial[0], partial[1]),
                                                 simde_mm256_add_epi64(partial[2], partial[3])));
  std::int64_t result = lanes[0] + lanes[1] + lanes[2] + lanes[3];
  for (; index < values.size(); ++index) result += values[index];
  return result;
}

template <typename T>
T minimum_of(std::span<const T> values) noexcept {
  using V = Vector<T>;
  return fold<T>(
      values, values[0], [](auto left, auto right) { return V::least(left, right); },
      [](T left, T right) { return right < left ? right : left; });
}

template <typename T>
T maximum_of(std::span<const T> values) noexcept {
  using V = Vector<T>;
  return fold<T>(
      values, values[0], [](auto left, auto right) { return V::greatest(left, right); },
      [](T left, T right) { return left < right ? right : left; });
}

/// A lane that is greater is -1: subtracting it counts. Lanes of 32 bits are emptied before they can overflow.
template <typename T>
std::size_t count_greater_of(std::span<const T> values, T bound) noexcept {
  using V = Vector<T>;
  constexpr std::size_t vectors = 4;
  constexpr std::size_t step = vectors * V::lanes;
  constexpr std::size_t rounds_max = std::size_t{1} << 30;
  using Lane = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const auto bounds = V::broadcast(bound);
  std::size_t count = 0;
  std::size_t index = 0;
  while (index + step <= values.size()) {
    simde__m256i partial[vectors];
    for (auto& accumulator : partial) accumulator = simde_mm256_setzero_si256();
    for (std::size_t round = 0; round < rounds_max && index + step <= values.size(); ++round, index += step) {
      for (std::size_t k = 0; k < vectors; ++k) {
        const auto mask = V::greater(V::load(values.data() + index + k * V::lanes), bounds);
        partial[k] = sizeof(T) == 4 ? simde_mm256_sub_epi32(partial[k], mask) : simde_mm256_sub_epi64(partial[k], mask);
      }
    }
    for (const auto& accumulator : partial) {
      Lane lanes[V::lanes];
      simde_mm256_storeu_si256(reinterpret_cast<simde__m256i*>(lanes), accumulator);
      for (const Lane lane : lanes) count += lane;
    }
  }
  for (; index < values.size(); ++index) count += values[index] > bound ? 1 : 0;
  return count;
}

constexpr Kernels kernels_here = {
    sum_of<float>,
    sum_of<double>,
    sum_of_int32,
    sum_of<std::int64_t>,
    minimum_of<float>,
    minimum_of<double>,
    minimum_of<std::int32_t>,
    minimum_of<std::int64_t>,
    maximum_of<float>,
    maximum_of<double>,
    maximum_of<std::int32_t>,
    maximum_of<std::int64_t>,
    count_greater_of<float>,
    count_greater_of<double>,
    count_greater_of<std::int32_t>,
    count_greater_of<std::int64_t>,
};

}  // namespace
// NOLINTEND(misc-definitions-in-headers)
}  // namespace bursar::reduce
