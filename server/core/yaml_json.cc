#include "server/core/yaml_json.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <sstream>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "server/core/json_struct.h"
#include "storage/model/limits.h"
#include "yaml-cpp/eventhandler.h"

namespace millrace::core {
namespace {

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

bool AllDigits(std::string_view text, std::string_view digits) {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

// [-+]? [0-9]+ | 0o [0-7]+ | 0x [0-9a-fA-F]+
bool IsInteger(std::string_view text, int& base) {
  base = 10;
  if (text.substr(0, 2) == "0o" && AllDigits(text.substr(2), "01234567")) {
    base = 8;
  } else if (text.substr(0, 2) == "0x" && AllDigits(text.substr(2), "0123456789abcdefABCDEF")) {
    base = 16;
  } else if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    return AllDigits(text.substr(1), "0123456789");
  }
  return base != 10 || AllDigits(text, "0123456789");
}

absl::Status AppendInteger(std::string_view text, int base, std::string& json) {
  std::string_view digits = text;
  if (base != 10) digits.remove_prefix(2);
  if (digits[0] == '+') digits.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc{}) {
    return absl::InvalidArgumentError(absl::StrCat("the whole number ", std::string(text), " is outside 64 bits"));
  }
  absl::StrAppend(&json, value);
  return absl::OkStatus();
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool IsFloat(std::string_view text, double& value) {
  if (!text.empty() && text[0] == '+') text.remove_prefix(1);
  if (text.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

absl::Status AppendScalar(const YAML::Node& node, std::string& json) {
  const std::string& text = node.Scalar();
  int base = 10;
  double number = 0;
  // yaml-cpp tags quoted scalars "!" and plain ones "?".
  if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str") {
    AppendJsonString(text, json);
    return absl::OkStatus();
  }
  if (IsOneOf(text, {"true", "True", "TRUE"})) {
    json.append("true");
  } else if (IsOneOf(text, {"false", "False", "FALSE"})) {
    json.append("false");
  } else if (IsInteger(text, base)) {
    return AppendInteger(text, base, json);
  } else if (IsFloat(text, number)) {
    AppendJsonNumber(number, json);
  } else if (IsOneOf(text, {".inf", ".Inf", ".INF", "+.inf", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN"})) {
    return absl::InvalidArgumentError(absl::StrCat(text, " has no place in JSON"));
  } else {
    AppendJsonString(text, json);
  }
  return absl::OkStatus();
}

absl::Status Append(const YAML::Node& node, size_t depth, std::string& json) {
  if (depth > model::kRecordDepthMax) {
    return absl::InvalidArgumentError(absl::StrCat("nested deeper than ", model::kRecordDepthMax, " levels"));
  }
  if (json.size() > model::kDefinitionBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("larger than ", model::kDefinitionBytesMax, " bytes as JSON"));
  }
  if (IsYamlNull(node)) {
    json.append("null");
    return absl::OkStatus();
  }
  if (node.IsScalar()) return AppendScalar(node, json);
  char separator = node.IsSequence() ? '[' : '{';
  if (node.IsSequence()) {
    for (const YAML::Node& element : node) {
      json.push_back(separator);
      separator = ',';
      if (absl::Status status = Append(element, depth + 1, json); !status.ok()) return status;
    }
    json.append(node.size() == 0 ? "[]" : "]");
    return absl::OkStatus();
  }
  std::map<std::string, YAML::Node> sorted;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) return absl::InvalidArgumentError("the key of a mapping is not a scalar");
    if (!sorted.emplace(entry.first.Scalar(), entry.second).second) {
      return absl::InvalidArgumentError(absl::StrCat("the key '", entry.first.Scalar(), "' is given twice"));
    }
  }
  for (const auto& [key, value] : sorted) {
    json.push_back(separator);
    separator = ',';
    AppendJsonString(key, json);
    json.push_back(':');
    if (absl::Status status = Append(value, depth + 1, json); !status.ok()) return status;
  }
  json.append(sorted.empty() ? "{}" : "}");
  return absl::OkStatus();
}

/// Remembers where documents begin, and nothing else.
class DocumentStarts final : public YAML::EventHandler {
 public:
  int count() const { return count_; }
  const YAML::Mark& newest() const { return newest_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    ++count_;
    newest_ = mark;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  int count_ = 0;
  YAML::Mark newest_;
};

}  // namespace

// Not YAML::LoadAll: before a bracket without a partner it finds empty documents without end, until memory is used up.
absl::StatusOr<YAML::Node> LoadYamlDocument(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  DocumentStarts starts;
  while (starts.count() < 2 && parser.HandleNextDocument(starts)) {
  }
  if (starts.count() == 0) return absl::InvalidArgumentError("expected a YAML or JSON document, found none");
  if (starts.count() > 1) {
    return absl::InvalidArgumentError(absl::StrCat("expected one YAML or JSON document, but it ends before line ",
                                                   starts.newest().line + 1, ", column ", starts.newest().column + 1,
                                                   "; is there a bracket too many?"));
  }
  return YAML::Load(text);
}

bool IsYamlNull(const YAML::Node& node) {
  if (!node.IsDefined() || node.IsNull()) return true;
  return node.IsScalar() && node.Tag() == "?" && IsOneOf(node.Scalar(), {"~", "null", "Null", "NULL", ""});
}

absl::Status AppendYamlAsJson(const YAML::Node& node, std::string& json) { return Append(node, 1, json); }

}  // namespace millrace::core
