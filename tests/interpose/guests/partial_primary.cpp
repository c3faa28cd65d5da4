// A program that replaces the four primary pairs: single, array, aligned, aligned array.
#include <malloc.h>

#include <new>
#include <string>

#include "partial_operators.h"

REPLACE_SINGLE()
REPLACE_ARRAY()
REPLACE_ALIGNED()
REPLACE_ALIGNED_ARRAY()

CASE(each_form_calls_its_own_primary) {
  partial::call_single_forms();
  partial::expect_calls(partial::single, 4);
  partial::call_array_forms();
  partial::expect_calls(partial::array, 4);
  partial::call_aligned_forms();
  partial::expect_calls(partial::aligned, 4);
  partial::call_aligned_array_forms();
  partial::expect_calls(partial::aligned_array, 4);
}

CASE(the_cxx_library_calls_the_replacement) {
  std::string text(1000, 'x');
  EXPECT(partial::is_ours(text.data()));
  text.append(3000, 'y');
  EXPECT(partial::is_ours(text.data()));
}

CASE(malloc_is_not_the_replacement) {
  void* block = malloc(100);
  EXPECT(block != nullptr && !partial::is_ours(block));
  EXPECT(malloc_usable_size(block) >= 100);
  free(block);
  partial::expect_calls(partial::single, 0);
}
