// The 20 replaceable operators new and delete: the rules of C++ ([new.delete]), and nothing else.
#include <dlfcn.h>

#include <new>

#include <cstddef>
#include <cstdint>

#include "allocator/fast_path.h"
#include "allocator/heap.h"
#include "allocator/os.h"
#include "interpose/account/account.h"
#include "interpose/account/budget.h"
#include "interpose/account/budget_report.h"
#include "interpose/account/recorder.h"
#include "interpose/budget_exception.h"
#include "interpose/serve.h"

using namespace bursar;

// This file and budget_exception.cpp alone throw, this one catches. What that needs of the C++ runtime is weak: a C program has no caller of these
// operators and need not have the runtime either. The file is built without link-time optimisation, which would drop the
// directives.
asm(".weak __cxa_begin_catch");
asm(".weak __cxa_end_catch");
asm(".weak __cxa_rethrow");
asm(".weak __gxx_personality_v0");
asm(".weak _Unwind_Resume");
asm(".weak _ZSt9terminatev");

extern "C" {
[[gnu::weak]] void* __cxa_begin_catch(void* exception) noexcept;
[[gnu::weak]] void* __cxa_allocate_exception(size_t bytes) noexcept;
[[gnu::weak, noreturn]] void __cxa_throw(void* exception, void* type, void (*destructor)(void*));
[[gnu::weak]] extern void* _ZTVSt9bad_alloc[];       // its virtual table
[[gnu::weak]] extern void* _ZTISt9bad_alloc[];       // its type
[[gnu::weak]] void _ZNSt9bad_allocD1Ev(void* self);  // its destructor
[[gnu::weak]] std::new_handler _ZSt15get_new_handlerv() noexcept;
[[gnu::weak]] void* dlopen(const char* file, int mode);  // absent from static programs
[[gnu::weak]] void* dlsym(void* handle, const char* name);
}

#define BURSAR_OPERATOR [[gnu::visibility("default"), gnu::weak]]

