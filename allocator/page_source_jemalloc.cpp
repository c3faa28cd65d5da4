// Segments and large mappings from a private jemalloc: its extents, without its malloc.
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <ctime>

#include "allocator/check.h"
#include "allocator/os.h"
#include "allocator/page_source.h"

/// The library's global names, all with the prefix je_ and hidden (jemalloc_private.sh). Its own header would declare
/// malloc.
extern "C" {
void* je_mallocx(size_t bytes, int flags);
size_t je_xallocx(void* start, size_t bytes, size_t extra_bytes, int flags);
void je_dallocx(void* start, int flags);
size_t je_nallocx(size_t bytes, int flags);
int je_mallctl(const char* name, void* old_value, size_t* old_bytes, void* new_value, size_t new_bytes);

/// Its state of the calling thread, and what it does with that at the thread's end.
extern __thread char je_tsd_tls;
void je_tsd_cleanup(void* thread_state);

/// The options, read as jemalloc starts.
extern const char* je_malloc_conf;

/// One arena and no caches, since one lock guards all calls. No delay before freed memory is purged, since the heap delays
/// already. No second arena for what is large, since everything here is. No sbrk: it belongs to the program.
const char* je_malloc_conf =
    "narenas:1,tcache:false,dirty_decay_ms:0,muzzy_decay_ms:0,oversize_threshold:0,dss:disabled,retain:true";

/// One more, which jemalloc 5.3.0 obeys but calls invalid on stderr: a page of padding for each extent, which would break
/// up the space between aligned segments.
extern bool je_opt_cache_oblivious;

/// What jemalloc calls in place of pthread_atfork, secure_getenv and readlink: the order of things at a fork is the
/// heap's affair, and the environment and files speak to jemalloc's users, which the program is none of.
int bursar_private_no_atfork(void (*)(), void (*)(), void (*)()) { return 0; }
char* bursar_private_no_getenv(const char*) { return nullptr; }
ssize_t bursar_private_no_readlink(const char*, char*, size_t) { return -1; }

/// What jemalloc calls in place of libc's functions that other preloaded libraries wrap: a wrapper that allocates would find
/// jemalloc's own locks held. It maps memory for its records by these, and nothing else.
void* bursar_private_mmap(void* where, size_t bytes, int protection, int flags, int, off_t) {
  if ((flags & MAP_FIXED) != 0) {
    const bool is_mapped = protection != PROT_NONE && bursar::os::map_memory_over(where, bytes);
    return is_mapped ? where : MAP_FAILED;
  }
  void* start = bursar::os::reserve(bytes);
  if (start == nullptr) return MAP_FAILED;
  if (protection == PROT_NONE || bursar::os::commit(start, bytes)) return start;
  (void)bursar::os::release(start, bytes);
  return MAP_FAILED;
}

int bursar_private_munmap(void* start, size_t bytes) { return bursar::os::release(start, bytes) ? 0 : -1; }

int bursar_private_madvise(void* start, size_t bytes, int advice) {
  return advice == MADV_DONTNEED && bursar::os::purge(start, bytes) ? 0 : -1;
}

/// Only for guard pages, which are off.
int bursar_private_no_mprotect(void*, size_t, int) { return -1; }

/// One processor: jemalloc is called under a lock, so more than one arena would only spread its pages.
long bursar_private_sysconf(int name) { return name == _SC_PAGESIZE ? static_cast<long>(bursar::os::page_bytes()) : 1; }
int bursar_private_no_sched_getaffinity(int, size_t, void*) { return -1; }

int bursar_private_clock_gettime(clockid_t, timespec* time) {
  const uint64_t now_ns = bursar::os::now_ns();
  *time = {static_cast<time_t>(now_ns / 1'000'000'000), static_cast<long>(now_ns % 1'000'000'000)};
  return 0;
}
}

