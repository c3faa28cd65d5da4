// What glibc offers around malloc: tuning, figures, hooks. Answers about this heap, not about glibc's empty one.
#include <malloc.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "allocator/heap.h"
#include "allocator/os.h"
#include "allocator/text.h"
#include "interpose/export.h"

using namespace bursar;

namespace {

size_t used_bytes(const heap::Figures& figures) noexcept { return figures.system_bytes - figures.free_bytes; }

int as_int(size_t value) noexcept { return static_cast<int>(value); }

void* malloc_from_hook(size_t bytes, const void*) { return malloc(bytes); }
void* realloc_from_hook(void* pointer, size_t bytes, const void*) { return realloc(pointer, bytes); }
void* memalign_from_hook(size_t alignment, size_t bytes, const void*) { return memalign(alignment, bytes); }
void free_from_hook(void* pointer, const void*) { free(pointer); }

}  // namespace

/// Every parameter is taken, none has an effect: the heap tunes itself. 0 would make programs that check give up.
BURSAR_EXPORT int mallopt(int, int) { return 1; }

BURSAR_EXPORT struct mallinfo2 mallinfo2() {
  const heap::Figures figures = heap::measure();
  struct mallinfo2 info {};
  info.arena = figures.system_bytes - figures.mapped_bytes;
  info.hblks = figures.mapping_count;
  info.hblkhd = figures.mapped_bytes;
  info.uordblks = used_bytes(figures) - figures.mapped_bytes;
  info.fordblks = figures.free_bytes;
  return info;
}

/// The old form: its fields are int and wrap beyond 2 GiB, as in glibc.
BURSAR_EXPORT struct mallinfo mallinfo() {
  const struct mallinfo2 wide = mallinfo2();
  struct mallinfo info {};
  info.arena = as_int(wide.arena);
  info.hblks = as_int(wide.hblks);
  info.hblkhd = as_int(wide.hblkhd);
  info.uordblks = as_int(wide.uordblks);
  info.fordblks = as_int(wide.fordblks);
  return info;
}

BURSAR_EXPORT int malloc_trim(size_t) { return heap::purge_all() ? 1 : 0; }

BURSAR_EXPORT int malloc_info(int options, FILE* stream) {
  if (options != 0) {
    errno = EINVAL;
    return -1;
  }
  const heap::Figures figures = heap::measure();
  Text<1024> xml;
  xml.add("<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n</sizes>\n");
  xml.add("<system type=\"current\" size=\"").add_decimal(figures.system_bytes).add("\"/>\n");
  xml.add("<aspace type=\"total\" size=\"").add_decimal(figures.system_bytes).add("\"/>\n</heap>\n");
  xml.add("<total type=\"rest\" count=\"0\" size=\"").add_decimal(figures.free_bytes).add("\"/>\n");
  xml.add("<total type=\"mmap\" count=\"").add_decimal(figures.mapping_count);
  xml.add("\" size=\"").add_decimal(figures.mapped_bytes).add("\"/>\n");
  xml.add("<system type=\"current\" size=\"").add_decimal(figures.system_bytes).add("\"/>\n</malloc>\n");
  return fputs(xml.c_str(), stream) < 0 ? -1 : 0;
}

/// In glibc's shape, by write(2) alone.
BURSAR_EXPORT void malloc_stats() {
  const heap::Figures figures = heap::measure();
  const size_t mapped = figures.mapped_bytes;
  Text<512> text;
  text.add("Arena 0:\nsystem bytes     = ").add_decimal(figures.system_bytes - mapped);
  text.add("\nin use bytes     = ").add_decimal(used_bytes(figures) - mapped);
  text.add("\nTotal (incl. mmap):\nsystem bytes     = ").add_decimal(figures.system_bytes);
  text.add("\nin use bytes     = ").add_decimal(used_bytes(figures));
  text.add("\nmax mmap regions = ").add_decimal(figures.mapping_count);
  text.add("\nmax mmap bytes   = ").add_decimal(mapped).add("\n");
  os::write_to(os::standard_error, text.data(), text.length());
}

BURSAR_ALIAS(mallinfo) struct mallinfo __libc_mallinfo();
BURSAR_ALIAS(mallopt) int __libc_mallopt(int, int);

// glibc before 2.34 calls these; libraries opened with RTLD_DEEPBIND reach this heap through them there. Later glibc
// ignores them.
extern "C" {
[[gnu::visibility("default")]] void* (*volatile __malloc_hook)(size_t, const void*) = malloc_from_hook;
[[gnu::visibility("default")]] void* (*volatile __realloc_hook)(void*, size_t, const void*) = realloc_from_hook;
[[gnu::visibility("default")]] void* (*volatile __memalign_hook)(size_t, size_t, const void*) = memalign_from_hook;
[[gnu::visibility("default")]] void (*volatile __free_hook)(void*, const void*) = free_from_hook;
[[gnu::visibility("default")]] void (*volatile __malloc_initialize_hook)() = nullptr;
}
