// What the JSON report is set with.
#pragma once

#include "interpose/account/render_output.h"
#include "interpose/account/render_totals.h"

namespace bursar::ledger {

/// The keys of one object with the commas between them: a line each, or all on one.
class Members {
 public:
  enum class Lines : unsigned char { one, many };

  explicit Members(Output& output, Lines lines = Lines::one) noexcept : output_(output), lines_(lines) {
    output_.add('{');
  }

  Output& key(const char* name) noexcept {
    if (!first_) output_.add(',');
    output_.add(lines_ == Lines::many ? "\n  " : first_ ? "" : " ");
    first_ = false;
    return output_.add('"').add(name).add("\": ");
  }

  void number(const char* name, uint64_t value) noexcept { key(name).add(value); }

  /// null for what is not known.
  void number_or_null(const char* name, uint64_t value, bool known) noexcept {
    if (known) return number(name, value);
    key(name).add("null");
  }

  void boolean(const char* name, bool value) noexcept { key(name).add(value ? "true" : "false"); }

  void flow(const FlowTotals& flow) noexcept {
    number("allocations", flow.allocations);
    number("frees", flow.frees);
    number("allocated_bytes", flow.allocated_bytes);
    number("freed_bytes", flow.freed_bytes);
  }

  void end() noexcept { output_.add(lines_ == Lines::many ? "\n}\n" : "}"); }

 private:
  Output& output_;
  Lines lines_;
  bool first_ = true;
};

/// The elements of one array, a line each, with the commas between them.
class Elements {
 public:
  explicit Elements(Output& output) noexcept : output_(output) { output_.add('['); }

  Output& next() noexcept {
    output_.add(first_ ? "\n    " : ",\n    ");
    first_ = false;
    return output_;
  }

  void end() noexcept { output_.add(first_ ? "]" : "\n  ]"); }

 private:
  Output& output_;
  bool first_ = true;
};

/// Bytes that are no UTF-8, which JSON cannot say, become U+FFFD.
void add_string(Output& output, const char* string) noexcept;

/// The keys of threads, none of which is alive where the process has ended.
void render_json_threads(Members& members, const View& view, bool has_ended) noexcept;

/// An object of the keys of tasks.
void render_json_tasks_alone(const View& view, Output& output) noexcept;

/// The keys of tasks.
void render_json_tasks(Members& members, const View& view) noexcept;

}  // namespace bursar::ledger
