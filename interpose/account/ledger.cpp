// The writer of the ledger.
#include "interpose/account/ledger.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "allocator/os.h"
#include "allocator/size_class.h"
#include "allocator/text.h"
#include "allocator/units.h"
#include "interpose/account/standard_error.h"

namespace bursar::ledger {
namespace {

/// An exec keeps the process id, so a program can have as many ledgers as it has lives.
constexpr int lives_max = 1000;

/// Where the kernel cannot tell that there is no room behind a hole, the whole file has memory from the start; so its tables are short. So
/// they are where the program has little address space.
constexpr uint32_t short_kind_count = 64;
constexpr uint32_t short_task_count = 4096;

/// How many entries get memory at once: some pages each, so that small programs have small ledgers.
constexpr uint32_t slots_at_once = 4;
constexpr uint32_t kinds_at_once = 2;
constexpr uint32_t tasks_at_once = 64;

constexpr Table table_after(const Table& before, size_t entry_bytes, size_t entry_count) noexcept {
  return {before.offset + uint64_t{before.entry_bytes} * before.entry_count, static_cast<uint32_t>(entry_bytes),
          static_cast<uint32_t>(entry_count)};
}

struct Layout {
  Table slots;
  Table kinds;
  Table tasks;

  [[nodiscard]] constexpr size_t bytes() const noexcept {
    return round_up(table_after(tasks, 0, 0).offset, 64 * KiB);  // a multiple of every size of page
  }
};

constexpr Layout layout_of(size_t kinds, size_t tasks) noexcept {
  Layout layout{};
  layout.slots = {sizeof(Header), sizeof(Slot), slot_count};
  layout.kinds = table_after(layout.slots, sizeof(TaskKind), kinds);
  layout.tasks = table_after(layout.kinds, sizeof(Task), tasks);
  return layout;
}
constexpr Layout full_layout = layout_of(kind_count, task_record_count);
constexpr Layout short_layout = layout_of(short_kind_count, short_task_count);

const Layout& widest_layout() noexcept {
  return os::address_space_bytes_max() == SIZE_MAX ? full_layout : short_layout;
}

constinit std::atomic<bool> told_of_no_room{false};

void complain(const char* path, const char* fault) noexcept {
  Text<path_bytes_max + 128> line;
  line.add("bursar: ledger ").add(path).add(": ").add(fault).add("; counting in memory only\n");
  standard_error::write(line.data(), line.length());
}

void complain_of_no_room() noexcept {
  if (told_of_no_room.exchange(true, std::memory_order_relaxed)) return;
  constexpr char line[] = "bursar: no room for more of the ledger; further threads and tasks are counted together\n";
  standard_error::write(line, sizeof(line) - 1);
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

/// Whether the path is DIRECTORY/bursar-XXXXXX/NAME, as `bursar run` names ledgers. It removes the directory at its end; a process that
/// outlives the run has nobody who would read its ledger.
bool is_of_a_run(const char* path) noexcept {
  constexpr char prefix[] = "/bursar-";
  constexpr size_t prefix_length = sizeof(prefix) - 1;
  constexpr size_t filled_length = 6;
  const char* name = strrchr(path, '/');
  if (name == nullptr || static_cast<size_t>(name - path) < prefix_length + filled_length) return false;
  const char* filled = name - filled_length;
  return memcmp(filled - prefix_length, prefix, prefix_length) == 0 && memchr(filled, '/', filled_length) == nullptr;
}

void place_tables(Header& header, const Layout& layout) noexcept {
  header.slots = layout.slots;
  header.kinds = layout.kinds;
  header.tasks = layout.tasks;
  header.file_bytes = layout.bytes();
}

/// Pre: the tables are placed.
void fill_header(Header& header, const char* program) noexcept {
  memcpy(header.magic, magic, sizeof(magic));
  header.version = version;
  header.header_bytes = sizeof(Header);
  header.size_class_count = size_class_count;
  static_assert(size_class_count <= size_class_capacity);
  for (SizeClass size_class = 1; size_class < size_class_count; ++size_class) {
    header.block_bytes[size_class] = static_cast<uint32_t>(block_bytes_of(size_class));
  }
  header.process_id = static_cast<uint32_t>(os::process_id());
  header.parent_process_id = static_cast<uint32_t>(os::parent_process_id());
  header.started_ns = os::now_ns();
  header.started_unix_ns = os::unix_now_ns();
  Text<program_bytes> name;
  name.add(program);
  memcpy(header.program, name.c_str(), name.length() + 1);
}

os::Populated populate_kinds(Header* header, const Layout& layout) noexcept {
  const uintptr_t start = address_of(header) + layout.kinds.offset;
  const uintptr_t first = round_down(start, os::page_bytes());
  return os::populate(pointer_to(first), start + uint64_t{kinds_at_once} * sizeof(TaskKind) - first);
}

/// Adds nothing where the counter is that high already.
void raise(Counter& counter, uint64_t value) noexcept {
  uint64_t seen = counter.load(std::memory_order_relaxed);
  while (seen < value && !counter.compare_exchange_weak(seen, value, std::memory_order_release)) {
  }
}

}  // namespace

constinit Ledger book;

/// False and a complaint when the file cannot be had; then memory that is not the file's may be mapped at `where`, or nothing.
bool Ledger::map_file(const char* pattern, const char* program, Header* where) noexcept {
  char path[path_bytes_max];
  if (!options::expand_path(pattern, program, path, sizeof(path))) {
    complain(pattern, "the path is too long");
    return false;
  }
  const int descriptor = create_for_this_life(path);
  if (descriptor < 0) {
    if (descriptor != -ENOENT || !is_of_a_run(path)) complain(path, "cannot be created");
    return false;
  }
  const char* fault = fill_file(descriptor, where);
  // Not removed: its path may be another's by now. Empty, it takes no room, and says why.
  if (fault != nullptr) (void)os::resize_file(descriptor, 0);
  os::close_file(descriptor);
  if (fault != nullptr) complain(path, fault);
  return fault == nullptr;
}

/// Null, or what is wrong.
const char* Ledger::fill_file(int descriptor, Header* where) noexcept {
  constexpr const char* no_room = "no room for it on the disk";
  const Layout& layout = os::file_bytes_max() < full_layout.bytes() ? short_layout : widest_layout();
  if (os::file_bytes_max() < layout.bytes()) return "larger than its user's files may be";
  if (os::resize_file(descriptor, layout.bytes()) != 0) return no_room;
  if (!os::map_file_over(where, descriptor, layout.bytes())) return "cannot be mapped";
  // With the first kinds, which lie behind all slots: without them nothing can be counted.
  os::Populated populated = os::populate(where, sizeof(Header) + sizeof(Slot));
  if (populated == os::Populated::yes) populated = populate_kinds(where, layout);
  switch (populated) {
    case os::Populated::yes: place_tables(*where, layout); return nullptr;
    case os::Populated::no_room: return no_room;
    case os::Populated::unknown: break;
  }
  const bool is_filled = os::resize_file(descriptor, short_layout.bytes()) == 0 &&
                         os::allocate_file(descriptor, short_layout.bytes()) == 0;
  if (!is_filled) return no_room;
  place_tables(*where, short_layout);
  is_filled_ = true;
  return nullptr;
}

bool Ledger::begin(const Options& options, const char* program, Header* where) noexcept {
  is_filled_ = false;
  is_shared_ = options.ledger[0] != '\0' && map_file(options.ledger, program, where);
  if (!is_shared_) {
    // What a file that could not be filled left there goes; memory that is the process's own already is empty.
    if (options.ledger[0] != '\0' && !os::map_memory_over(where, widest_layout().bytes())) return false;
    if (!os::commit(where, sizeof(Header) + sizeof(Slot))) return false;
    place_tables(*where, widest_layout());
  }
  fill_header(*where, program);
  where->task_source = options.task_source;
  where->budget_bytes = options.budget_bytes;
  char* base = reinterpret_cast<char*>(where);
  slots_ = reinterpret_cast<Slot*>(base + where->slots.offset);
  kinds_ = reinterpret_cast<TaskKind*>(base + where->kinds.offset);
  tasks_ = reinterpret_cast<Task*>(base + where->tasks.offset);
  header_ = where;
  for (std::atomic<uint32_t>& ready : ready_) ready.store(0, std::memory_order_relaxed);
  if (!try_use_kind(kind_outside)) return false;
  where->slots_used.store(1, std::memory_order_relaxed);
  // Pairs with a reader's acquire: whoever sees `running` sees the header whole (I1).
  where->state.store(State::running, std::memory_order_release);
  return true;
}

bool Ledger::open(const Options& options, const char* program) noexcept {
  void* memory = os::reserve(widest_layout().bytes());
  return memory != nullptr && begin(options, program, static_cast<Header*>(memory));
}

bool Ledger::begin_child(const Options& options, const char* program) noexcept {
  // Never unmapped: a signal handler may count at any moment.
  const size_t bytes = widest_layout().bytes();
  const bool is_empty = (!is_shared_ && os::purge(header_, bytes)) || os::map_memory_over(header_, bytes);
  if (is_empty && begin(options, program, header_)) return true;
  constexpr char line[] = "bursar: no memory for the account of a child; it is not counted\n";
  standard_error::write(line, sizeof(line) - 1);
  return false;
}

bool Ledger::try_ready(size_t table_index, const Table& table, size_t index, uint32_t at_once) noexcept {
  if (index >= table.entry_count) return false;
  std::atomic<uint32_t>& ready = ready_[table_index];
  uint32_t seen = ready.load(std::memory_order_acquire);
  if (is_filled_ || index < seen) return true;
  // Several threads may do so at once: it changes nothing that is there already.
  uint32_t end = (static_cast<uint32_t>(index) / at_once + 1) * at_once;
  if (end > table.entry_count) end = table.entry_count;
  char* base = reinterpret_cast<char*>(header_) + table.offset;
  const uintptr_t first = round_down(address_of(base + uint64_t{seen} * table.entry_bytes), os::page_bytes());
  const size_t bytes = address_of(base + uint64_t{end} * table.entry_bytes) - first;
  const bool is_there =
      is_shared_ ? os::populate(pointer_to(first), bytes) == os::Populated::yes : os::commit(pointer_to(first), bytes);
  if (!is_there) {
    header_->had_no_room.store(1, std::memory_order_relaxed);
    complain_of_no_room();
    return false;
  }
  while (seen < end && !ready.compare_exchange_weak(seen, end, std::memory_order_acq_rel)) {
  }
  return true;
}

Slot& Ledger::take_slot() noexcept {
  uint64_t index = header_->slots_used.load(std::memory_order_relaxed);
  do {
    if (!try_ready(0, header_->slots, index, slots_at_once)) return slots_[0];
  } while (!header_->slots_used.compare_exchange_weak(index, index + 1, std::memory_order_release,
                                                      std::memory_order_relaxed));
  return slots_[index];
}

bool Ledger::try_use_kind(size_t index) noexcept {
  if (!try_ready(1, header_->kinds, index, kinds_at_once)) return false;
  raise(header_->kinds_used, index + 1);
  return true;
}

bool Ledger::try_use_task(size_t index) noexcept {
  if (!try_ready(2, header_->tasks, index, tasks_at_once)) return false;
  raise(header_->tasks_used, index + 1);
  return true;
}

View Ledger::view() const noexcept {
  const auto used = [](const Counter& counter, const Table& table) {
    const uint64_t count = counter.load(std::memory_order_acquire);
    return static_cast<size_t>(count < table.entry_count ? count : table.entry_count);
  };
  return {header_,
          slots_,
          kinds_,
          tasks_,
          used(header_->slots_used, header_->slots),
          used(header_->kinds_used, header_->kinds),
          used(header_->tasks_used, header_->tasks)};
}

}  // namespace bursar::ledger
