// A program's own operators that count their calls; each program replaces some and checks who was called.
//
// Where a form is not replaced, the standard says which other form it calls ([new.delete.single], [new.delete.array]).
#ifndef GUESTS_PARTIAL_OPERATORS_H
#define GUESTS_PARTIAL_OPERATORS_H

#include <cstdlib>
#include <new>

#include "expect.h"

namespace partial {

struct Counts {
  int news = 0, deletes = 0;
};

inline Counts single, array, aligned, aligned_array;

// The program's pool: addresses that no malloc gave, so that a free of one is found out.
alignas(4096) inline unsigned char pool[4 * MIB];
inline size_t pool_used = 0;

inline void* take(size_t bytes, size_t alignment) {
  const size_t start = (pool_used + alignment - 1) / alignment * alignment;
  EXPECT(start + bytes <= sizeof pool);
  pool_used = start + (bytes == 0 ? 1 : bytes);
  return pool + start;
}

inline bool is_ours(const void* block) { return block >= pool && block < pool + sizeof pool; }

inline void give(void* block) { EXPECT(block == nullptr || is_ours(block)); }

struct alignas(128) Wide {
  char bytes[256];
};
struct Narrow {
  char bytes[40];
  ~Narrow() { opaque_pointer(this); }
};

// One call of each of the ten pairs; `new` and `delete` as an expression and by name.
inline void call_single_forms() {
  ::operator delete(::operator new(opaque(40)));
  ::operator delete (::operator new(opaque(40)), size_t{40});
  ::operator delete(::operator new(opaque(40), std::nothrow), std::nothrow);
  delete static_cast<Narrow*>(opaque_pointer(new Narrow));
}
inline void call_array_forms() {
  ::operator delete[](::operator new[](opaque(40)));
  ::operator delete[](::operator new[](opaque(40)), size_t{40});
  ::operator delete[](::operator new[](opaque(40), std::nothrow), std::nothrow);
  delete[] static_cast<Narrow*>(opaque_pointer(new Narrow[opaque(3)]));
}
inline void call_aligned_forms() {
  constexpr auto alignment = std::align_val_t{128};
  ::operator delete(::operator new(opaque(256), alignment), alignment);
  ::operator delete (::operator new(opaque(256), alignment), size_t{256}, alignment);
  ::operator delete(::operator new(opaque(256), alignment, std::nothrow), alignment, std::nothrow);
  delete static_cast<Wide*>(opaque_pointer(new Wide));
}
inline void call_aligned_array_forms() {
  constexpr auto alignment = std::align_val_t{128};
  ::operator delete[](::operator new[](opaque(256), alignment), alignment);
  ::operator delete[](::operator new[](opaque(256), alignment), size_t{256}, alignment);
  ::operator delete[](::operator new[](opaque(256), alignment, std::nothrow), alignment, std::nothrow);
  delete[] static_cast<Wide*>(opaque_pointer(new Wide[opaque(3)]));
}

inline void expect_calls(const Counts& counts, int pairs) {
  EXPECT(counts.news == pairs);
  EXPECT(counts.deletes == pairs);
}

}  // namespace partial

// The replacements that a program may define, each once.
#define REPLACE_SINGLE()                                                                        \
  void* operator new(size_t bytes) { return ++partial::single.news, partial::take(bytes, 16); } \
  void operator delete(void* block) noexcept { ++partial::single.deletes, partial::give(block); }
#define REPLACE_ARRAY()                                                                          \
  void* operator new[](size_t bytes) { return ++partial::array.news, partial::take(bytes, 16); } \
  void operator delete[](void* block) noexcept { ++partial::array.deletes, partial::give(block); }
#define REPLACE_ALIGNED()                                                    \
  void* operator new(size_t bytes, std::align_val_t alignment) {             \
    return ++partial::aligned.news, partial::take(bytes, size_t(alignment)); \
  }                                                                          \
  void operator delete(void* block, std::align_val_t) noexcept { ++partial::aligned.deletes, partial::give(block); }
#define REPLACE_ALIGNED_ARRAY()                                                    \
  void* operator new[](size_t bytes, std::align_val_t alignment) {                 \
    return ++partial::aligned_array.news, partial::take(bytes, size_t(alignment)); \
  }                                                                                \
  void operator delete[](void* block, std::align_val_t) noexcept {                 \
    ++partial::aligned_array.deletes, partial::give(block);                        \
  }

#endif
