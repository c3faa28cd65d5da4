// What the environment may change about the heap. Set once, before the first block.
#pragma once

#include <cstdint>

namespace bursar {

enum class HugePagesSetting : uint8_t { automatic, on, off };

struct Settings {
  int64_t purge_ms = 1000;  // free pages go back after this long; 0 at once, -1 never
  HugePagesSetting huge_pages = HugePagesSetting::automatic;
  bool keeps_tags = false;  // each block in use has a tag, which the account writes
};

/// What has been free since before this time is due now. 0, which nothing is older than, until the clock has come far enough.
constexpr uint64_t purge_before_ms(uint64_t now_ms, int64_t purge_ms) noexcept {
  const auto delay = static_cast<uint64_t>(purge_ms);
  return now_ms >= delay ? now_ms - delay + 1 : 0;
}

/// Read by slow paths only. Written before a second thread exists.
extern constinit Settings settings;

}  // namespace bursar
