// What the environment may change about the heap. Set once, before the first block.
#pragma once

#include <cstdint>

namespace bursar {

enum class HugePagesSetting : uint8_t { automatic, on, off };

struct Settings {
  int64_t purge_ms = 1000;  // free pages go back after this long; 0 at once, -1 never
  HugePagesSetting huge_pages = HugePagesSetting::automatic;
};

/// Read by slow paths only. Written before a second thread exists.
extern constinit Settings settings;

}  // namespace bursar