namespace {

/// An exception of type std::bad_alloc, made by hand: a `throw` would need the runtime to be there when the library is
/// loaded. The object is a pointer to its virtual table, which begins behind two words.
[[noreturn, gnu::noinline]] void throw_bad_alloc() {
  if (__cxa_throw == nullptr) {
    constexpr char line[] = "bursar: out of memory in operator new, and no C++ runtime to throw std::bad_alloc\n";
    os::write_to(os::standard_error, line, sizeof(line) - 1);
    os::abort_process();
  }
  auto** exception = static_cast<void**>(__cxa_allocate_exception(sizeof(void*)));
  *exception = &_ZTVSt9bad_alloc[2];
  __cxa_throw(exception, &_ZTISt9bad_alloc, &_ZNSt9bad_allocD1Ev);
}

/// What operator new does in the end: a budget has its own exception, if that can be had.
[[noreturn, gnu::noinline]] void throw_for_lack_of_memory() {
  const account::Refusal refusal = account::take_refusal();
  if (refusal.tag != 0) {
    BudgetFacts facts;
    account::describe(refusal, facts);
    try_throw_budget_exceeded(facts);
  }
  throw_bad_alloc();
}

/// A function of libstdc++ where a C program has loaded it later, out of sight of our references (a plug-in in C++). Its
/// operators call our malloc, fail as we did, and know how to throw.
void* function_of_late_runtime(const char* name) noexcept {
  if (__cxa_throw != nullptr || dlopen == nullptr || dlsym == nullptr) return nullptr;
  void* runtime = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
  return runtime == nullptr ? nullptr : dlsym(runtime, name);
}

void* new_of_late_runtime(size_t bytes, size_t alignment) {
  using New = void* (*)(size_t);
  using NewAligned = void* (*)(size_t, std::align_val_t);
  if (alignment > block_alignment) {
    auto* aligned = reinterpret_cast<NewAligned>(function_of_late_runtime("_ZnwmSt11align_val_t"));
    return aligned == nullptr ? nullptr : aligned(bytes, static_cast<std::align_val_t>(alignment));
  }
  auto* plain = reinterpret_cast<New>(function_of_late_runtime("_Znwm"));
  return plain == nullptr ? nullptr : plain(bytes);
}

/// [new.delete.single]: calls the handler until there is memory or no handler; what the handler throws passes through. It is called
/// for a spent budget too: the caches that it empties may be the task's. Null without either.
void* try_allocate(size_t bytes, size_t alignment) {
  while (true) {
    (void)account::take_refusal();  // of an earlier malloc, which has told of it, or of the turn before
    void* block = serve::allocate({bytes, alignment, Zeroed::no, serve::Call::operator_new});
    if (block == nullptr && __cxa_throw == nullptr) block = new_of_late_runtime(bytes, alignment);
    if (block != nullptr) return block;
    const std::new_handler handler = _ZSt15get_new_handlerv == nullptr ? nullptr : _ZSt15get_new_handlerv();
    if (handler == nullptr) return nullptr;
    handler();
  }
}

void* allocate_or_throw(size_t bytes, size_t alignment) {
  void* block = try_allocate(bytes, alignment);
  if (block == nullptr) throw_for_lack_of_memory();
  return block;
}

[[gnu::noinline]] void* new_long_way(size_t bytes) { return allocate_or_throw(bytes, block_alignment); }

[[gnu::noinline]] void* new_counted(size_t bytes) {
  return recorder::allocate<ledger::Call::operator_new, new_long_way>(bytes);
}

[[gnu::always_inline]] inline void* new_slow(size_t bytes) {
  return account::is_recording ? new_counted(bytes) : new_long_way(bytes);
}

void* new_here(size_t bytes) {
  if (bytes <= small_bytes_max) [[likely]] {
    if (void* block = allocate_fast(bytes)) [[likely]]
      return block;
    return new_slow(bytes);
  }
  return new_long_way(bytes);
}

void* new_aligned_here(size_t bytes, std::align_val_t alignment) {
  const auto wanted = static_cast<size_t>(alignment);
  if (!is_power_of_two(wanted) || wanted > request_bytes_max / 2) throw_bad_alloc();
  return allocate_or_throw(bytes, wanted < block_alignment ? block_alignment : wanted);
}

[[gnu::noinline]] void delete_long_way(void* pointer) noexcept { serve::deallocate(pointer, Caller::operator_delete); }
[[gnu::noinline]] void delete_counted(void* pointer, Run* run) noexcept {
  recorder::deallocate<delete_long_way>(pointer, run);
}

[[gnu::noinline]] void delete_uncounted(void* pointer) noexcept {
  if (!heap::try_send(pointer)) delete_long_way(pointer);
}

[[gnu::always_inline]] inline void delete_slow(void* pointer, Run* run) noexcept {
  account::is_recording ? delete_counted(pointer, run) : delete_uncounted(pointer);
}

void delete_here(void* pointer) noexcept { deallocate_fast<delete_slow, delete_long_way>(pointer); }

using New = void* (*)(size_t);
using NewAligned = void* (*)(size_t, std::align_val_t);
using Delete = void (*)(void*);
using DeleteAligned = void (*)(void*, std::align_val_t);

}  // namespace

BURSAR_OPERATOR void* operator new(size_t bytes) { return new_here(bytes); }
BURSAR_OPERATOR void operator delete(void* pointer) noexcept { delete_here(pointer); }
BURSAR_OPERATOR void* operator new(size_t bytes, std::align_val_t alignment) {
  return new_aligned_here(bytes, alignment);
}
BURSAR_OPERATOR void operator delete(void* pointer, std::align_val_t) noexcept { delete_here(pointer); }

// The same functions under names that no program can replace.
extern "C" {
[[gnu::alias("_Znwm"), gnu::visibility("hidden")]] void* bursar_own_new(size_t);
[[gnu::alias("_ZdlPv"), gnu::visibility("hidden")]] void bursar_own_delete(void*);
[[gnu::alias("_Znam"), gnu::visibility("hidden")]] void* bursar_own_new_array(size_t);
[[gnu::alias("_ZnamSt11align_val_t"), gnu::visibility("hidden")]] void* bursar_own_new_array_aligned(size_t,
                                                                                                     std::align_val_t);
[[gnu::alias("_ZnwmSt11align_val_t"), gnu::visibility("hidden")]] void* bursar_own_new_aligned(size_t,
                                                                                               std::align_val_t);
[[gnu::alias("_ZdlPvSt11align_val_t"), gnu::visibility("hidden")]] void bursar_own_delete_aligned(void*,
                                                                                                  std::align_val_t);
[[gnu::alias("_ZdaPv"), gnu::visibility("hidden")]] void bursar_own_delete_array(void*);
[[gnu::alias("_ZdaPvSt11align_val_t"), gnu::visibility("hidden")]] void bursar_own_delete_array_aligned(
    void*, std::align_val_t);
}

