// Reads a source with the zeros behind it that scans need.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

#include "bench/translate/tokens.h"

namespace bursar::translate {

namespace source_detail {

class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) fail();
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() { (void)::close(descriptor_); }

  [[nodiscard]] std::size_t bytes() const {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail();
    return static_cast<std::size_t>(status.st_size);
  }

  /// How many bytes came: fewer than wanted where the file has become shorter.
  [[nodiscard]] std::size_t read(char* to, std::size_t wanted) const {
    std::size_t done = 0;
    while (done != wanted) {
      const ssize_t bytes = ::read(descriptor_, to + done, wanted - done);
      if (bytes < 0 && errno != EINTR) fail();
      if (bytes == 0) break;
      if (bytes > 0) done += static_cast<std::size_t>(bytes);
    }
    return done;
  }

 private:
  [[noreturn]] void fail() const { throw std::system_error(errno, std::generic_category(), "cannot read " + path_); }

  const std::string& path_;
  int descriptor_;
};

}  // namespace source_detail

/// The content of a file. `reserve(bytes)` gives the memory for it and for source_tail_bytes zeros. Throws std::system_error.
template <typename Reserve>
[[nodiscard]] std::string_view read_source(const std::string& path, Reserve reserve) {
  const source_detail::OpenFile file(path);
  const std::size_t wanted = file.bytes();
  char* const to = reserve(wanted + source_tail_bytes);
  const std::size_t bytes = file.read(to, wanted);
  std::memset(to + bytes, 0, source_tail_bytes);
  return {to, bytes};
}

}  // namespace bursar::translate
