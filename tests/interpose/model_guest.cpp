// A random walk over the whole C interface against a shadow heap: what each block must be, who else may not be there.
//
// model_guest model_guest.CASE [SEED [OPERATIONS]]; prints the seed. The shadow lives in memory of its own, so that
// the heap under test serves nobody but the walk.
#include <malloc.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <atomic>
#include <new>

#include "guests/expect.h"

namespace {

constexpr size_t slots_per_thread = 700;
constexpr size_t threads_max = 4;
constexpr size_t intervals_max = slots_per_thread * threads_max + 1024;
constexpr size_t shared_slots = 64;
constexpr size_t live_bytes_max = 400 * MIB;
constexpr int untouched = 4711;

template <typename T>
T* map_array(size_t count) {
  void* memory = mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT(memory != MAP_FAILED);
  return static_cast<T*>(memory);
}

// Who is there: all live blocks by address, none over another.
class Intervals {
 public:
  void add(const void* address, size_t bytes) {
    const auto begin = reinterpret_cast<uintptr_t>(address);
    const uintptr_t end = begin + (bytes == 0 ? 1 : bytes);
    pthread_mutex_lock(&lock_);
    const size_t at = first_behind(begin);
    EXPECT(count_ < intervals_max);
    EXPECT(at == 0 || all_[at - 1].end <= begin);
    EXPECT(at == count_ || end <= all_[at].begin);
    memmove(all_ + at + 1, all_ + at, (count_ - at) * sizeof *all_);
    all_[at] = {begin, end};
    ++count_;
    pthread_mutex_unlock(&lock_);
  }

  void remove(const void* address) {
    pthread_mutex_lock(&lock_);
    const size_t at = first_behind(reinterpret_cast<uintptr_t>(address)) - 1;
    EXPECT(at < count_ && all_[at].begin == reinterpret_cast<uintptr_t>(address));
    memmove(all_ + at, all_ + at + 1, (count_ - at - 1) * sizeof *all_);
    --count_;
    pthread_mutex_unlock(&lock_);
  }

  [[nodiscard]] size_t count() const { return count_; }

 private:
  struct Interval {
    uintptr_t begin, end;
  };

  // The first interval that begins behind this address.
  [[nodiscard]] size_t first_behind(uintptr_t address) const {
    size_t low = 0, high = count_;
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if (all_[middle].begin <= address)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }

  Interval* all_ = map_array<Interval>(intervals_max);
  size_t count_ = 0;
  pthread_mutex_t lock_ = PTHREAD_MUTEX_INITIALIZER;
};

struct Block {
  unsigned char* address = nullptr;
  size_t bytes = 0;
  size_t usable = 0;
  unsigned pattern = 0;
};

Intervals* intervals;
std::atomic<Block*>* exchange;
std::atomic<size_t> live_bytes{0};
unsigned long long seed;
unsigned long long operations = 100000;

void (*free_with_size)(void*, size_t);

unsigned char byte_at(unsigned pattern, size_t offset) {
  return static_cast<unsigned char>(pattern + offset * 131 + (offset >> 8) * 17);
}

// Calls `visit(begin, end)` for the parts of a block that are written and checked: all of a small one, the head, the
// tail and something of every page or 64 KiB of a large one. Without the tail the parts do not depend on the size.
enum class Tail { with, without };
template <typename Visit>
void for_each_part(size_t bytes, Tail tail, Visit visit) {
  constexpr size_t head = 4096;
  visit(size_t{0}, bytes < head ? bytes : head);
  for (size_t at = head; at + 16 <= bytes; at += at < MIB ? 4096 : 65536) visit(at, at + 16);
  if (tail == Tail::with && bytes > head) visit(bytes < head + 64 ? head : bytes - 64, bytes);
}

class Walk {
 public:
  Walk(unsigned number, Block** slots) : number_(number), slots_(slots) {
    state_ = seed * 0x9E3779B97F4A7C15U + number * 0xD1B54A32D192ED03U + 1;
    for (int i = 0; i < 8; ++i) next_random(&state_);
  }

  void run(unsigned long long count) {
    for (operation_ = 0; operation_ < count; ++operation_) step();
  }

  void free_all() {
    for (size_t i = 0; i < slots_per_thread; ++i) release(*slots_[i]);
  }

 private:
  void require(bool holds, int line, const char* expression) {
    if (holds) [[likely]]
      return;
    char text[256];
    const int length =
        snprintf(text, sizeof text, "seed %llu walk %u operation %llu %s\n", seed, number_, operation_, what_);
    if (write(2, text, static_cast<size_t>(length)) != length) _exit(3);
    guest_failed(__FILE__, line, expression);
  }
#define REQUIRE(condition) require(condition, __LINE__, #condition)

