// What the kernel gave the process to begin with.
#include "interpose/account/environment.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <cstring>

#include "allocator/os.h"
#include "allocator/units.h"

namespace bursar::environment {
namespace {

Found copy(const char* text, char* value, size_t bytes) noexcept {
  const size_t length = strlen(text);
  if (length >= bytes) return Found::too_long;
  memcpy(value, text, length + 1);
  return Found::yes;
}

/// Reads the process's first environment from the kernel, character by character: `name=value\0name=value\0...`.
class KernelEnvironment {
 public:
  explicit KernelEnvironment(int descriptor) noexcept : descriptor_(descriptor) {}

  Found find(const char* name, char* value, size_t bytes) noexcept {
    while (true) {
      const char* expected = name;
      int character = next();
      if (character < 0) return Found::no;
      while (*expected != '\0' && character == *expected) {
        character = next();
        ++expected;
      }
      if (*expected == '\0' && character == '=') return take_value(value, bytes);
      while (character > 0) character = next();
    }
  }

 private:
  Found take_value(char* value, size_t bytes) noexcept {
    for (size_t length = 0; length < bytes; ++length) {
      const int character = next();
      value[length] = character < 0 ? '\0' : static_cast<char>(character);
      if (character <= 0) return Found::yes;
    }
    return Found::too_long;
  }

  int next() noexcept {
    if (at_ == filled_) {
      const long got = os::read_file(descriptor_, buffer_, sizeof(buffer_));
      if (got <= 0) return -1;
      at_ = 0;
      filled_ = static_cast<size_t>(got);
    }
    return static_cast<unsigned char>(buffer_[at_++]);
  }

  int descriptor_;
  size_t at_ = 0;
  size_t filled_ = 0;
  char buffer_[512];
};

}  // namespace

Found read(const char* name, char* value, size_t bytes) noexcept {
  if (getauxval(AT_SECURE) != 0) return Found::no;
  if (environ == nullptr) {
    // The first call came from the loader, before libc took the environment over.
    const int descriptor = os::open_file("/proc/self/environ");
    if (descriptor < 0) return Found::no;
    const Found found = KernelEnvironment(descriptor).find(name, value, bytes);
    os::close_file(descriptor);
    return found;
  }
  const size_t name_length = strlen(name);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (strncmp(*entry, name, name_length) == 0 && (*entry)[name_length] == '=') {
      return copy(*entry + name_length + 1, value, bytes);
    }
  }
  return Found::no;
}

void read_program(char* path, size_t bytes) noexcept {
  const auto* executed = static_cast<const char*>(pointer_to(getauxval(AT_EXECFN)));
  if (executed != nullptr && executed[0] == '/') {
    const size_t length = strnlen(executed, bytes - 1);
    memcpy(path, executed, length);
    path[length] = '\0';
  } else if (!os::executable_path(path, bytes)) {
    path[0] = '\0';
  }
}

}  // namespace bursar::environment
