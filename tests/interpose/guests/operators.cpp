// The twenty forms of operator new and delete: what they give, what they do when there is nothing to give.
#include <malloc.h>

#include <cstddef>
#include <new>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

#include "expect.h"

namespace {

constexpr std::align_val_t alignments[] = {std::align_val_t{1},    std::align_val_t{8},     std::align_val_t{16},
                                           std::align_val_t{32},   std::align_val_t{64},    std::align_val_t{512},
                                           std::align_val_t{4096}, std::align_val_t{65536}, std::align_val_t{1 << 21}};
constexpr size_t sizes[] = {0, 1, 8, 15, 16, 17, 100, 1024, 1025, 5000, 32769, 100000, 1 << 20, 3 << 20};
constexpr size_t too_much[] = {
    PTRDIFF_MAX, static_cast<size_t>(PTRDIFF_MAX) + 1, SIZE_MAX - 4096, SIZE_MAX - 15, SIZE_MAX - 1, SIZE_MAX};

void fill(void* block, size_t bytes) {
  EXPECT(block != nullptr && malloc_usable_size(block) >= bytes);
  memset(block, 0x2d, bytes);
}

template <typename Call>
bool throws_bad_alloc(Call call) {
  try {
    void* block = call();
    opaque_pointer(block);
    return false;
  } catch (const std::bad_alloc&) {
    return true;
  }
}

int handler_calls = 0;

}  // namespace

CASE(every_form_of_new_fits_its_forms_of_delete) {
  for (const size_t bytes : sizes) {
    for (int form = 0; form < 3; ++form) {
      void* one = form == 2 ? ::operator new(bytes, std::nothrow) : ::operator new(bytes);
      void* many = form == 2 ? ::operator new[](bytes, std::nothrow) : ::operator new[](bytes);
      fill(one, bytes);
      fill(many, bytes);
      EXPECT(is_aligned(one, 16) && is_aligned(many, 16) && one != many);
      if (form == 0) {
        ::operator delete(one);
        ::operator delete[](many);
      } else if (form == 1) {
        ::operator delete(one, bytes);
        ::operator delete[](many, bytes);
      } else {
        ::operator delete(one, std::nothrow);
        ::operator delete[](many, std::nothrow);
      }
    }
  }
}

CASE(every_aligned_form_of_new_fits_its_forms_of_delete) {
  for (const std::align_val_t alignment : alignments)
    for (const size_t bytes : sizes)
      for (int form = 0; form < 3; ++form) {
        void* one = form == 2 ? ::operator new(bytes, alignment, std::nothrow) : ::operator new(bytes, alignment);
        void* many = form == 2 ? ::operator new[](bytes, alignment, std::nothrow) : ::operator new[](bytes, alignment);
        fill(one, bytes);
        fill(many, bytes);
        EXPECT(is_aligned(one, static_cast<size_t>(alignment)));
        EXPECT(is_aligned(many, static_cast<size_t>(alignment)));
        if (form == 0) {
          ::operator delete(one, alignment);
          ::operator delete[](many, alignment);
        } else if (form == 1) {
          ::operator delete(one, bytes, alignment);
          ::operator delete[](many, bytes, alignment);
        } else {
          ::operator delete(one, alignment, std::nothrow);
          ::operator delete[](many, alignment, std::nothrow);
        }
      }
}

CASE(new_of_zero_is_unique) {
  void* blocks[200];
  for (int i = 0; i < 200; ++i) {
    blocks[i] = i % 2 == 0 ? ::operator new(opaque(0)) : ::operator new[](opaque(0));
    EXPECT(blocks[i] != nullptr);
    for (int j = 0; j < i; ++j) EXPECT(blocks[i] != blocks[j]);
  }
  for (int i = 0; i < 200; ++i) {
    if (i % 2 == 0)
      ::operator delete(blocks[i]);
    else
      ::operator delete[](blocks[i]);
  }
}

CASE(delete_of_null_does_nothing) {
  void* null = opaque_pointer(nullptr);
  errno = 4711;
  ::operator delete(null);
  ::operator delete[](null);
  ::operator delete (null, size_t{100});
  ::operator delete[](null, size_t{100});
  ::operator delete(null, std::nothrow);
  ::operator delete[](null, std::nothrow);
  ::operator delete (null, std::align_val_t{64});
  ::operator delete[](null, std::align_val_t{64});
  ::operator delete (null, size_t{100}, std::align_val_t{64});
  ::operator delete[](null, size_t{100}, std::align_val_t{64});
  ::operator delete (null, std::align_val_t{64}, std::nothrow);
  ::operator delete[](null, std::align_val_t{64}, std::nothrow);
  EXPECT(errno == 4711);
}

CASE(deletes_leave_errno_alone) {
  std::vector<void*> blocks(20000);
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < blocks.size(); ++i) blocks[i] = ::operator new(i % 100 == 0 ? 300000 : 200);
    errno = 4711;
    for (void* block : blocks) ::operator delete(block);
    EXPECT(errno == 4711);
  }
}

CASE(new_of_too_much_throws_bad_alloc) {
  for (const size_t bytes : too_much) {
    EXPECT(throws_bad_alloc([=] { return ::operator new(opaque(bytes)); }));
    EXPECT(throws_bad_alloc([=] { return ::operator new[](opaque(bytes)); }));
    EXPECT(::operator new(opaque(bytes), std::nothrow) == nullptr);
    EXPECT(::operator new[](opaque(bytes), std::nothrow) == nullptr);
  }
  EXPECT(throws_bad_alloc([] { return new std::string(opaque(static_cast<size_t>(PTRDIFF_MAX) / 2), 'x'); }));
}