  // glibc's arenas leave ENOMEM behind when one of them had to stand in for another; it has no free_sized here.
  static bool errno_is_untouched() { return errno == untouched || free_with_size == nullptr; }

  size_t below(size_t limit) { return next_random(&state_) % limit; }

  // Mostly small, now and then up to 64 MiB.
  size_t any_size() {
    const size_t kind = below(1000);
    if (kind < 20) return below(8);
    if (kind < 800) return below(1025);
    if (kind < 950) return below(33000);
    if (kind < 996) return below(600000);
    return below(size_t{1} << (20 + below(7)));
  }

  size_t any_alignment() { return size_t{1} << (below(100) == 0 ? 4 + below(20) : 4 + below(10)); }

  void step() {
    Block& block = *slots_[below(slots_per_thread)];
    const size_t kind = below(100);
    if (kind < 8) return trade();
    if (kind == 8 && below(50) == 0) {
      malloc_trim(0);
      return;
    }
    if (block.address == nullptr) return make(block);
    check(block, Tail::with);
    if (kind < 40) return resize(block);
    if (kind < 50) {
      what_ = "malloc_usable_size";
      REQUIRE(malloc_usable_size(block.address) == block.usable);
      return;
    }
    release(block);
    if (kind < 70) make(block);
  }

  void make(Block& block) {
    const size_t bytes = live_bytes.load(std::memory_order_relaxed) > live_bytes_max ? below(1000) : any_size();
    size_t alignment = 16;
    void* address = nullptr;
    size_t least = bytes;
    errno = untouched;
    switch (below(20)) {
      default:
        what_ = "malloc";
        address = malloc(bytes);
        break;
      case 0:
      case 1:
      case 2:
      case 3:
        what_ = "calloc";
        address = below(2) == 0 ? calloc(bytes, 1) : calloc(1, bytes);
        REQUIRE(address == nullptr || is_zero(address, bytes));
        break;
      case 4:
        what_ = "realloc of null";
        address = realloc(opaque_pointer(nullptr), bytes);
        break;
      case 5:
        what_ = "aligned_alloc";
        alignment = any_alignment();
        address = aligned_alloc(alignment, bytes);
        break;
      case 6:
        what_ = "memalign";
        alignment = any_alignment();
        address = memalign(alignment, bytes);
        break;
      case 7:
        what_ = "posix_memalign";
        alignment = any_alignment();
        REQUIRE(posix_memalign(&address, alignment, bytes) == 0);
        break;
      case 8:
        if (below(4) != 0) {
          what_ = "reallocarray of null";
          address = reallocarray(opaque_pointer(nullptr), bytes, 1);
        } else if (below(2) != 0) {
          what_ = "valloc";
          alignment = 4096;
          address = valloc(bytes);
        } else {
          what_ = "pvalloc";
          alignment = 4096;
          least = (bytes + 4095) / 4096 * 4096;
          address = pvalloc(bytes);
        }
    }
    REQUIRE(address != nullptr && errno_is_untouched());
    REQUIRE(is_aligned(address, alignment));
    adopt(block, address, bytes);
    REQUIRE(block.usable >= least);
  }

  void resize(Block& block) {
    const size_t kept_from = block.bytes;
    size_t bytes = below(3) == 0 ? any_size() + 1 : below(2 * kept_from + 64) + 1;
    if (below(10) == 0) bytes = block.usable + (block.usable == 0);
    if (bytes > 64 * MIB) bytes = 64 * MIB;
    unsigned char* old = block.address;
    const unsigned pattern = block.pattern;
    intervals->remove(old);
    live_bytes.fetch_sub(block.usable, std::memory_order_relaxed);
    errno = untouched;
    what_ = "realloc";
    void* address = below(8) == 0 ? reallocarray(old, bytes, 1) : realloc(old, bytes);
    REQUIRE(address != nullptr && errno_is_untouched() && is_aligned(address, 16));
    const Block moved{static_cast<unsigned char*>(address), kept_from < bytes ? kept_from : bytes, 0, pattern};
    check_bytes(moved, moved.bytes, Tail::without);
    adopt(block, address, bytes);
  }

  void release(Block& block) {
    if (block.address == nullptr) return;
    check(block, Tail::with);
    unsigned char* address = block.address;
    block.address = nullptr;
    intervals->remove(address);
    live_bytes.fetch_sub(block.usable, std::memory_order_relaxed);
    what_ = "free";
    errno = untouched;
    const size_t kind = below(10);
    if (kind == 0)
      REQUIRE(realloc(address, opaque(0)) == nullptr);
    else if (kind == 1 && free_with_size != nullptr)
      free_with_size(address, block.bytes);
    else
      free(address);
    REQUIRE(errno == untouched);
  }

