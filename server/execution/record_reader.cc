#include "server/execution/record_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <new>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/core/service_runner.h"
#include "server/execution/lua_json.h"
#include "server/execution/text.h"
#include "storage/model/limits.h"

namespace millrace::execution {
namespace {

using core::InputType;
using simdjson::dom::element_type;
namespace record_code = core::record_code;

// Records with more fields than this are looked up field by field.
constexpr size_t kColumnsMax = 1'000;
// A parser that has grown beyond this holds about ten times as much.
constexpr size_t kParserBytesKept = 1024 * 1024;

// Makes a parser new, for ordinary records.
void Reset(simdjson::dom::parser& parser) {
  parser = simdjson::dom::parser();
  constexpr size_t kCapacity = 4096;
  // simdjson counts the level below the innermost container too, but not that container if it is empty.
  if (parser.allocate(kCapacity, model::kRecordDepthMax + 1) != simdjson::SUCCESS) throw std::bad_alloc();
}

RecordError MakeRecordError(std::string_view code, std::string message) {
  return {.code = std::string(code), .message = std::move(message)};
}

RecordError ParseError(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return MakeRecordError(record_code::kNotUtf8, "the record is not UTF-8");
    case simdjson::DEPTH_ERROR:
      return MakeRecordError(record_code::kTooDeep,
                             absl::StrCat("the record is nested deeper than ", model::kRecordDepthMax, " levels"));
    case simdjson::NUMBER_ERROR:
      return MakeRecordError(record_code::kNotJson,
                             "the record is not JSON: a number is malformed or does not fit into 64 bits");
    default:
      return MakeRecordError(record_code::kNotJson,
                             absl::StrCat("the record is not JSON: ", simdjson::error_message(error)));
  }
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string Describe(simdjson::dom::element element) {
  switch (element.type()) {
    case element_type::OBJECT:
      return "an object";
    case element_type::ARRAY:
      return "an array";
    case element_type::STRING:
      return absl::StrCat("the text ", Quote(element.get_string().value_unsafe()));
    default:
      return simdjson::minify(element);
  }
}

std::string Expected(InputType type) {
  switch (type) {
    case InputType::kNumber:
      return "a number";
    case InputType::kInteger:
      return "a whole number within 64 bits";
    case InputType::kString:
      return "a text";
    case InputType::kBoolean:
      return "true or false";
    case InputType::kObject:
      return "an object";
    case InputType::kArray:
      return "an array";
    case InputType::kAny:
      break;
  }
  return "a value whose whole numbers fit into 64 bits";
}

// The double as an integer, where it is one within 64 bits.
bool ToInteger(double number, int64_t& integer) {
  if (!(number >= -9223372036854775808.0 && number < 9223372036854775808.0)) return false;
  integer = static_cast<int64_t>(number);
  return static_cast<double>(integer) == number;
}

}  // namespace

RecordReader::RecordReader(std::vector<core::ServiceInput> inputs, const std::vector<std::string>& outputs)
    : inputs_(std::move(inputs)),
      next_reader_(inputs_.size(), kNone),
      defaults_(inputs_.size()),
      elements_(inputs_.size()),
      present_(inputs_.size()) {
  Reset(parser_);
  for (size_t i = inputs_.size(); i-- > 0;) {
    FieldUse& use = uses_[inputs_[i].from];
    next_reader_[i] = use.input;
    use.input = i;
    if (inputs_[i].default_json.empty()) continue;
    auto value = std::make_unique<Default>();
    if (value->parser.parse(inputs_[i].default_json).get(value->element) == simdjson::SUCCESS) {
      defaults_[i] = std::move(value);
    }
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] != core::kAllFields) uses_[outputs[i]].output = i;
  }
}

const RecordReader::FieldUse& RecordReader::UseOf(size_t column, std::string_view name) {
  if (column < columns_.size() && columns_[column].name == name) return columns_[column].use;
  static const FieldUse kUnused;
  const auto found = uses_.find(absl::string_view(name.data(), name.size()));
  const FieldUse& use = found == uses_.end() ? kUnused : found->second;
  if (column >= kColumnsMax) return use;
  if (column >= columns_.size()) columns_.resize(column + 1);
  columns_[column].name.assign(name);
  columns_[column].use = use;
  return use;
}

std::optional<RecordError> RecordReader::Read(std::string_view line) {
  std::fill(present_.begin(), present_.end(), false);
  taken_outputs_.clear();
  if (line.size() > model::kRecordBytesMax) {
    return MakeRecordError(record_code::kTooLarge, absl::StrCat("the record has ", line.size(), " bytes; at most ",
                                                                model::kRecordBytesMax, " are allowed"));
  }
  simdjson::dom::element root;
  if (const auto error = parser_.parse(line.data(), line.size(), false).get(root)) return ParseError(error);
  simdjson::dom::object object;
  if (root.get_object().get(object)) {
    return MakeRecordError(record_code::kNotObject,
                           absl::StrCat("the record is ", Describe(root), "; expected a JSON object"));
  }
  size_t column = 0;
  for (const auto field : object) {
    const FieldUse& use = UseOf(column++, field.key);
    for (size_t input = use.input; input != kNone; input = next_reader_[input]) {
      elements_[input] = field.value;
      present_[input] = true;
    }
    if (use.output != kNone) taken_outputs_.push_back(use.output);
  }
  return std::nullopt;
}

