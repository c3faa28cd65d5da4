// mismatch size|char_as_array|string_as_array|array_as_char|array_as_string: the wrong one of the forms of delete.
#include <cstdint>
#include <string>

#include "survey.h"

namespace {

struct Wide {
  size_t words[9];
};

template <typename T>
T* opaque(void* pointer) {
  asm volatile("" : "+r"(pointer) : : "memory");
  return static_cast<T*>(pointer);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const char* what = arguments[1];
  if (is(what, "size")) delete opaque<Wide>(new char);
  if (is(what, "char_as_array")) delete[] opaque<char>(new char);
  if (is(what, "string_as_array")) delete[] opaque<std::string>(new std::string);
  if (is(what, "array_as_char")) delete opaque<char>(new char[4096]);
  if (is(what, "array_as_string")) delete opaque<std::string>(new std::string[4096]);
  return not_caught();
}
