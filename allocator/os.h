// Every system call of the heap. Tests replace this layer to make calls fail.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace bursar::os {

/// All functions here go straight to the kernel: no libc wrapper another preload could interpose, and
/// errno stays as it is. All are safe in signal handlers and before libc has started.

inline constexpr int standard_error = 2;

/// Address space without memory behind it (PROT_NONE); null when refused.
[[nodiscard]] void* reserve(size_t bytes) noexcept;

/// Zeroed memory that reads until something is committed on top; costs no memory charge. Null when refused.
[[nodiscard]] void* reserve_readable(size_t bytes) noexcept;

/// Makes reserved pages readable and writable. They read zero where never written.
[[nodiscard]] bool commit(void* start, size_t bytes) noexcept;

/// Gives the memory behind committed pages back. True when they are now known to read zero.
bool purge(void* start, size_t bytes) noexcept;

/// Gives the address space back too. A refusal (ENOMEM when it would split a mapping) leaves it mapped.
bool release(void* start, size_t bytes) noexcept;

/// Grows or shrinks a mapping without moving it.
[[nodiscard]] bool resize_in_place(void* start, size_t old_bytes, size_t new_bytes) noexcept;

/// Moves the pages of a mapping onto `target`, reserved before; the old range is gone on success. The kernel unmaps the target
/// before it looks whether there is memory for the larger size: after `failed` it may be gone, and somebody else's by now.
enum class Moved : unsigned char { yes, refused, failed };
[[nodiscard]] Moved move_pages(void* start, size_t old_bytes, void* target, size_t new_bytes) noexcept;

/// Asks for huge pages, or for none any more; a refusal changes nothing.
void advise_huge_pages(void* start, size_t bytes) noexcept;
void advise_small_pages(void* start, size_t bytes) noexcept;

/// Makes a page read as zero in a child after fork. False where the kernel cannot.
[[nodiscard]] bool wipe_in_child(void* start, size_t bytes) noexcept;

/// Milliseconds since some fixed point (CLOCK_MONOTONIC_COARSE: a tick of 1 to 4 ms).
[[nodiscard]] uint64_t now_ms() noexcept;

/// Nanoseconds since some fixed point (CLOCK_MONOTONIC).
[[nodiscard]] uint64_t now_ns() noexcept;

/// Nanoseconds since 1970 (CLOCK_REALTIME).
[[nodiscard]] uint64_t unix_now_ns() noexcept;

/// The soft RLIMIT_AS in bytes, SIZE_MAX when there is none, as it was at the first call: sandboxes that are entered later may
/// kill for asking.
[[nodiscard]] size_t address_space_bytes_max() noexcept;

/// The size of a page in bytes, from the auxiliary vector.
[[nodiscard]] size_t page_bytes() noexcept;

/// Sleeps while `*word` is `expected`, for at most `timeout_ms`.
void wait_while(const std::atomic<uint32_t>* word, uint32_t expected, uint32_t timeout_ms) noexcept;
void wake_one(const std::atomic<uint32_t>* word) noexcept;

/// Keeps all signals from the calling thread while it lives.
class SignalBlock {
 public:
  SignalBlock() noexcept;
  ~SignalBlock();
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

 private:
  uint64_t former_mask_ = 0;
};

[[nodiscard]] int process_id() noexcept;
[[nodiscard]] int parent_process_id() noexcept;

/// Of the calling thread: the kernel's number of it, and its name, NUL-terminated, of at most 15 bytes; empty when it cannot be told.
[[nodiscard]] uint32_t thread_id() noexcept;
inline constexpr size_t thread_name_bytes = 16;
void thread_name(char (&name)[thread_name_bytes]) noexcept;

/// What the kernel knows of the process itself: peak resident memory in bytes, minor and major page faults, and time spent.
struct Usage {
  uint64_t peak_rss_bytes;
  uint64_t page_faults;
  uint64_t user_ns;
  uint64_t system_ns;
};
[[nodiscard]] Usage usage() noexcept;

/// The path of the executable, NUL-terminated, cut to fit. False when it cannot be told.
[[nodiscard]] bool executable_path(char* path, size_t bytes) noexcept;

/// Raises SIGABRT; when the program survives that, ends the process by force.
[[noreturn]] void abort_process() noexcept;

void write_to(int descriptor, const char* text, size_t bytes) noexcept;

/// A new file for writing and mapping: mode 0600, must not exist, no link followed; with `extra_flags`
/// as open(2) has them. The negative errno on failure.
[[nodiscard]] int create_file(const char* path, int extra_flags) noexcept;

/// A file for reading; the negative errno on failure.
[[nodiscard]] int open_file(const char* path) noexcept;

/// The bytes read; 0 at the end; the negative errno on failure.
[[nodiscard]] long read_file(int descriptor, char* buffer, size_t bytes) noexcept;
void close_file(int descriptor) noexcept;

/// A second descriptor of the same open file, far above those programs number by hand, closed on exec; negative when refused.
[[nodiscard]] int duplicate(int descriptor) noexcept;

/// What an open descriptor refers to; both 0 when it is closed.
struct FileIdentity {
  uint64_t device;
  uint64_t inode;
  bool operator==(const FileIdentity&) const = default;
};
[[nodiscard]] FileIdentity identity_of(int descriptor) noexcept;

/// Gives the file `bytes` bytes with room on the disk behind each, so that no later write to a mapping of
/// it can fail with SIGBUS. Zero, or the negative errno.
[[nodiscard]] int allocate_file(int descriptor, size_t bytes) noexcept;

/// The soft RLIMIT_FSIZE in bytes, SIZE_MAX when there is none: a larger file would bring the signal SIGXFSZ.
[[nodiscard]] size_t file_bytes_max() noexcept;

/// As allocate_file without room behind it: what is not written yet is a hole.
[[nodiscard]] int resize_file(int descriptor, size_t bytes) noexcept;

/// Puts memory behind mapped pages, as a write to each would, which are not changed; where a write would end in SIGBUS it says so instead.
enum class Populated : unsigned char {
  yes,
  no_room,
  unknown
};  // unknown: the kernel cannot (Linux before 5.14), or must not
[[nodiscard]] Populated populate(void* start, size_t bytes) noexcept;

/// Maps a file, shared and writable, in the place of what is mapped at `where`, which mostly stays when it is refused.
[[nodiscard]] bool map_file_over(void* where, int descriptor, size_t bytes) noexcept;

/// The same with zeroed memory of the process's own.
[[nodiscard]] bool map_memory_over(void* where, size_t bytes) noexcept;

}  // namespace bursar::os
