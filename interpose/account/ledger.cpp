// The writer of the ledger.
#include "interpose/account/ledger.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "allocator/os.h"
#include "allocator/size_class.h"
#include "allocator/text.h"

namespace bursar::ledger {
namespace {

/// An exec keeps the process id, so a program can have as many ledgers as it has lives.
constexpr int lives_max = 1000;

void complain(const char* path, const char* fault) noexcept {
  Text<path_bytes_max + 128> line;
  line.add("bursar: ledger ").add(path).add(": ").add(fault).add("; counting in memory only\n");
  os::write_to(os::standard_error, line.data(), line.length());
}

/// Creates the file of the path, or of the path with .1, .2, ... if that exists.
int create_for_this_life(const char* path) noexcept {
  int descriptor = os::create_file(path, O_EXCL);
  for (int life = 1; descriptor == -EEXIST && life < lives_max; ++life) {
    Text<path_bytes_max + 8> numbered;
    numbered.add(path).add(".").add_decimal(static_cast<uint64_t>(life));
    descriptor = os::create_file(numbered.c_str(), O_EXCL);
  }
  return descriptor;
}

void fill_header(Header& header, const char* program) noexcept {
  memcpy(header.magic, magic, sizeof(magic));
  header.version = version;
  header.header_bytes = sizeof(Header);
  header.slot_bytes = sizeof(Slot);
  header.slot_count = slot_count;
  header.file_bytes = file_bytes;
  header.size_class_count = size_class_count;
  static_assert(size_class_count <= size_class_capacity);
  for (SizeClass size_class = 1; size_class < size_class_count; ++size_class) {
    header.block_bytes[size_class] = static_cast<uint32_t>(block_bytes_of(size_class));
  }
  header.process_id = static_cast<uint32_t>(os::process_id());
  header.parent_process_id = static_cast<uint32_t>(os::parent_process_id());
  header.started_ns = os::now_ns();
  Text<program_bytes> name;
  name.add(program);
  memcpy(header.program, name.c_str(), name.length() + 1);
  header.slots_used.store(1, std::memory_order_relaxed);
  // Pairs with a reader's acquire: whoever sees `running` sees the header whole (I1).
  header.state.store(State::running, std::memory_order_release);
}

}  // namespace

bool Ledger::map_file(const char* pattern, const char* program, void* where) noexcept {
  char path[path_bytes_max];
  if (!options::expand_path(pattern, program, path, sizeof(path))) {
    complain(pattern, "the path is too long");
    return false;
  }
  const int descriptor = create_for_this_life(path);
  if (descriptor < 0) {
    complain(path, "cannot be created");
    return false;
  }
  bool is_mapped = false;
  if (os::allocate_file(descriptor, file_bytes) != 0) {
    complain(path, "no room for it on the disk");
  } else {
    is_mapped = os::map_file_over(where, descriptor, file_bytes);
    if (!is_mapped) complain(path, "cannot be mapped");
  }
  os::close_file(descriptor);
  return is_mapped;
}

bool Ledger::open(const Options& options, const char* program) noexcept {
  void* memory = os::reserve(file_bytes);
  if (memory == nullptr || !os::commit(memory, file_bytes)) return false;
  is_shared_ = options.ledger[0] != '\0' && map_file(options.ledger, program, memory);
  header_ = static_cast<Header*>(memory);
  slots_ = reinterpret_cast<Slot*>(static_cast<char*>(memory) + sizeof(Header));
  fill_header(*header_, program);
  return true;
}

bool Ledger::begin_child(const Options& options, const char* program) noexcept {
  // Never unmapped: a signal handler may count at any moment.
  if (is_shared_) {
    if (!os::map_memory_over(header_, file_bytes)) {
      constexpr char line[] = "bursar: no memory for the account of a child; it is not counted\n";
      os::write_to(os::standard_error, line, sizeof(line) - 1);
      return false;
    }
    is_shared_ = map_file(options.ledger, program, header_);
  } else if (!os::purge(header_, file_bytes)) {
    memset(static_cast<void*>(header_), 0, file_bytes);
  }
  fill_header(*header_, program);
  return true;
}

Slot& Ledger::take_slot() noexcept {
  const uint64_t index = header_->slots_used.fetch_add(1, std::memory_order_relaxed);
  if (index < slot_count) return slots_[index];
  header_->slots_used.store(slot_count, std::memory_order_relaxed);
  return slots_[0];
}

}  // namespace bursar::ledger
