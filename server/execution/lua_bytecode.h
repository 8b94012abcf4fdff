// What a piece of Lua names, read from its compiled form: so locals, strings, comments and table keys are never
// mistaken for names of inputs or nodes.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace::execution {

/// The global names of a function and of the functions inside it.
struct GlobalNames {
  std::set<std::string> read;
  std::set<std::string> assigned;
  /// `_ENV` itself is taken as a value or assigned.
  bool uses_environment = false;
};

/// Reads the output of lua_dump (Lua 5.4) for a function whose first upvalue is _ENV. INTERNAL for anything else.
absl::StatusOr<GlobalNames> ReadGlobalNames(std::string_view bytecode);

}  // namespace millrace::execution
