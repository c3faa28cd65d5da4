#include "bursar/arena_error.h"

#include <cstdio>

namespace bursar {
namespace {

const char* words_for(ArenaFault fault) noexcept {
  switch (fault) {
    case ArenaFault::no_memory: return "no memory";
    case ArenaFault::limit_exceeded: return "over the limit";
    case ArenaFault::bad_alignment: return "the alignment is no power of two";
    case ArenaFault::too_large: return "the size is beyond the address space";
  }
  return "";
}

}  // namespace

ArenaError::ArenaError(ArenaFault fault, const char* name, std::size_t limit_bytes, std::size_t held_bytes,
                       std::size_t wanted_bytes) noexcept
    : fault_(fault), limit_bytes_(limit_bytes), held_bytes_(held_bytes), wanted_bytes_(wanted_bytes), text_{} {
  if (limit_bytes == static_cast<std::size_t>(-1)) {
    std::snprintf(text_.data(), text_.size(), "bursar::Arena '%.32s': %s (wanted %zu bytes, holds %zu)", name,
                  words_for(fault), wanted_bytes, held_bytes);
  } else {
    std::snprintf(text_.data(), text_.size(), "bursar::Arena '%.32s': %s (wanted %zu bytes, holds %zu, limit %zu)",
                  name, words_for(fault), wanted_bytes, held_bytes, limit_bytes);
  }
}

ArenaError::~ArenaError() = default;

}  // namespace bursar