namespace {

// Where a program replaces only some of the operators, the standard says which of its own the others must call: the array
// forms the single ones, the nothrow and sized forms the plain ones. So each of the others looks whether the plain one, as
// the program sees it, is still ours. Volatile, since the compiler would decide it now, by the definitions above.
const New volatile found_new = &operator new;
const Delete volatile found_delete = &operator delete;
const New volatile found_new_array = &operator new[];
const Delete volatile found_delete_array = &operator delete[];
const NewAligned volatile found_new_aligned = &operator new;
const DeleteAligned volatile found_delete_aligned = &operator delete;
const NewAligned volatile found_new_array_aligned = &operator new[];
const DeleteAligned volatile found_delete_array_aligned = &operator delete[];

[[gnu::always_inline]] inline bool owns_new() noexcept { return found_new == bursar_own_new; }
[[gnu::always_inline]] inline bool owns_delete() noexcept { return found_delete == bursar_own_delete; }
bool owns_delete_array() noexcept { return found_delete_array == bursar_own_delete_array; }
bool owns_delete_array_aligned() noexcept { return found_delete_array_aligned == bursar_own_delete_array_aligned; }
bool owns_new_array() noexcept { return owns_new() && found_new_array == bursar_own_new_array; }
bool owns_new_aligned() noexcept { return found_new_aligned == bursar_own_new_aligned; }
bool owns_new_array_aligned() noexcept {
  return owns_new_aligned() && found_new_array_aligned == bursar_own_new_array_aligned;
}
bool owns_delete_aligned() noexcept { return found_delete_aligned == bursar_own_delete_aligned; }

/// The nothrow forms without a C++ runtime in sight, which cannot catch: one that was loaded late does it for us.
void* without_runtime(size_t bytes, size_t alignment) noexcept {
  void* block = serve::allocate({bytes, alignment, Zeroed::no, serve::Call::operator_new});
  if (block != nullptr) return block;
  using NewNothrow = void* (*)(size_t, const std::nothrow_t&);
  using NewAlignedNothrow = void* (*)(size_t, std::align_val_t, const std::nothrow_t&);
  const std::nothrow_t nothrow{};
  if (alignment > block_alignment) {
    auto* aligned = reinterpret_cast<NewAlignedNothrow>(function_of_late_runtime("_ZnwmSt11align_val_tRKSt9nothrow_t"));
    return aligned == nullptr ? nullptr : aligned(bytes, static_cast<std::align_val_t>(alignment), nothrow);
  }
  auto* plain = reinterpret_cast<NewNothrow>(function_of_late_runtime("_ZnwmRKSt9nothrow_t"));
  return plain == nullptr ? nullptr : plain(bytes, nothrow);
}

[[gnu::noinline]] void* try_new_long_way(size_t bytes) { return try_allocate(bytes, block_alignment); }

/// As new_here, with null for an exception: what an exception would tell takes long to find out.
void* try_new_here(size_t bytes) {
  if (bytes > small_bytes_max) return try_new_long_way(bytes);
  if (void* block = allocate_fast(bytes)) [[likely]]
    return block;
  return account::is_recording ? recorder::allocate<ledger::Call::operator_new, try_new_long_way>(bytes)
                               : try_new_long_way(bytes);
}

void* try_new_aligned_here(size_t bytes, std::align_val_t alignment) {
  const auto wanted = static_cast<size_t>(alignment);
  if (!is_power_of_two(wanted) || wanted > request_bytes_max / 2) return nullptr;
  return try_allocate(bytes, wanted < block_alignment ? block_alignment : wanted);
}

/// The nothrow forms: the throwing form, if it is another's, and null for whatever is thrown.
void* without_throwing(New allocate, size_t bytes) noexcept {
  if (__cxa_begin_catch == nullptr) return without_runtime(bytes, block_alignment);
  try {
    return allocate(bytes);
  } catch (...) {
    return nullptr;
  }
}

void* without_throwing(NewAligned allocate, size_t bytes, std::align_val_t alignment) noexcept {
  const auto wanted = static_cast<size_t>(alignment);
  if (__cxa_begin_catch == nullptr) return is_power_of_two(wanted) ? without_runtime(bytes, wanted) : nullptr;
  try {
    return allocate(bytes, alignment);
  } catch (...) {
    return nullptr;
  }
}

void delete_sized_here(void* pointer, size_t bytes, size_t alignment) noexcept {
  serve::deallocate_sized(pointer, bytes, alignment);
}

[[gnu::noinline]] void delete_sized_long_way(void* pointer, size_t bytes) noexcept {
  delete_sized_here(pointer, bytes, block_alignment);
}

/// The block's class must be that of its size, or else the long way finds out what is wrong.
[[gnu::noinline]] void delete_sized_slow(void* pointer, size_t bytes, Run* run) noexcept {
  const bool agrees = bytes <= medium_bytes_max && run->size_class == size_class_of(bytes);
  if (account::is_recording && agrees) return delete_counted(pointer, run);
  delete_sized_long_way(pointer, bytes);
}

[[gnu::always_inline]] inline void delete_sized_fast(void* pointer, size_t bytes) noexcept {
  deallocate_sized_fast<delete_sized_slow, delete_sized_long_way>(pointer, bytes);
}

}  // namespace

