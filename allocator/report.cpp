// The last words of a process: one clear line on stderr, then abort.
#include "allocator/report.h"

#include "allocator/os.h"
#include "allocator/text.h"

namespace bursar {
namespace {

using Line = Text<256>;

const char* name_of(Caller caller) noexcept {
  switch (caller) {
    case Caller::free: return "free";
    case Caller::operator_delete: return "delete";
    case Caller::realloc: return "realloc";
    case Caller::usable_size: return "malloc_usable_size";
  }
  return "use";
}

[[noreturn]] void say_and_abort(Line& line) noexcept {
  line.add("\n");
  os::write_to(os::standard_error, line.data(), line.length());
  os::abort_process();
}

Line& begin_invalid(Line& line, const void* pointer, Caller caller) noexcept {
  return line.add("bursar: invalid ").add(name_of(caller)).add(" of ").add_address(pointer).add(": ");
}

}  // namespace

void report_double_free(const void* pointer) noexcept {
  Line line;
  say_and_abort(line.add("bursar: double free of ").add_address(pointer));
}

void report_foreign_pointer(const void* pointer, Caller caller) noexcept {
  Line line;
  say_and_abort(begin_invalid(line, pointer, caller).add("not a block of this heap (foreign pointer)"));
}

void report_misaligned_pointer(const void* pointer, Caller caller) noexcept {
  Line line;
  say_and_abort(begin_invalid(line, pointer, caller).add("misaligned pointer"));
}

void report_interior_pointer(const void* pointer, const void* block, Caller caller) noexcept {
  Line line;
  say_and_abort(begin_invalid(line, pointer, caller).add("inside the block at ").add_address(block));
}

void report_wrong_size(const void* pointer, size_t block_bytes, size_t claimed_bytes) noexcept {
  Line line;
  line.add("bursar: wrong size in sized delete of ").add_address(pointer).add(": the block holds ");
  say_and_abort(line.add_decimal(block_bytes).add(" bytes, the delete says ").add_decimal(claimed_bytes));
}

void report_page_size(size_t page_bytes) noexcept {
  Line line;
  line.add("bursar: this system has pages of ").add_decimal(page_bytes);
  say_and_abort(line.add(" bytes, and the heap can use 4096 and 16384: run the program without bursar"));
}

void report_broken_invariant(const char* fact, const char* file, int line_number) noexcept {
  Line line;
  line.add("bursar: broken invariant: ").add(fact).add(" (").add(file).add(":");
  say_and_abort(line.add_decimal(static_cast<uint64_t>(line_number)).add(")"));
}

}  // namespace bursar