namespace bursar::page_source {
namespace {

constexpr int flag_no_cache = 0x100;

constexpr int flag_alignment(size_t alignment) noexcept { return std::countr_zero(alignment); }

/// True when jemalloc is not asked (again): in a child whose parent was inside it at the fork, and where it did not start.
/// Everything then comes from the system and goes there, also what jemalloc had mapped.
constinit bool is_given_up = false;
constinit bool is_started = false;

/// The extent that is being served; 0 when jemalloc allocates for itself.
constinit size_t extent_bytes = 0;

/// An extent whose pages were moved away, or that a move was to fill, until jemalloc has forgotten it.
constinit uintptr_t lost_start = 0;
constinit size_t lost_bytes = 0;

/// True where memory is scarce: under a limit of address space, and once the system refused something. Every extent then
/// comes and goes alone, in place of being kept for the next one.
constinit bool is_scarce = false;

/// Pieces as large as this are had alone: what came with one would stay when it is given back.
constexpr size_t alone_bytes_min = 64 * MiB;

void* reserve_aligned(size_t bytes, size_t alignment) noexcept {
  void* start = os::reserve(bytes);
  if (start == nullptr || address_of(start) % alignment == 0) return start;
  (void)os::release(start, bytes);
  const size_t wide_bytes = bytes + alignment;
  void* wide = wide_bytes < bytes ? nullptr : os::reserve(wide_bytes);
  if (wide == nullptr) return nullptr;
  const uintptr_t aligned = round_up(address_of(wide), alignment);
  const uintptr_t end = address_of(wide) + wide_bytes;
  // Ends that cannot be given back are only address space.
  if (aligned != address_of(wide)) (void)os::release(wide, aligned - address_of(wide));
  if (end != aligned + bytes) (void)os::release(pointer_to(aligned + bytes), end - aligned - bytes);
  return pointer_to(aligned);
}

/// How jemalloc gets address space and gives it back. It keeps account of extents, but their pages are the heap's to
/// commit, so jemalloc never touches them:
///
///   I1  a free extent reads zero where it can be read
///   I2  jemalloc holds each free extent for uncommitted and asks for its pages; for one that serves the heap the
///       answer is yes, and nothing is done; for one of its own (none are known) it gets them
///   I3  no extent stays dirty: without a purge delay jemalloc gives each back before dallocx or xallocx returns
///
/// The types are those of jemalloc's extent_hooks_t. Like there, true says that nothing was done.
struct ExtentHooks {
  void* (*allocate)(ExtentHooks*, void* wanted, size_t bytes, size_t alignment, bool* zeroed, bool* committed,
                    unsigned);
  bool (*deallocate)(ExtentHooks*, void* start, size_t bytes, bool committed, unsigned);
  void (*destroy)(ExtentHooks*, void* start, size_t bytes, bool committed, unsigned);
  bool (*commit)(ExtentHooks*, void* start, size_t bytes, size_t offset, size_t length, unsigned);
  bool (*decommit)(ExtentHooks*, void* start, size_t bytes, size_t offset, size_t length, unsigned);
  bool (*purge_lazily)(ExtentHooks*, void* start, size_t bytes, size_t offset, size_t length, unsigned);
  bool (*purge)(ExtentHooks*, void* start, size_t bytes, size_t offset, size_t length, unsigned);
  bool (*split)(ExtentHooks*, void* start, size_t bytes, size_t bytes_a, size_t bytes_b, bool committed, unsigned);
  bool (*merge)(ExtentHooks*, void* a, size_t bytes_a, void* b, size_t bytes_b, bool committed, unsigned);
};

void* allocate_extent(ExtentHooks*, void* wanted, size_t bytes, size_t alignment, bool* zeroed, bool* committed,
                      unsigned) noexcept {
  // jemalloc asks for ever larger pieces first, and then for what it needs.
  const bool takes_no_more = is_scarce || extent_bytes >= alone_bytes_min;
  if (wanted != nullptr || (takes_no_more && extent_bytes != 0 && bytes > extent_bytes)) return nullptr;
  void* start = reserve_aligned(bytes, alignment);
  if (start == nullptr) is_scarce = true;
  *zeroed = true;
  *committed = start != nullptr && extent_bytes == 0 && os::commit(start, bytes);
  return start;
}

/// Purges the extent and leaves it to jemalloc for the next one, unless memory is scarce.
bool deallocate_extent(ExtentHooks*, void* start, size_t bytes, bool, unsigned) noexcept {
  if (address_of(start) == lost_start) {
    // Where its pages were, others may have mapped something by now.
    if (bytes > lost_bytes) (void)os::release(pointer_to(lost_start + lost_bytes), bytes - lost_bytes);
    lost_start = 0;
    return false;
  }
  if (!is_scarce && os::purge(start, bytes)) return true;
  // Refused as well, it is lost, but nobody takes it for free and zeroed.
  (void)os::release(start, bytes);
  return false;
}

void destroy_extent(ExtentHooks*, void* start, size_t bytes, bool, unsigned) noexcept {
  (void)os::release(start, bytes);
}

bool commit_extent(ExtentHooks*, void* start, size_t, size_t offset, size_t length, unsigned) noexcept {
  return extent_bytes == 0 && !os::commit(pointer_to(address_of(start) + offset), length);
}

/// deallocate_extent has purged it.
bool decommit_extent(ExtentHooks*, void*, size_t, size_t, size_t, unsigned) noexcept { return false; }

bool split_extent(ExtentHooks*, void*, size_t, size_t, size_t, bool, unsigned) noexcept { return false; }
bool merge_extents(ExtentHooks*, void*, size_t, void*, size_t, bool, unsigned) noexcept { return false; }

constinit ExtentHooks extent_hooks{allocate_extent, deallocate_extent, destroy_extent, commit_extent, decommit_extent,
                                   nullptr,         nullptr,           split_extent,   merge_extents};

/// A call into jemalloc for an extent of `bytes`. Afterwards errno is as it was, and jemalloc believes that the thread has
/// ended: it keeps no list of such threads, so nothing of it is touched without the depot's lock when the thread really
/// ends, nor found torn in a forked child.
class Visit {
 public:
  explicit Visit(size_t bytes) noexcept : errno_before_(errno) {
    if (!is_started) start();
    extent_bytes = bytes == 0 ? 0 : je_nallocx(bytes, 0);
  }
  ~Visit() {
    extent_bytes = 0;
    je_tsd_cleanup(&je_tsd_tls);
    errno = errno_before_;
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  static void start() noexcept {
    is_started = true;
    is_scarce = os::address_space_bytes_max() != SIZE_MAX;
    je_opt_cache_oblivious = false;
    void* hooks = &extent_hooks;
    is_given_up = je_mallctl("arena.0.extent_hooks", nullptr, nullptr, &hooks, sizeof(void*)) != 0;
  }

  int errno_before_;
};

/// jemalloc starts itself in a constructor of its own; ours comes first, so that it finds the options. Mostly the first
/// malloc of the process was earlier than both.
[[gnu::constructor(101)]] void start_before_jemalloc() noexcept { const Visit visit(0); }

/// Makes jemalloc forget an extent whose first `bytes` may be somebody else's by now.
void lose(void* start, size_t bytes) noexcept {
  lost_start = address_of(start);
  lost_bytes = bytes;
  const Visit visit(bytes);
  je_dallocx(start, flag_no_cache);
  BURSAR_CHECK(lost_start == 0);  // I3; or jemalloc would hand out what is not its own
}

}  // namespace

void* reserve(size_t bytes, size_t alignment) noexcept {
  if (!is_given_up) {
    const Visit visit(bytes);
    if (!is_given_up) return je_mallocx(bytes, flag_alignment(alignment) | flag_no_cache);
  }
  return reserve_aligned(bytes, alignment);
}

bool commit(void* start, size_t bytes) noexcept {
  if (os::commit(start, bytes)) return true;
  is_scarce = true;
  return false;
}

bool reads_zero() noexcept { return true; }

bool purge(void* start, size_t bytes) noexcept { return os::purge(start, bytes); }

bool release(void* start, size_t bytes) noexcept {
  if (is_given_up) return os::release(start, bytes);
  const Visit visit(bytes);
  je_dallocx(start, flag_no_cache);
  return true;
}

void* map(size_t bytes, size_t alignment) noexcept {
  void* start = reserve(bytes, alignment);
  if (start == nullptr || commit(start, bytes)) return start;
  (void)release(start, bytes);
  return nullptr;
}

bool resize_in_place(void* start, size_t old_bytes, size_t new_bytes) noexcept {
  if (is_given_up) return os::resize_in_place(start, old_bytes, new_bytes);
  const Visit visit(new_bytes);
  if (je_xallocx(start, new_bytes, 0, flag_no_cache) != extent_bytes) return false;
  const uintptr_t old_end = address_of(start) + old_bytes;
  if (new_bytes > old_bytes) {
    if (commit(pointer_to(old_end), new_bytes - old_bytes)) return true;
    (void)je_xallocx(start, old_bytes, 0, flag_no_cache);
    return false;
  }
  // What the extent keeps beyond the new size, since extents come in steps.
  const uintptr_t extent_end = address_of(start) + extent_bytes;
  const uintptr_t kept_end = extent_end < old_end ? extent_end : old_end;
  const uintptr_t new_end = address_of(start) + new_bytes;
  if (kept_end > new_end) (void)os::purge(pointer_to(new_end), kept_end - new_end);
  return true;
}

bool move(void* start, size_t old_bytes, void* target, size_t new_bytes) noexcept {
  const os::Moved moved = os::move_pages(start, old_bytes, target, new_bytes);
  if (moved == os::Moved::refused) (void)release(target, new_bytes);
  if (moved == os::Moved::failed && !is_given_up) lose(target, new_bytes);
  if (moved == os::Moved::yes && !is_given_up) lose(start, old_bytes);
  return moved == os::Moved::yes;
}

bool unmap(void* start, size_t bytes) noexcept { return release(start, bytes); }

void forget_after_fork() noexcept { is_given_up = true; }

}  // namespace bursar::page_source
