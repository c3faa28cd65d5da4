// Text and interners in a program without exceptions and RTTI: the try_ forms, and the headers as a whole.
#include <cstdio>

#include "bursar/frozen_interner.h"
#include "bursar/interner.h"
#include "bursar/shared_interner.h"
#include "bursar/text_split.h"
#include "bursar/zero_copy.h"

namespace {

int check(bool holds, const char* what) {
  if (!holds) std::fprintf(stderr, "does not hold: %s\n", what);
  return holds ? 0 : 1;
}

}  // namespace

int main() {
  int faults = 0;
  const auto lowered = bursar::zero_copy::try_transform(bursar::zero_copy::Lower{}, "ABC");
  faults += check(lowered.has_value() && lowered->view() == "abc", "try_transform lowers");
  auto interner = bursar::Interner::try_make();
  faults += check(interner.has_value(), "an interner is made");
  const bursar::InternResult result = interner->try_intern("name");
  faults += check(static_cast<bool>(result) && interner->view(result.symbol) == "name", "try_intern interns");
  const bursar::FrozenResult frozen = bursar::FrozenInterner::freeze(*interner);
  faults += check(frozen && frozen.interner.find("name").has_value(), "freeze freezes");
  return faults;
}
