// CHECK, in every build; ASSERT, in checked builds; and the switch between the two kinds of build.
#pragma once

#include "allocator/report.h"

namespace bursar {

#ifdef BURSAR_CHECKED
inline constexpr bool checked_build = true;
#else
inline constexpr bool checked_build = false;
#endif

}  // namespace bursar

/// A fact the heap cannot go on without. For slow paths: the text costs nothing until it is needed.
#define BURSAR_CHECK(fact) ((fact) ? void() : ::bursar::report_broken_invariant(#fact, __FILE__, __LINE__))

/// A fact that checked builds hold everywhere; without side effects.
#define BURSAR_ASSERT(fact)                                    \
  do {                                                         \
    if constexpr (::bursar::checked_build) BURSAR_CHECK(fact); \
  } while (false)