// The C++ library rounds the size up without looking and gives a tiny block.
CASE_WITH(aligned_new_of_too_much_throws_bad_alloc, bursar_only) {
  for (const std::align_val_t alignment : alignments)
    for (const size_t bytes : too_much) {
      EXPECT(throws_bad_alloc([=] { return ::operator new(opaque(bytes), alignment); }));
      EXPECT(throws_bad_alloc([=] { return ::operator new[](opaque(bytes), alignment); }));
      EXPECT(::operator new(opaque(bytes), alignment, std::nothrow) == nullptr);
      EXPECT(::operator new[](opaque(bytes), alignment, std::nothrow) == nullptr);
    }
}

CASE_WITH(aligned_new_with_an_alignment_beyond_the_address_space_throws_bad_alloc, bursar_only) {
  for (const int shift : {50, 62, 63}) {
    const auto alignment = static_cast<std::align_val_t>(opaque(size_t{1} << shift));
    EXPECT(throws_bad_alloc([=] { return ::operator new(opaque(1), alignment); }));
    EXPECT(::operator new(opaque(1), alignment, std::nothrow) == nullptr);
  }
}

CASE(an_array_too_large_throws_bad_array_new_length) {
  bool caught = false;
  try {
    opaque_pointer(new int[opaque(SIZE_MAX / 2)]);
  } catch (const std::bad_array_new_length&) {
    caught = true;
  }
  EXPECT(caught);
}

CASE(the_thrown_object_is_a_plain_bad_alloc) {
  const char* text = nullptr;
  try {
    opaque_pointer(::operator new(opaque(PTRDIFF_MAX)));
  } catch (const std::exception& error) {
    EXPECT(typeid(error) == typeid(std::bad_alloc));
    text = error.what();
    EXPECT(strcmp(text, "std::bad_alloc") == 0);
  }
  EXPECT(text != nullptr);
}

// --- handlers

namespace {

struct OwnError : std::bad_alloc {
  explicit OwnError(int number) : number(number) {}
  const char* what() const noexcept override { return "own error"; }
  int number;
};

void throw_own_error() {
  ++handler_calls;
  throw OwnError(handler_calls);
}

void give_up_after_three() {
  if (++handler_calls == 3) std::set_new_handler(nullptr);
}

template <typename Call>
void expect_own_error(Call call) {
  handler_calls = 0;
  try {
    opaque_pointer(call());
    EXPECT(!"no exception");
  } catch (const OwnError& error) {
    EXPECT(error.number == 1 && strcmp(error.what(), "own error") == 0);
  }
  EXPECT(handler_calls == 1);
}

template <typename Call>
void expect_three_calls(Call call) {
  handler_calls = 0;
  std::set_new_handler(give_up_after_three);
  EXPECT(call());
  EXPECT(handler_calls == 3);
}

}  // namespace

CASE(what_the_handler_throws_passes_unchanged) {
  std::set_new_handler(throw_own_error);
  expect_own_error([] { return ::operator new(opaque(PTRDIFF_MAX)); });
  expect_own_error([] { return ::operator new[](opaque(PTRDIFF_MAX)); });
  expect_own_error([] { return ::operator new (opaque(PTRDIFF_MAX), std::align_val_t{16}); });
  expect_own_error([] { return ::operator new[](opaque(PTRDIFF_MAX), std::align_val_t{64}); });
}

CASE(nothrow_new_catches_what_the_handler_throws) {
  std::set_new_handler(throw_own_error);
  handler_calls = 0;
  EXPECT(::operator new(opaque(PTRDIFF_MAX), std::nothrow) == nullptr);
  EXPECT(handler_calls == 1);
  EXPECT(::operator new[](opaque(PTRDIFF_MAX), std::nothrow) == nullptr);
  EXPECT(handler_calls == 2);
  EXPECT(::operator new (opaque(PTRDIFF_MAX), std::align_val_t{64}, std::nothrow) == nullptr);
  EXPECT(handler_calls == 3);
  EXPECT(::operator new[](opaque(PTRDIFF_MAX), std::align_val_t{64}, std::nothrow) == nullptr);
  EXPECT(handler_calls == 4);
}

CASE(the_handler_is_called_until_there_is_none) {
  constexpr size_t bytes = PTRDIFF_MAX;
  constexpr auto alignment = std::align_val_t{64};
  expect_three_calls([] { return throws_bad_alloc([] { return ::operator new(opaque(bytes)); }); });
  expect_three_calls([] { return throws_bad_alloc([] { return ::operator new[](opaque(bytes)); }); });
  expect_three_calls([] { return ::operator new(opaque(bytes), std::nothrow) == nullptr; });
  expect_three_calls([] { return ::operator new[](opaque(bytes), std::nothrow) == nullptr; });
  expect_three_calls([=] { return throws_bad_alloc([=] { return ::operator new(opaque(bytes), alignment); }); });
  expect_three_calls([=] { return ::operator new(opaque(bytes), alignment, std::nothrow) == nullptr; });
}

// --- and in large programs

CASE(an_exception_from_new_unwinds_through_frames) {
  struct Counted {
    explicit Counted(int* count) : count(count) { ++*count; }
    ~Counted() { --*count; }
    int* count;
  };
  int live = 0;
  for (int i = 0; i < 1000; ++i) {
    try {
      const Counted first(&live);
      std::vector<Counted> several(10, first);
      live += 10;
      std::vector<char> huge(opaque(static_cast<size_t>(PTRDIFF_MAX)));
      EXPECT(!"no exception");
    } catch (const std::bad_alloc&) {
      EXPECT(live == 0);
    } catch (const std::length_error&) {
      EXPECT(live == 0);
    }
  }
}