BURSAR_OPERATOR void* operator new[](size_t bytes) { return owns_new() ? new_here(bytes) : found_new(bytes); }

BURSAR_OPERATOR void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return without_throwing(owns_new() ? try_new_here : found_new, bytes);
}

BURSAR_OPERATOR void* operator new[](size_t bytes, const std::nothrow_t&) noexcept {
  return without_throwing(owns_new_array() ? try_new_here : found_new_array, bytes);
}

BURSAR_OPERATOR void* operator new[](size_t bytes, std::align_val_t alignment) {
  return owns_new_aligned() ? new_aligned_here(bytes, alignment) : found_new_aligned(bytes, alignment);
}

BURSAR_OPERATOR void* operator new(size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return without_throwing(owns_new_aligned() ? try_new_aligned_here : found_new_aligned, bytes, alignment);
}

BURSAR_OPERATOR void* operator new[](size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return without_throwing(owns_new_array_aligned() ? try_new_aligned_here : found_new_array_aligned, bytes, alignment);
}

BURSAR_OPERATOR void operator delete[](void* pointer) noexcept {
  owns_delete() ? delete_here(pointer) : found_delete(pointer);
}

BURSAR_OPERATOR void operator delete(void* pointer, size_t bytes) noexcept {
  owns_delete() ? delete_sized_fast(pointer, bytes) : found_delete(pointer);
}

BURSAR_OPERATOR void operator delete[](void* pointer, size_t bytes) noexcept {
  // Forwards to delete[](void*), which forwards to delete(void*) itself when that is replaced.
  const bool owns_both = owns_delete() && owns_delete_array();
  owns_both ? delete_sized_fast(pointer, bytes) : found_delete_array(pointer);
}

BURSAR_OPERATOR void operator delete(void* pointer, const std::nothrow_t&) noexcept { found_delete(pointer); }
BURSAR_OPERATOR void operator delete[](void* pointer, const std::nothrow_t&) noexcept { found_delete_array(pointer); }

BURSAR_OPERATOR void operator delete[](void* pointer, std::align_val_t alignment) noexcept {
  owns_delete_aligned() ? delete_here(pointer) : found_delete_aligned(pointer, alignment);
}

BURSAR_OPERATOR void operator delete(void* pointer, size_t bytes, std::align_val_t alignment) noexcept {
  owns_delete_aligned() ? delete_sized_here(pointer, bytes, static_cast<size_t>(alignment))
                        : found_delete_aligned(pointer, alignment);
}

BURSAR_OPERATOR void operator delete[](void* pointer, size_t bytes, std::align_val_t alignment) noexcept {
  const bool owns_both = owns_delete_aligned() && owns_delete_array_aligned();
  owns_both ? delete_sized_here(pointer, bytes, static_cast<size_t>(alignment))
            : found_delete_array_aligned(pointer, alignment);
}

BURSAR_OPERATOR void operator delete(void* pointer, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  found_delete_aligned(pointer, alignment);
}

BURSAR_OPERATOR void operator delete[](void* pointer, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  found_delete_array_aligned(pointer, alignment);
}
