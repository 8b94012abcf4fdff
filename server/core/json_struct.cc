#include "server/core/json_struct.h"

#include <charconv>
#include <cmath>
#include <map>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "simdjson.h"
#include "storage/model/limits.h"

namespace millrace::core {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

absl::Status TooDeep() {
  return absl::InvalidArgumentError(absl::StrCat("nested deeper than ", model::kRecordDepthMax, " levels"));
}

absl::Status Append(const Value& value, size_t depth, std::string& json);

absl::Status Append(const Struct& object, size_t depth, std::string& json) {
  if (depth > model::kRecordDepthMax) return TooDeep();
  const std::map<std::string_view, const Value*> sorted = [&] {
    std::map<std::string_view, const Value*> fields;
    for (const auto& [name, value] : object.fields()) fields.emplace(name, &value);
    return fields;
  }();
  char separator = '{';
  for (const auto& [name, value] : sorted) {
    json.push_back(separator);
    AppendJsonString(name, json);
    json.push_back(':');
    if (absl::Status status = Append(*value, depth + 1, json); !status.ok()) return status;
    separator = ',';
  }
  json.append(sorted.empty() ? "{}" : "}");
  return absl::OkStatus();
}

absl::Status Append(const Value& value, size_t depth, std::string& json) {
  if (depth > model::kRecordDepthMax) return TooDeep();
  switch (value.kind_case()) {
    case Value::kNullValue:
      json.append("null");
      return absl::OkStatus();
    case Value::kBoolValue:
      json.append(value.bool_value() ? "true" : "false");
      return absl::OkStatus();
    case Value::kNumberValue:
      if (!std::isfinite(value.number_value())) {
        return absl::InvalidArgumentError("a number is not finite; JSON has no NaN or infinity");
      }
      AppendJsonNumber(value.number_value(), json);
      return absl::OkStatus();
    case Value::kStringValue:
      AppendJsonString(value.string_value(), json);
      return absl::OkStatus();
    case Value::kStructValue:
      return Append(value.struct_value(), depth, json);
    case Value::kListValue: {
      json.push_back('[');
      bool first = true;
      for (const Value& element : value.list_value().values()) {
        if (!first) json.push_back(',');
        first = false;
        if (absl::Status status = Append(element, depth + 1, json); !status.ok()) return status;
      }
      json.push_back(']');
      return absl::OkStatus();
    }
    case Value::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("a value has no kind; expected null, number, string, boolean, object or list");
}

void FillValue(simdjson::dom::element element, Value& value) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::NULL_VALUE:
      value.set_null_value(google::protobuf::NULL_VALUE);
      break;
    case element_type::BOOL:
      value.set_bool_value(element.get_bool().value_unsafe());
      break;
    case element_type::INT64:
      value.set_number_value(static_cast<double>(element.get_int64().value_unsafe()));
      break;
    case element_type::UINT64:
      value.set_number_value(static_cast<double>(element.get_uint64().value_unsafe()));
      break;
    case element_type::DOUBLE:
      value.set_number_value(element.get_double().value_unsafe());
      break;
    case element_type::STRING: {
      const std::string_view text = element.get_string().value_unsafe();
      value.set_string_value(std::string(text));
      break;
    }
    case element_type::ARRAY: {
      auto& list = *value.mutable_list_value();
      const simdjson::dom::array array = element.get_array().value_unsafe();
      for (simdjson::dom::element child : array) {
        FillValue(child, *list.add_values());
      }
      break;
    }
    case element_type::OBJECT: {
      auto& fields = *value.mutable_struct_value()->mutable_fields();
      const simdjson::dom::object object = element.get_object().value_unsafe();
      for (const auto& [name, child] : object) {
        FillValue(child, fields[std::string(name)]);
      }
      break;
    }
  }
}

}  // namespace

void AppendJsonString(std::string_view text, std::string& json) {
  static constexpr char kHex[] = "0123456789abcdef";
  json.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        json.append("\\\"");
        break;
      case '\\':
        json.append("\\\\");
        break;
      case '\n':
        json.append("\\n");
        break;
      case '\r':
        json.append("\\r");
        break;
      case '\t':
        json.append("\\t");
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          json.append("\\u00").push_back(kHex[c >> 4]);
          json.push_back(kHex[c & 15]);
        } else {
          json.push_back(c);
        }
    }
  }
  json.push_back('"');
}

void AppendJsonNumber(double number, std::string& json) {
  char text[40];
  constexpr double kWholeMax = 9007199254740992.0;  // 2^53: every whole number below it is exact.
  if (number == 0 && std::signbit(number)) {
    // As a whole number it would be read back without its sign.
    json.append("-0.0");
    return;
  }
  const bool whole = std::trunc(number) == number && std::abs(number) < kWholeMax;
  // Written out, a larger one would be an integer that most parsers refuse.
  const bool large = std::abs(number) >= kWholeMax;
  const auto end = whole   ? std::to_chars(text, text + sizeof text, static_cast<int64_t>(number))
                   : large ? std::to_chars(text, text + sizeof text, number, std::chars_format::scientific)
                           : std::to_chars(text, text + sizeof text, number);
  json.append(text, end.ptr);
}

absl::Status AppendJson(const Value& value, std::string& json) { return Append(value, 1, json); }

absl::Status AppendJson(const Struct& object, std::string& json) { return Append(object, 1, json); }

absl::StatusOr<Value> ParseJsonValue(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  if (const auto error = parser.parse(json.data(), json.size()).get(element)) {
    return absl::InvalidArgumentError(absl::StrCat("not valid JSON: ", simdjson::error_message(error)));
  }
  Value value;
  FillValue(element, value);
  return value;
}

absl::StatusOr<Struct> ParseJsonObject(std::string_view json) {
  absl::StatusOr<Value> value = ParseJsonValue(json);
  if (!value.ok()) return value.status();
  if (!value->has_struct_value()) return absl::InvalidArgumentError("not a JSON object");
  return std::move(*value->mutable_struct_value());
}

}  // namespace millrace::core
