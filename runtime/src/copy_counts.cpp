// What threads counted of their copies, added up for the process.
#include <atomic>

#include "bursar/cow_string.h"

namespace bursar {

namespace {

constinit std::atomic<std::uint64_t> unchanged_of_process{0};
constinit std::atomic<std::uint64_t> copies_of_process{0};
constinit std::atomic<std::uint64_t> copied_bytes_of_process{0};

// Only sums: nothing is read by their order.
constexpr auto no_order = std::memory_order_relaxed;

/// Adds the thread's batch and begins one of `calls` calls.
void begin_batch(std::uint32_t calls) noexcept {
  detail::CopyBatch& batch = detail::copy_batch;
  unchanged_of_process.fetch_add(batch.calls - batch.calls_left - batch.copies, no_order);
  copies_of_process.fetch_add(batch.copies, no_order);
  copied_bytes_of_process.fetch_add(batch.copied_bytes, no_order);
  batch = {.calls_left = calls, .calls = calls, .copies = 0, .copied_bytes = 0};
}

/// What its thread's end adds to the process.
struct FlushAtThreadEnd {
  // A call that comes later still, from another variable's destructor, is added at once.
  ~FlushAtThreadEnd() { begin_batch(1); }
};

}  // namespace

namespace detail {

constinit thread_local CopyBatch copy_batch;

void flush_copy_batch() noexcept {
  thread_local FlushAtThreadEnd at_thread_end;
  static_cast<void>(at_thread_end);
  begin_batch(copy_batch_calls);
}

}  // namespace detail

CopyCounts copy_counts() noexcept {
  detail::CopyBatch& batch = detail::copy_batch;
  if (batch.calls_left != batch.calls) begin_batch(batch.calls_left);
  return {unchanged_of_process.load(no_order), copies_of_process.load(no_order),
          copied_bytes_of_process.load(no_order)};
}

}  // namespace bursar
