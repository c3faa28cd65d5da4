// Reports of made ledgers as strings.
#pragma once

#include <string>

#include "interpose/account/render.h"
#include "tests/tools/made_ledger.h"

namespace bursar::test {

inline std::string rendered(const MadeLedger& made, const ledger::ExitFacts& facts, ledger::Format format) {
  std::string text;
  const ledger::Sink sink{
      [](void* context, const char* part, size_t bytes) { static_cast<std::string*>(context)->append(part, bytes); },
      &text};
  ledger::render_report(made.view(), facts, format, sink);
  return text;
}

inline std::string line_with(const std::string& text, const std::string& part) {
  const size_t at = text.find(part);
  if (at == std::string::npos) return "no line with " + part + " in\n" + text;
  const size_t start = text.rfind('\n', at) + 1;
  return text.substr(start, text.find('\n', at) - start);
}

}  // namespace bursar::test
