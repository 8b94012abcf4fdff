// A service definition: what a person writes as YAML or JSON, read, checked and made canonical.
// docs/SERVICES.md documents the format for users.
//
//   service: aviation/strike-severity
//   version: 1.0.0
//   description: Energy of a wildlife strike.
//   inputs:
//     size:  {from: "Wildlife Size", type: string}
//     knots: {from: "Speed IAS in knots", type: number}
//   nodes:
//     speed_mps: {lua: "knots * 0.514444"}
//     energy_j:  {lua: "0.5 * ({Small=0.1, Medium=1.0, Large=4.0})[size] * speed_mps^2", when: "speed_mps > 0"}
//   outputs: [energy_j]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace millrace::core {

/// What a declared input accepts. A JSON string that holds a number is taken for kNumber and kInteger, `true` and
/// `false` as strings for kBoolean: so that CSV cells work. A blank string counts as missing for all but kAny and
/// kString.
enum class InputType { kAny, kNumber, kInteger, kString, kBoolean, kObject, kArray };

/// Something a service reads from each record.
struct ServiceInput {
  /// The name that nodes use: a Lua identifier.
  std::string name;
  /// The field of the record; `name` when the definition does not say.
  std::string from;
  InputType type = InputType::kAny;
  /// A missing or null required input without default fails the record. Default true.
  bool required = true;
  /// JSON of the value that stands in for a missing or null one. Empty: none (null).
  std::string default_json;
};

/// One step: a Lua expression (or a block that returns) over inputs, `params` and other nodes.
struct ServiceNode {
  std::string name;
  std::string lua;
  /// The node runs only where this expression is true; its value is nil elsewhere. Empty: always.
  std::string when;
  /// Inputs and nodes named by `lua` and `when`, sorted. Filled in by ServiceCompiler::Plan.
  std::vector<std::string> depends_on;
};

/// A whole definition. Inputs and nodes are sorted by name as parsed; Plan puts the nodes in run order.
struct ServiceDefinition {
  std::string service;
  std::string version;
  std::string description;
  std::vector<ServiceInput> inputs;
  std::vector<ServiceNode> nodes;
  /// Names of nodes or inputs, in the order of the output object. The first may be `*`: all fields of the record as
  /// they came, before the others.
  std::vector<std::string> outputs;
};

/// The output that stands for all fields of the record.
inline constexpr std::string_view kAllFields = "*";

/// Reads YAML or JSON. Every error is SERVICE_DEFINITION_INVALID and says where (`nodes.energy_j.lua`, or line and
/// column for what is not YAML), what is wrong and what was expected: unknown keys, missing keys, names that are no Lua
/// identifiers or are reserved, two things of one name, outputs that nothing makes, limits exceeded. Lua itself
/// is not looked at: see ServiceCompiler.
absl::StatusOr<ServiceDefinition> ParseServiceDefinition(std::string_view text);

/// One line of JSON that is the same for all definitions that mean the same: fixed key order, defaults filled in.
/// Name, version and description of the service are left out of it, so equal code has equal hashes.
std::string CanonicalJson(const ServiceDefinition& definition);

/// SHA-256 of CanonicalJson, 64 hexadecimal digits.
std::string ConfigHash(const ServiceDefinition& definition);

/// Name of a type as definitions spell it (`number`).
std::string_view InputTypeName(InputType type);

/// What nodes find in the sandbox beside inputs and other nodes (`math`, `fail`, `params`), sorted. No input and no
/// node may bear one of these names.
absl::Span<const std::string_view> SandboxNames();

}  // namespace millrace::core
