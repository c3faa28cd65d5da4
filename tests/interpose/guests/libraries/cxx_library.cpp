// A C++ library for a program that knows no C++: operator new must throw what this library can catch.
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

namespace {
int handler_calls = 0;

struct OwnError : std::bad_alloc {};

void throw_own_error() {
  ++handler_calls;
  throw OwnError();
}

template <typename Call>
bool catches_bad_alloc(Call call) {
  try {
    return call() == nullptr;
  } catch (const std::bad_alloc&) {
    return true;
  }
}
}  // namespace

extern "C" {

int use_containers() {
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.push_back(std::string(static_cast<size_t>(i), 'x'));
  return texts.back().size() == 999 ? 1 : 0;
}

int catch_bad_alloc(size_t bytes) {
  return catches_bad_alloc([=] { return ::operator new(bytes); }) &&
         catches_bad_alloc([=] { return ::operator new[](bytes); }) &&
         catches_bad_alloc([=] { return ::operator new (bytes, std::align_val_t{16}); });
}

int get_null(size_t bytes) {
  return ::operator new(bytes, std::nothrow) == nullptr&& ::operator new[](bytes, std::nothrow) == nullptr;
}

int catch_own_error(size_t bytes) {
  std::set_new_handler(throw_own_error);
  handler_calls = 0;
  bool caught = false;
  try {
    static_cast<void>(::operator new(bytes));
  } catch (const OwnError&) {
    caught = true;
  }
  const bool null = ::operator new(bytes, std::nothrow) == nullptr;
  std::set_new_handler(nullptr);
  return caught && null && handler_calls == 2;
}
}
