// Standard error as the program found it.
#include "interpose/account/standard_error.h"

#include "allocator/os.h"

namespace bursar::standard_error {
namespace {

constinit bool is_noted = false;
constinit os::FileIdentity noted{};
constinit int kept_copy = -1;

/// What was closed already is no file.
bool is_noted_one(int descriptor) noexcept {
  return descriptor >= 0 && noted.inode != 0 && os::identity_of(descriptor) == noted;
}

}  // namespace

void note() noexcept {
  noted = os::identity_of(os::standard_error);
  is_noted = true;
}

void keep_copy() noexcept { kept_copy = os::duplicate(os::standard_error); }

void forget_copy() noexcept {
  if (is_noted_one(kept_copy)) os::close_file(kept_copy);
  kept_copy = -1;
}

int descriptor() noexcept {
  if (is_noted_one(kept_copy)) return kept_copy;
  return !is_noted || is_noted_one(os::standard_error) ? os::standard_error : -1;
}

void write(const char* text, size_t bytes) noexcept {
  if (const int found = descriptor(); found >= 0) os::write_to(found, text, bytes);
}

}  // namespace bursar::standard_error
