// YAML values as JSON, and documents of YAML: for service definitions and for the connections of server/queries.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "yaml-cpp/yaml.h"

namespace millrace::core {

/// Appends `node` as JSON on one line, the keys of mappings sorted. Quoted scalars are strings; plain ones follow the
/// core schema of YAML 1.2. INVALID_ARGUMENT (without a field) for what JSON lacks: NaN, infinities, keys that are no
/// scalars, keys given twice; for whole numbers outside 64 bits; for nesting deeper than kRecordDepthMax (an alias
/// inside its own anchor is); and for values that aliases blow up beyond kDefinitionBytesMax.
absl::Status AppendYamlAsJson(const YAML::Node& node, std::string& json);

/// True for the plain scalars `~`, `null`, `Null`, `NULL` and nothing at all.
bool IsYamlNull(const YAML::Node& node);

/// The only document of `text`. Throws YAML::Exception where it is not YAML; an error where it has no document, or
/// another one behind the first, which is also what a closing bracket without a partner looks like.
absl::StatusOr<YAML::Node> LoadYamlDocument(const std::string& text);

}  // namespace millrace::core