std::optional<size_t> RecordReader::TakenOutput(const std::vector<bool>& kept) const {
  for (const size_t output : taken_outputs_) {
    if (kept[output]) return output;
  }
  return std::nullopt;
}

void RecordReader::Shrink() {
  if (parser_.capacity() <= kParserBytesKept) return;
  Reset(parser_);
}

std::string RecordReader::JsonOf(size_t input) const {
  return present_[input] ? simdjson::minify(elements_[input]) : inputs_[input].default_json;
}

std::optional<RecordError> RecordReader::Push(lua_State* state, size_t input) {
  return present_[input] ? PushElement(state, input, elements_[input]) : PushDefault(state, input);
}

RecordError RecordReader::TypeError(size_t input, const std::string& problem) const {
  const core::ServiceInput& declared = inputs_[input];
  return MakeRecordError(record_code::kInputType,
                         absl::StrCat("input ", declared.name, " (field ", Quote(declared.from), ") is ", problem,
                                      "; expected ", Expected(declared.type)));
}

std::optional<RecordError> RecordReader::PushDefault(lua_State* state, size_t input) {
  present_[input] = false;
  const core::ServiceInput& declared = inputs_[input];
  if (defaults_[input] != nullptr) {
    if (PushJson(state, defaults_[input]->element)) return std::nullopt;
    return TypeError(input, "a default outside the range of whole numbers");
  }
  if (declared.required) {
    return MakeRecordError(record_code::kInputMissing,
                           absl::StrCat("input ", declared.name, " (field ", Quote(declared.from), ") is missing"));
  }
  lua_pushnil(state);
  return std::nullopt;
}

std::optional<RecordError> RecordReader::PushElement(lua_State* state, size_t input, simdjson::dom::element element) {
  const InputType type = inputs_[input].type;
  const element_type given = element.type();
  if (given == element_type::NULL_VALUE) return PushDefault(state, input);
  bool fits = false;
  switch (type) {
    case InputType::kAny:
      fits = true;
      break;
    case InputType::kString:
      fits = given == element_type::STRING;
      break;
    case InputType::kObject:
      fits = given == element_type::OBJECT;
      break;
    case InputType::kArray:
      fits = given == element_type::ARRAY;
      break;
    case InputType::kBoolean:
      fits = given == element_type::BOOL;
      break;
    case InputType::kNumber:
      fits = given == element_type::INT64 || given == element_type::DOUBLE;
      break;
    case InputType::kInteger:
      fits = given == element_type::INT64;
      if (int64_t integer = 0;
          given == element_type::DOUBLE && ToInteger(element.get_double().value_unsafe(), integer)) {
        lua_pushinteger(state, integer);
        return std::nullopt;
      }
      break;
  }
  if (fits && PushJson(state, element)) return std::nullopt;
  if (!fits && given == element_type::STRING) {
    const std::string_view text = Trim(element.get_string().value_unsafe());
    if (text.empty()) return PushDefault(state, input);
    return PushText(state, input, text);
  }
  return TypeError(input, Describe(element));
}

std::optional<RecordError> RecordReader::PushText(lua_State* state, size_t input, std::string_view text) {
  const InputType type = inputs_[input].type;
  if (type == InputType::kBoolean) {
    const absl::string_view word(text.data(), text.size());
    const bool is_true = absl::EqualsIgnoreCase(word, "true");
    if (is_true || absl::EqualsIgnoreCase(word, "false")) {
      lua_pushboolean(state, is_true);
      return std::nullopt;
    }
  } else if (type == InputType::kNumber || type == InputType::kInteger) {
    const char* const end = text.data() + text.size();
    int64_t integer = 0;
    if (const auto read = std::from_chars(text.data(), end, integer); read.ptr == end && read.ec == std::errc{}) {
      lua_pushinteger(state, integer);
      return std::nullopt;
    }
    double number = 0;
    const bool has_fraction = text.find_first_of(".eE") != std::string_view::npos;
    const auto read = std::from_chars(text.data(), end, number);
    if (has_fraction && read.ptr == end && read.ec == std::errc{} && std::isfinite(number)) {
      if (type == InputType::kNumber) {
        lua_pushnumber(state, number);
        return std::nullopt;
      }
      if (ToInteger(number, integer)) {
        lua_pushinteger(state, integer);
        return std::nullopt;
      }
    }
  }
  return TypeError(input, absl::StrCat("the text ", Quote(text)));
}

}  // namespace millrace::execution
