// A service definition, compiled: nodes in run order, each with the values it takes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/core/service_definition.h"
#include "server/execution/sandbox.h"

namespace millrace::execution {

/// A piece of Lua as a function of what it names.
struct LuaFunction {
  /// Lua that returns the function.
  std::string source;
  /// What messages call it.
  std::string chunk_name;
  /// Its arguments, as numbers of values: see Program.
  std::vector<int> arguments;
};

struct NodeProgram {
  std::string name;
  LuaFunction lua;
  std::optional<LuaFunction> when;
  /// Inputs and nodes named by either, sorted.
  std::vector<std::string> depends_on;
};

/// The values of a record are numbered: inputs first, then nodes in run order, then the parameters.
struct Program {
  std::vector<core::ServiceInput> inputs;
  std::vector<NodeProgram> nodes;
  std::vector<std::string> outputs;

  int node_value(size_t node) const { return static_cast<int>(inputs.size() + node); }
  int parameters_value() const { return node_value(nodes.size()); }
  /// The value of an output; none for `*` and for names that are no output.
  std::optional<int> OutputValue(std::string_view output) const;
};

/// Compiles a definition, in a sandbox of its own. Errors are those of ServiceCompiler::Plan.
absl::StatusOr<Program> MakeProgram(const core::ServiceDefinition& definition, const model::Clock* clock);

}  // namespace millrace::execution
