// Names from anywhere, as they may be shown.
#include "tools/bursar/printable.h"

#include "interpose/account/render_output.h"

namespace bursar::tool {

std::string printable(const std::string& name) {
  std::string text;
  const ledger::Sink sink{
      [](void* context, const char* part, size_t bytes) { static_cast<std::string*>(context)->append(part, bytes); },
      &text};
  {
    ledger::Output output(sink);
    ledger::add_printable(output, name.c_str());
  }
  return text;
}

}  // namespace bursar::tool