  // Hands one block to whoever comes next, and takes what lies there.
  void trade() {
    Block*& mine = slots_[below(slots_per_thread)];
    mine = exchange[below(shared_slots)].exchange(mine, std::memory_order_acq_rel);
    if (mine->address != nullptr) check(*mine, Tail::with);
  }

  void adopt(Block& block, void* address, size_t bytes) {
    block.address = static_cast<unsigned char*>(address);
    block.bytes = bytes;
    block.usable = malloc_usable_size(address);
    REQUIRE(block.usable >= bytes);
    block.pattern = static_cast<unsigned>(next_random(&state_));
    intervals->add(address, block.usable);
    live_bytes.fetch_add(block.usable, std::memory_order_relaxed);
    for_each_part(block.usable, Tail::with, [&](size_t begin, size_t end) {
      for (size_t at = begin; at < end; ++at) block.address[at] = byte_at(block.pattern, at);
    });
  }

  void check(const Block& block, Tail tail) {
    check_bytes(block, block.usable, tail);
    if (below(8) == 0) REQUIRE(malloc_usable_size(block.address) == block.usable);
  }

  void check_bytes(const Block& block, size_t bytes, Tail tail) {
    bool same = true;
    for_each_part(bytes, tail, [&](size_t begin, size_t end) {
      for (size_t at = begin; at < end; ++at) same = same && block.address[at] == byte_at(block.pattern, at);
    });
    REQUIRE(same);
  }

  bool is_zero(const void* address, size_t bytes) {
    if (bytes <= 4 * MIB) return all_bytes_are(address, 0, bytes) != 0;
    bool zero = true;
    const auto* at = static_cast<const unsigned char*>(address);
    for_each_part(bytes, Tail::with,
                  [&](size_t begin, size_t end) { zero = zero && all_bytes_are(at + begin, 0, end - begin) != 0; });
    return zero;
  }

  unsigned number_;
  Block** slots_;
  uint64_t state_;
  unsigned long long operation_ = 0;
  const char* what_ = "";
};

Block** slots_of[threads_max];

struct Task {
  unsigned number, thread;
  unsigned long long count;
};

void* walk(void* argument) {
  const auto* task = static_cast<const Task*>(argument);
  Walk(task->number, slots_of[task->thread]).run(task->count);
  return nullptr;
}

void prepare(size_t threads) {
  if (guest_argc > 0) {
    seed = strtoull(guest_argv[0], nullptr, 10);
  } else if (const char* text = getenv("GUEST_SEED"); text != nullptr) {
    seed = strtoull(text, nullptr, 10);
  } else {
    EXPECT(getrandom(&seed, sizeof seed, 0) == sizeof seed);
  }
  if (guest_argc > 1) operations = strtoull(guest_argv[1], nullptr, 10);
  char text[64];
  const int length = snprintf(text, sizeof text, "seed %llu\n", seed);
  EXPECT(write(1, text, static_cast<size_t>(length)) == length);
  free_with_size = reinterpret_cast<void (*)(void*, size_t)>(guest_symbol("free_sized"));
  intervals = new (map_array<Intervals>(1)) Intervals;
  auto* blocks = map_array<Block>(intervals_max);
  exchange = map_array<std::atomic<Block*>>(shared_slots);
  for (size_t i = 0; i < shared_slots; ++i) exchange[i] = blocks++;
  for (size_t i = 0; i < threads; ++i) {
    slots_of[i] = map_array<Block*>(slots_per_thread);
    for (size_t k = 0; k < slots_per_thread; ++k) slots_of[i][k] = blocks++;
  }
}

void finish(size_t threads) {
  for (size_t i = 0; i < threads; ++i) Walk(100, slots_of[i]).free_all();
  for (size_t i = 0; i < shared_slots; ++i) free(exchange[i].load()->address);
  size_t left = 0;
  for (size_t i = 0; i < shared_slots; ++i) left += exchange[i].load()->address != nullptr;
  EXPECT(intervals->count() == left);
}

}  // namespace

CASE(one_thread_walks) {
  prepare(1);
  Walk(0, slots_of[0]).run(operations);
  finish(1);
}

// Three generations of threads, each of which takes over the blocks of threads that are gone.
CASE(four_threads_walk_and_trade) {
  prepare(threads_max);
  for (unsigned generation = 0; generation < 3; ++generation) {
    pthread_t threads[threads_max];
    Task tasks[threads_max];
    for (unsigned i = 0; i < threads_max; ++i) {
      tasks[i] = {generation * 10 + i, i, operations / 10};
      EXPECT(pthread_create(&threads[i], nullptr, walk, &tasks[i]) == 0);
    }
    for (unsigned i = 0; i < threads_max; ++i) EXPECT(pthread_join(threads[i], nullptr) == 0);
  }
  finish(threads_max);
}
