// What a scope knows of a name.
#pragma once

#include <cstdint>

namespace bursar::translate {

enum class ScopeKind : std::uint8_t { module, function, class_body, comprehension };

/// Where a name of a scope is found when the program runs.
enum class Resolution : std::uint8_t {
  unresolved,
  local,      // of the function or the comprehension itself
  enclosing,  // of a function around it
  member,     // of the class whose body it is
  global,     // of the module
  builtin,    // nobody in the file binds it
};

/// A name in a scope. Names of the tree point to theirs.
struct Binding {
  bool is_bound = false;      // assigned, imported, defined, or a parameter
  bool is_parameter = false;  // declared where the parameters are
  bool is_global = false;     // said to be
  bool is_nonlocal = false;   // said to be
  Resolution resolution = Resolution::unresolved;
};

}  // namespace bursar::translate
