#include "runtime/src/misuse.h"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace bursar {

void report_misuse(const char* text) noexcept {
  char before[] = "bursar: ";
  char after[] = "\n";
  const std::array<iovec, 3> line = {
      {{before, sizeof(before) - 1}, {const_cast<char*>(text), std::strlen(text)}, {after, sizeof(after) - 1}}};
  // Nothing is left to be done about a standard error that is closed.
  [[maybe_unused]] const ssize_t written = ::writev(STDERR_FILENO, line.data(), static_cast<int>(line.size()));
  std::abort();
}

}  // namespace bursar
