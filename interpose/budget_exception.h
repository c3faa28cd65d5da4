// bursar::BudgetExceeded, as operator new throws it.
#pragma once

#include "bursar/budget.h"

namespace bursar {

/// Throws it. Returns where that cannot be done: there is no C++ runtime, or no memory for the exception.
void try_throw_budget_exceeded(const BudgetFacts& facts);

}  // namespace bursar
