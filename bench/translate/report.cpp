#include "bench/translate/report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace bursar::translate {

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
  nlohmann::ordered_json json{
      {"files", counts.files},
      {"rounds", report.rounds},
      {"bytes", counts.bytes},
      {"tokens", counts.tokens},
      {"statements", counts.statements},
      {"opaque_statements", counts.opaque_statements},
      {"nodes", counts.nodes},
      {"names_resolved", counts.names_resolved},
      {"output_bytes", counts.output_bytes},
      {"output_hash", fmt::format("{:016x}", counts.output_hash)},
      {"copies_avoided", counts.copies_avoided},
      {"copies_made", counts.copies_made},
      {"read_ns", report.read_ns},
      {"translate_ns", report.translate_ns},
      {"wall_ns", report.wall_ns},
      {"faults", nlohmann::ordered_json::array()},
  };
  for (const FileFault& fault : report.faults)
    json["faults"].push_back({{"file", fault.file}, {"line", fault.line}, {"fault", fault.fault}});
  // A path may be no UTF-8.
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n';
}

std::string to_text(const RunReport& report) {
  const Counts& counts = report.counts;
  std::string text;
  for (const FileFault& fault : report.faults) text += fmt::format("{}:{}: {}\n", fault.file, fault.line, fault.fault);
  constexpr double ns_per_ms = 1e6;
  text += fmt::format("{} files, {} bytes, {} tokens, {} statements ({} opaque), {} nodes, {} names\n", counts.files,
                      counts.bytes, counts.tokens, counts.statements, counts.opaque_statements, counts.nodes,
                      counts.names_resolved);
  text += fmt::format("{} bytes written, hash {:016x}\n", counts.output_bytes, counts.output_hash);
  text += fmt::format("{} rounds: {:.3f} ms, of that reading {:.3f} ms, translating {:.3f} ms (over all threads)\n",
                      report.rounds, static_cast<double>(report.wall_ns) / ns_per_ms,
                      static_cast<double>(report.read_ns) / ns_per_ms,
                      static_cast<double>(report.translate_ns) / ns_per_ms);
  return text;
}

}  // namespace bursar::translate
