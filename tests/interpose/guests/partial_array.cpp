// A program that replaces operator new[](size_t) and operator delete[](void*) alone.
#include "partial_operators.h"

REPLACE_ARRAY()

CASE(array_forms_call_the_replacement) {
  partial::call_array_forms();
  partial::expect_calls(partial::array, 4);
}

CASE(single_and_aligned_forms_stay_in_the_heap) {
  partial::call_single_forms();
  partial::call_aligned_forms();
  partial::call_aligned_array_forms();
  partial::expect_calls(partial::array, 0);
}
