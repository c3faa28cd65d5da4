// Segments and large mappings from a private jemalloc: its extents, without its malloc.
#include <sys/types.h>

#include <bit>
#include <cerrno>

#include "allocator/os.h"
#include "allocator/page_source.h"

/// The library's global names, all with the prefix je_ and hidden (jemalloc_private.sh). Its own header would declare malloc.
extern "C" {
void* je_mallocx(size_t bytes, int flags);
size_t je_xallocx(void* start, size_t bytes, size_t extra_bytes, int flags);
void je_dallocx(void* start, int flags);
size_t je_nallocx(size_t bytes, int flags);

/// Its state of the calling thread, and what it does with that at the thread's end.
extern __thread char je_tsd_tls;
void je_tsd_cleanup(void* thread_state);

/// The options, read as jemalloc starts. `start` has the last word.
extern const char* je_malloc_conf;
const char* je_malloc_conf = nullptr;

/// An option that jemalloc 5.3.0 obeys but calls invalid on stderr.
extern bool je_opt_cache_oblivious;

/// What jemalloc calls in place of pthread_atfork, secure_getenv and readlink: the order of things at a fork is the
/// heap's affair, and the environment and files speak to jemalloc's users, which the program is none of.
int bursar_private_no_atfork(void (*)(), void (*)(), void (*)()) { return 0; }
char* bursar_private_no_getenv(const char*) { return nullptr; }
ssize_t bursar_private_no_readlink(const char*, char*, size_t) { return -1; }
}

namespace bursar::page_source {
namespace {

/// One arena and no caches, since one lock guards all calls. No delay before freed memory is purged, since the heap
/// delays already. No second arena for what is large, since everything here is. No sbrk: it belongs to the program.
/// (And no "cache oblivious" page of padding for each, which would break up the space between aligned segments.)
///
/// What was purged stays mapped for the next segment or mapping ("retain"), and new address space is taken in growing
/// pieces; under a limit of address space each comes and goes alone.
constexpr const char* retaining_options =
    "narenas:1,tcache:false,dirty_decay_ms:0,muzzy_decay_ms:0,oversize_threshold:0,dss:disabled,"
    "retain:true";
constexpr const char* returning_options =
    "narenas:1,tcache:false,dirty_decay_ms:0,muzzy_decay_ms:0,oversize_threshold:0,dss:disabled,"
    "retain:false";

constexpr int flag_zero = 0x40;
constexpr int flag_no_cache = 0x100;

constexpr int flag_alignment(size_t alignment) noexcept { return std::countr_zero(alignment); }

constinit bool is_started = false;

/// In a child whose parent was inside jemalloc at the fork: from then on everything comes from the system and goes
/// there, also what jemalloc had mapped, since nobody asks jemalloc again.
constinit bool is_forgotten = false;

/// A call into jemalloc. Afterwards errno is as it was, and jemalloc believes that the thread has ended: it keeps no list
/// of such threads, so nothing of it is touched without the depot's lock when the thread really ends.
class Visit {
 public:
  Visit() noexcept : errno_before_(errno) {
    if (!is_started) start();
  }
  ~Visit() {
    je_tsd_cleanup(&je_tsd_tls);
    errno = errno_before_;
  }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  static void start() noexcept {
    je_malloc_conf = os::address_space_bytes_max() == SIZE_MAX ? retaining_options : returning_options;
    je_opt_cache_oblivious = false;
    // Starts jemalloc, whatever it answers: when it cannot, allocating will fail too.
    (void)je_nallocx(granule_bytes, 0);
    is_started = true;
  }

  int errno_before_;
};

/// jemalloc starts itself in a constructor of its own; ours comes first, so that it finds the options. Mostly the first
/// malloc of the process was earlier than both.
[[gnu::constructor(101)]] void start_before_jemalloc() noexcept { const Visit visit; }

void* map_from_system(size_t bytes, size_t alignment) noexcept {
  if (bytes + alignment < bytes) return nullptr;
  void* wide = os::reserve(bytes + alignment);
  if (wide == nullptr) return nullptr;
  // The ends stay reserved: they are only address space, of a child that nothing good is expected of.
  void* start = pointer_to(round_up(address_of(wide), alignment));
  if (os::commit(start, bytes)) return start;
  (void)os::release(wide, bytes + alignment);
  return nullptr;
}

}  // namespace

void* reserve(size_t bytes, size_t alignment) noexcept { return map(bytes, alignment); }

/// What jemalloc hands out is usable.
bool commit(void*, size_t) noexcept { return true; }

/// jemalloc knows which of its extents are fresh or purged; it clears the others.
bool reads_zero() noexcept { return true; }

bool purge(void* start, size_t bytes) noexcept { return os::purge(start, bytes); }

bool release(void* start, size_t bytes) noexcept { return unmap(start, bytes); }

void* map(size_t bytes, size_t alignment) noexcept {
  if (is_forgotten) return map_from_system(bytes, alignment);
  const Visit visit;
  return je_mallocx(bytes, flag_alignment(alignment) | flag_zero | flag_no_cache);
}

bool resize_in_place(void* start, size_t old_bytes, size_t new_bytes) noexcept {
  if (is_forgotten) return os::resize_in_place(start, old_bytes, new_bytes);
  const Visit visit;
  const size_t granted = je_xallocx(start, new_bytes, 0, flag_no_cache);
  return granted == je_nallocx(new_bytes, 0);
}

/// The pages belong to jemalloc's extents, which stay where they are.
bool move(void*, size_t, void*, size_t) noexcept { return false; }

bool unmap(void* start, size_t bytes) noexcept {
  if (is_forgotten) return os::release(start, bytes);
  const Visit visit;
  je_dallocx(start, flag_no_cache);
  return true;
}

void forget_after_fork() noexcept { is_forgotten = true; }

}  // namespace bursar::page_source
