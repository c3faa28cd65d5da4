// A program that replaces the aligned operator new and delete of single objects alone.
#include "partial_operators.h"

REPLACE_ALIGNED()

CASE(aligned_forms_call_the_replacement) {
  partial::call_aligned_forms();
  partial::expect_calls(partial::aligned, 4);
}

CASE(aligned_array_forms_call_the_replacement) {
  partial::call_aligned_array_forms();
  partial::expect_calls(partial::aligned, 4);
}

CASE(unaligned_forms_stay_in_the_heap) {
  partial::call_single_forms();
  partial::call_array_forms();
  partial::expect_calls(partial::aligned, 0);
}
