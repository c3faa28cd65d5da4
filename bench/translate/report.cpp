#include "bench/translate/report.h"

#include <cstdio>
#include <initializer_list>
#include <utility>

#include "bursar/zero_copy.h"

namespace bursar::translate {

namespace {

std::string hash_text(std::uint64_t hash) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  result += zero_copy::escape<zero_copy::EscapeStyle::json>(text).view();
  return result + '"';
}

std::string milliseconds(std::uint64_t ns) {
  char text[32];
  constexpr double ns_per_ms = 1e6;
  std::snprintf(text, sizeof text, "%.3f ms", static_cast<double>(ns) / ns_per_ms);
  return text;
}

}  // namespace

Counts& Counts::operator+=(const Counts& other) {
  files += other.files;
  bytes += other.bytes;
  tokens += other.tokens;
  statements += other.statements;
  opaque_statements += other.opaque_statements;
  nodes += other.nodes;
  names_resolved += other.names_resolved;
  output_bytes += other.output_bytes;
  output_hash += other.output_hash;
  copies_avoided += other.copies_avoided;
  copies_made += other.copies_made;
  return *this;
}

std::string to_json(const RunReport& report) {
  const Counts& counts = report.counts;
  const std::initializer_list<std::pair<const char*, std::uint64_t>> figures = {
      {"files", counts.files},
      {"rounds", report.rounds},
      {"bytes", counts.bytes},
      {"tokens", counts.tokens},
      {"statements", counts.statements},
      {"opaque_statements", counts.opaque_statements},
      {"nodes", counts.nodes},
      {"names_resolved", counts.names_resolved},
      {"output_bytes", counts.output_bytes},
      {"copies_avoided", counts.copies_avoided},
      {"copies_made", counts.copies_made},
      {"read_ns", report.read_ns},
      {"translate_ns", report.translate_ns},
      {"wall_ns", report.wall_ns},
  };
  std::string json = "{\n";
  for (const auto& [name, value] : figures) json += "  " + quoted(name) + ": " + std::to_string(value) + ",\n";
  json += "  \"output_hash\": " + quoted(hash_text(counts.output_hash)) + ",\n  \"faults\": [";
  const char* separator = "\n";
  for (const FileFault& fault : report.faults) {
    json += separator;
    json += "    {\"file\": " + quoted(fault.file) + ", \"line\": " + std::to_string(fault.line) +
            ", \"fault\": " + quoted(fault.fault) + "}";
    separator = ",\n";
  }
  return json + (report.faults.empty() ? "]\n}\n" : "\n  ]\n}\n");
}

std::string to_text(const RunReport& report) {
  const Counts& counts = report.counts;
  const auto number = [](std::uint64_t value) { return std::to_string(value); };
  std::string text;
  for (const FileFault& fault : report.faults) {
    text += fault.file + ':' + number(fault.line) + ": ";
    text += fault.fault;
    text += '\n';
  }
  text += number(counts.files) + " files, " + number(counts.bytes) + " bytes, " + number(counts.tokens) + " tokens, " +
          number(counts.statements) + " statements (" + number(counts.opaque_statements) + " opaque), " +
          number(counts.nodes) + " nodes, " + number(counts.names_resolved) + " names\n";
  text += number(counts.output_bytes) + " bytes written, hash " + hash_text(counts.output_hash) + '\n';
  text += number(report.rounds) + " rounds: " + milliseconds(report.wall_ns) + ", of that reading " +
          milliseconds(report.read_ns) + ", translating " + milliseconds(report.translate_ns) + " (over all threads)\n";
  return text;
}

}  // namespace bursar::translate
