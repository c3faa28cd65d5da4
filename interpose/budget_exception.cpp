// bursar::BudgetExceeded, made by hand: a class in C++ would need the C++ runtime to be there when the library is loaded.
#include "interpose/budget_exception.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "interpose/account/budget.h"

// All that the runtime must bring is weak, as in operator_new.cpp.
extern "C" {
[[gnu::weak]] void* __cxa_allocate_exception(size_t bytes) noexcept;
[[gnu::weak, noreturn]] void __cxa_throw(void* exception, void* type, void (*destructor)(void*));
[[gnu::weak]] extern void* _ZTISt9bad_alloc[];                           // the type of std::bad_alloc
[[gnu::weak]] extern void* _ZTVN10__cxxabiv120__si_class_type_infoE[3];  // the virtual table of types with one base
}

namespace bursar {
namespace {

/// The object in memory: a pointer to its virtual table, and what the header's class has.
struct Exception {
  const void* virtual_table;
  BudgetFacts facts;
};
static_assert(sizeof(Exception) == sizeof(BudgetExceeded));

const char* what(const Exception* self) noexcept { return self->facts.text; }

void destroy(void*) noexcept {}

/// Nobody deletes what the runtime has allocated.
void destroy_and_delete(void*) noexcept { __builtin_trap(); }

/// The type, as the C++ ABI has it. A program's own, which its handlers name, is another object: libstdc++ takes two for the same where their names are.
struct Type {
  const void* virtual_table;
  const char* name;
  const void* base;
};
extern const Type type;
constexpr Type type = {&_ZTVN10__cxxabiv120__si_class_type_infoE[2], "N6bursar14BudgetExceededE", &_ZTISt9bad_alloc};

/// A virtual table: two words, to which its address does not point, and the virtual functions in the order of std::exception.
struct VirtualTable {
  intptr_t offset_to_top;
  const Type* type;
  void (*destroy)(void*) noexcept;
  void (*destroy_and_delete)(void*) noexcept;
  const char* (*what)(const Exception*) noexcept;
};
constexpr VirtualTable virtual_table = {0, &type, destroy, destroy_and_delete, what};

}  // namespace

void try_throw_budget_exceeded(const BudgetFacts& facts) {
  if (__cxa_throw == nullptr || _ZTISt9bad_alloc == nullptr) return;
  void* place = nullptr;
  {
    const account::BudgetExemption exemption;
    place = __cxa_allocate_exception(sizeof(Exception));
  }
  auto* exception = static_cast<Exception*>(place);
  exception->virtual_table = &virtual_table.destroy;
  memcpy(&exception->facts, &facts, sizeof(facts));
  __cxa_throw(exception, const_cast<Type*>(&type), destroy);
}

}  // namespace bursar
