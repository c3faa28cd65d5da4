#include "runtime/src/watchers.h"

#include <dlfcn.h>

#include "runtime/src/annotate.h"

// AddressSanitizer's, where the program has it, whatever this file was compiled with.
extern "C" {
[[gnu::weak]] void __asan_poison_memory_region(const volatile void* place, std::size_t bytes);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* place, std::size_t bytes);
}

namespace bursar::watchers {
namespace {

/// The interface of heaptrack_api.h. By name, not by its weak symbols, which do not work in executables.
struct Heaptrack {
  void (*begin)(void* block, std::size_t bytes) = nullptr;
  void (*end)(void* block) = nullptr;
};

struct Found {
  bool asan = false;
  bool valgrind = false;
  Heaptrack heaptrack;
};

Found find() noexcept {
  Found found;
  found.asan = __asan_poison_memory_region != nullptr && __asan_unpoison_memory_region != nullptr;
  found.valgrind = valgrind::is_running();
  found.heaptrack.begin = reinterpret_cast<void (*)(void*, std::size_t)>(::dlsym(RTLD_DEFAULT, "heaptrack_malloc"));
  found.heaptrack.end = reinterpret_cast<void (*)(void*)>(::dlsym(RTLD_DEFAULT, "heaptrack_free"));
  if (found.heaptrack.begin == nullptr || found.heaptrack.end == nullptr) found.heaptrack = {};
  return found;
}

const Found& found() noexcept {
  static const Found once = find();
  return once;
}

}  // namespace

bool is_any_there() noexcept {
  const Found& tools = found();
  return tools.asan || tools.valgrind || tools.heaptrack.begin != nullptr;
}

void show(const void* place, std::size_t bytes) noexcept {
  if (found().asan) __asan_unpoison_memory_region(place, bytes);
  if (found().valgrind) valgrind::show(place, bytes);
}

void hide(const void* place, std::size_t bytes) noexcept {
  if (found().asan) __asan_poison_memory_region(place, bytes);
  if (found().valgrind) valgrind::hide(place, bytes);
}

void begin_container(void* container, std::size_t bytes, std::size_t head_bytes) noexcept {
  if (found().heaptrack.end != nullptr) found().heaptrack.end(container);
  if (found().valgrind) valgrind::begin_pool(container);
  hide(static_cast<std::byte*>(container) + head_bytes, bytes - head_bytes);
}

void end_container(void* container, std::size_t bytes) noexcept {
  show(container, bytes);
  if (found().valgrind) valgrind::end_pool(container);
  if (found().heaptrack.begin != nullptr) found().heaptrack.begin(container, bytes);
}

void begin_block(void* container, void* block, std::size_t bytes) noexcept {
  if (found().asan) __asan_unpoison_memory_region(block, bytes);
  if (found().valgrind) valgrind::begin_block(container, block, bytes);
  if (found().heaptrack.begin != nullptr) found().heaptrack.begin(block, bytes);
}

void end_block(void* container, void* block, std::size_t bytes) noexcept {
  if (found().heaptrack.end != nullptr) found().heaptrack.end(block);
  if (found().valgrind) valgrind::end_block(container, block);
  if (found().asan) __asan_poison_memory_region(block, bytes);
}

}  // namespace bursar::watchers
