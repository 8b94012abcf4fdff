// One expression of a definition: what it names, and how it becomes a function.
#pragma once

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "lua.hpp"

namespace millrace::execution {

/// A node's `lua` or `when`, looked at alone.
struct Expression {
  std::string code;
  /// What messages call it.
  std::string chunk_name;
  /// The code is statements that return; else it is an expression.
  bool is_block = false;
  /// Globals it reads.
  std::set<std::string> names;
};

/// Compiles `code` as an expression or, where that fails, as a block. INVALID_ARGUMENT, with a message that names no
/// node, for Lua that does not compile, assignments to globals and uses of _ENV.
absl::StatusOr<Expression> ReadExpression(lua_State* state, std::string code, std::string chunk_name);

/// Lua that returns the expression as a function of `parameters`. INVALID_ARGUMENT when the function cannot be made:
/// too many parameters, `...`, or a parameter reached through _ENV.
absl::StatusOr<std::string> FunctionSource(lua_State* state, const Expression& expression,
                                           const std::set<std::string>& parameters);

}  // namespace millrace::execution
