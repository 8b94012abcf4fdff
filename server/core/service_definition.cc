#include "server/core/service_definition.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/core/json_struct.h"
#include "server/core/yaml_json.h"
#include "simdjson.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"
#include "storage/model/service_version.h"

namespace millrace::core {
namespace {

constexpr std::array<std::string_view, 7> kTypeNames = {"any",     "number", "integer", "string",
                                                        "boolean", "object", "array"};

constexpr std::array<std::string_view, 19> kSandboxNames = {
    "assert", "count",  "error",  "fail",  "hold",     "ipairs",   "math", "next", "pairs", "params",
    "retry",  "select", "string", "table", "tonumber", "tostring", "type", "utf8", "warn"};

// Came when there were services with such an input. There the name means the input, and the function cannot be called.
constexpr std::string_view kNameThatMayBeTaken = "count";

constexpr std::array<std::string_view, 22> kLuaKeywords = {
    "and", "break", "do",  "else", "elseif", "end",    "false",  "for",  "function", "goto",  "if",
    "in",  "local", "nil", "not",  "or",     "repeat", "return", "then", "true",     "until", "while"};

template <size_t n>
bool Contains(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

absl::Status Invalid(const std::string& path, const std::string& message) {
  return model::MakeError(model::Reason::kServiceDefinitionInvalid,
                          path.empty() ? message : absl::StrCat(path, ": ", message));
}

struct Field {
  std::string name;
  /// Where the value is: `nodes.energy_j.lua`.
  std::string path;
  YAML::Node value;
};

absl::StatusOr<std::vector<Field>> FieldsOf(const YAML::Node& node, const std::string& path,
                                            const std::string& expected) {
  if (!node.IsMap()) return Invalid(path, absl::StrCat("expected ", expected));
  std::vector<Field> fields;
  std::set<std::string> names;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) return Invalid(path, "keys must be plain names");
    const std::string& name = entry.first.Scalar();
    if (!names.insert(name).second) return Invalid(path, absl::StrCat("'", name, "' is given twice"));
    fields.push_back({name, path.empty() ? name : absl::StrCat(path, ".", name), entry.second});
  }
  return fields;
}

absl::Status UnknownKey(const Field& field, const std::string& parent, const std::string& known) {
  if (field.name == "worker") {
    return Invalid(field.path, "this server runs nodes written in Lua only; write `lua: EXPRESSION` instead");
  }
  return Invalid(parent, absl::StrCat("unknown key '", field.name, "'; known are ", known));
}

absl::Status ReadText(const Field& field, std::string& text) {
  if (!field.value.IsScalar() || IsYamlNull(field.value)) return Invalid(field.path, "expected a text");
  text = field.value.Scalar();
  return absl::OkStatus();
}

absl::Status ReadBool(const Field& field, bool& value) {
  std::string json;
  if (!AppendYamlAsJson(field.value, json).ok() || (json != "true" && json != "false")) {
    return Invalid(field.path, "expected true or false");
  }
  value = json == "true";
  return absl::OkStatus();
}

absl::Status CheckName(const Field& field) {
  const std::string& name = field.name;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool identifier = !name.empty() && is_letter(name[0]) && name.size() <= model::kIdBytesMax &&
                          std::all_of(name.begin(), name.end(), [&](char c) { return is_letter(c) || is_digit(c); });
  if (!identifier) {
    return Invalid(field.path, absl::StrCat("'", name, "' is not a Lua name: expected 1 to ", model::kIdBytesMax,
                                            " letters, digits and underscores, not beginning with a digit"));
  }
  if (Contains(kLuaKeywords, name) || name == "_ENV" || name == "_G") {
    return Invalid(field.path, absl::StrCat("'", name, "' is a word that Lua keeps for itself; choose another"));
  }
  if (Contains(kSandboxNames, name) && name != kNameThatMayBeTaken) {
    return Invalid(field.path,
                   absl::StrCat("'", name, "' is a name of the sandbox; choose another",
                                field.path.rfind("inputs.", 0) == 0 ? absl::StrCat(" and write `from: ", name, "`")
                                                                    : std::string()));
  }
  return absl::OkStatus();
}

bool DefaultFits(InputType type, const std::string& json) {
  const bool number = json[0] == '-' || (json[0] >= '0' && json[0] <= '9');
  switch (type) {
    case InputType::kAny:
      return true;
    case InputType::kNumber:
      return number;
    case InputType::kInteger:
      return number && json.find_first_of(".eE") == std::string::npos;
    case InputType::kString:
      return json[0] == '"';
    case InputType::kBoolean:
      return json == "true" || json == "false";
    case InputType::kObject:
      return json[0] == '{';
    case InputType::kArray:
      return json[0] == '[';
  }
  return false;
}

absl::Status ReadType(const Field& field, InputType& type) {
  const auto* name = std::find(kTypeNames.begin(), kTypeNames.end(),
                               field.value.IsScalar() ? std::string_view(field.value.Scalar()) : std::string_view());
  if (name == kTypeNames.end()) {
    std::vector<std::string> names(kTypeNames.begin(), kTypeNames.end());
    return Invalid(field.path, absl::StrCat("expected one of ", absl::StrJoin(names, ", ")));
  }
  type = static_cast<InputType>(name - kTypeNames.begin());
  return absl::OkStatus();
}

absl::StatusOr<ServiceInput> ReadInput(const Field& entry) {
  if (absl::Status status = CheckName(entry); !status.ok()) return status;
  auto fields = FieldsOf(entry.value, entry.path, "a mapping, such as {} or {from: \"Field Name\", type: number}");
  if (!fields.ok()) return fields.status();
  ServiceInput input{.name = entry.name, .from = entry.name};
  std::string default_path;
  for (const Field& field : *fields) {
    absl::Status status;
    if (field.name == "from") {
      status = ReadText(field, input.from);
    } else if (field.name == "type") {
      status = ReadType(field, input.type);
    } else if (field.name == "required") {
      status = ReadBool(field, input.required);
    } else if (field.name == "default") {
      default_path = field.path;
      status = AppendYamlAsJson(field.value, input.default_json);
      if (!status.ok()) status = Invalid(field.path, std::string(status.message()));
    } else {
      status = UnknownKey(field, entry.path, "from, type, required and default");
    }
    if (!status.ok()) return status;
  }
  if (input.default_json == "null") input.default_json.clear();
  if (!input.default_json.empty() && !DefaultFits(input.type, input.default_json)) {
    return Invalid(default_path, absl::StrCat("expected a value of type ", std::string(InputTypeName(input.type))));
  }
  return input;
}

absl::StatusOr<ServiceNode> ReadNode(const Field& entry) {
  if (absl::Status status = CheckName(entry); !status.ok()) return status;
  auto fields = FieldsOf(entry.value, entry.path, "a mapping, such as {lua: \"2 * x\"}");
  if (!fields.ok()) return fields.status();
  ServiceNode node{.name = entry.name};
  for (const Field& field : *fields) {
    absl::Status status;
    if (field.name == "lua") {
      status = ReadText(field, node.lua);
    } else if (field.name == "when") {
      status = ReadText(field, node.when);
    } else {
      status = UnknownKey(field, entry.path, "lua and when");
    }
    if (!status.ok()) return status;
  }
  if (node.lua.empty()) return Invalid(absl::StrCat(entry.path, ".lua"), "missing; expected a Lua expression");
  return node;
}

template <typename T>
absl::Status ReadNamed(const Field& section, size_t count_max, absl::StatusOr<T> (*read)(const Field&),
                       std::vector<T>& things) {
  auto fields = FieldsOf(section.value, section.path, "a mapping from names to their settings");
  if (!fields.ok()) return fields.status();
  if (fields->size() > count_max) {
    return Invalid(section.path, absl::StrCat(fields->size(), " names; at most ", count_max, " are allowed"));
  }
  for (const Field& field : *fields) {
    absl::StatusOr<T> thing = read(field);
    if (!thing.ok()) return thing.status();
    things.push_back(*std::move(thing));
  }
  std::sort(things.begin(), things.end(), [](const T& a, const T& b) { return a.name < b.name; });
  return absl::OkStatus();
}

absl::Status ReadOutputs(const Field& field, std::vector<std::string>& outputs) {
  if (!field.value.IsSequence() || field.value.size() == 0) {
    return Invalid(field.path, "expected a list of at least one name, such as [energy_j]");
  }
  for (size_t i = 0; i < field.value.size(); ++i) {
    if (!field.value[i].IsScalar()) return Invalid(absl::StrCat(field.path, "[", i, "]"), "expected a name");
    outputs.push_back(field.value[i].Scalar());
  }
  return absl::OkStatus();
}

absl::Status CheckWhole(const ServiceDefinition& definition) {
  if (absl::Status status = model::ValidateServiceName(definition.service); !status.ok()) {
    return Invalid("service", std::string(status.message()));
  }
  if (auto version = model::ParseSemanticVersion(definition.version); !version.ok()) {
    return Invalid("version", std::string(version.status().message()));
  }
  if (definition.description.size() > model::kDescriptionBytesMax) {
    return Invalid("description", absl::StrCat("longer than ", model::kDescriptionBytesMax, " bytes"));
  }
  std::set<std::string_view> names;
  for (const ServiceInput& input : definition.inputs) names.insert(input.name);
  for (const ServiceNode& node : definition.nodes) {
    if (!names.insert(node.name).second) {
      return Invalid(absl::StrCat("nodes.", node.name),
                     "an input bears this name too; inputs and nodes share one space");
    }
  }
  std::set<std::string_view> taken;
  for (size_t i = 0; i < definition.outputs.size(); ++i) {
    const std::string& output = definition.outputs[i];
    const std::string path = absl::StrCat("outputs[", i, "]");
    if (!taken.insert(output).second) return Invalid(path, absl::StrCat("'", output, "' is given twice"));
    if (output == kAllFields) {
      if (i != 0) return Invalid(path, "'*' must come first");
    } else if (!names.contains(output)) {
      return Invalid(path, absl::StrCat("'", output, "' is neither a node nor an input"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<ServiceDefinition> ReadDefinition(const YAML::Node& document) {
  auto fields = FieldsOf(document, "", "a mapping with service, version, inputs, nodes and outputs");
  if (!fields.ok()) return fields.status();
  ServiceDefinition definition;
  std::set<std::string_view> given;
  for (const Field& field : *fields) {
    given.insert(field.name);
    absl::Status status;
    if (field.name == "service") {
      status = ReadText(field, definition.service);
    } else if (field.name == "version") {
      status = ReadText(field, definition.version);
    } else if (field.name == "description") {
      status = ReadText(field, definition.description);
    } else if (field.name == "inputs") {
      status = ReadNamed(field, model::kServiceInputsMax, &ReadInput, definition.inputs);
    } else if (field.name == "nodes") {
      status = ReadNamed(field, model::kServiceNodesMax, &ReadNode, definition.nodes);
    } else if (field.name == "outputs") {
      status = ReadOutputs(field, definition.outputs);
    } else {
      status = UnknownKey(field, "", "service, version, description, inputs, nodes and outputs");
    }
    if (!status.ok()) return status;
  }
  for (const std::string_view key : {"service", "version", "outputs"}) {
    if (!given.contains(key)) return Invalid(std::string(key), "missing; every service needs it");
  }
  if (absl::Status status = CheckWhole(definition); !status.ok()) return status;
  return definition;
}

// YAML knows most of JSON, but not surrogate pairs nor tabs between tokens: JSON is written anew without them.
std::string ToYaml(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin != std::string_view::npos && text[begin] == '{') {
    simdjson::dom::parser parser;
    simdjson::dom::element element;
    if (parser.parse(text.data(), text.size()).get(element) == simdjson::SUCCESS) return simdjson::minify(element);
  }
  return std::string(text);
}

}  // namespace

absl::StatusOr<ServiceDefinition> ParseServiceDefinition(std::string_view text) {
  if (text.size() > model::kDefinitionBytesMax) {
    return Invalid("", absl::StrCat("the definition has ", text.size(), " bytes; at most ", model::kDefinitionBytesMax,
                                    " are allowed"));
  }
  if (!simdjson::validate_utf8(text.data(), text.size())) return Invalid("", "the definition is not UTF-8");
  try {
    const absl::StatusOr<YAML::Node> document = LoadYamlDocument(ToYaml(text));
    if (!document.ok()) return Invalid("", std::string(document.status().message()));
    return ReadDefinition(*document);
  } catch (const YAML::Exception& error) {
    std::string message =
        absl::StrCat("line ", error.mark.line + 1, ", column ", error.mark.column + 1, ": not YAML: ", error.msg);
    if (error.msg.find("alias") != std::string::npos) absl::StrAppend(&message, " (the output * needs quotes: \"*\")");
    return Invalid("", message);
  }
}

std::string CanonicalJson(const ServiceDefinition& definition) {
  std::vector<const ServiceNode*> nodes;
  for (const ServiceNode& node : definition.nodes) nodes.push_back(&node);
  std::sort(nodes.begin(), nodes.end(), [](const auto* a, const auto* b) { return a->name < b->name; });

  std::string json = "{\"inputs\":[";
  const auto member = [&json](std::string_view key, std::string_view value) {
    absl::StrAppend(&json, json.back() == '{' ? "" : ",", "\"", std::string(key), "\":");
    AppendJsonString(value, json);
  };
  const auto comma = [&json] {
    if (json.back() != '[') json.push_back(',');
  };
  for (const ServiceInput& input : definition.inputs) {
    comma();
    json.push_back('{');
    member("name", input.name);
    member("from", input.from);
    member("type", InputTypeName(input.type));
    absl::StrAppend(&json, ",\"required\":", input.required ? "true" : "false");
    absl::StrAppend(&json, ",\"default\":", input.default_json.empty() ? "null" : input.default_json, "}");
  }
  json.append("],\"nodes\":[");
  for (const ServiceNode* node : nodes) {
    comma();
    json.push_back('{');
    member("name", node->name);
    member("lua", node->lua);
    member("when", node->when);
    json.push_back('}');
  }
  json.append("],\"outputs\":[");
  for (const std::string& output : definition.outputs) {
    comma();
    AppendJsonString(output, json);
  }
  json.append("]}");
  return json;
}

std::string ConfigHash(const ServiceDefinition& definition) {
  const std::string json = CanonicalJson(definition);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  EVP_Digest(json.data(), json.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) absl::StrAppend(&hex, absl::Hex(digest[i], absl::kZeroPad2));
  return hex;
}

std::string_view InputTypeName(InputType type) { return kTypeNames[static_cast<size_t>(type)]; }

absl::Span<const std::string_view> SandboxNames() { return kSandboxNames; }

}  // namespace millrace::core
