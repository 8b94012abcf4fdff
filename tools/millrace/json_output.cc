#include "tools/millrace/json_output.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/util/json_util.h"
#include "storage/records/json_text.h"

namespace millrace::cli {
namespace {

/// Puts `json` in the place of the one field that was left empty. A string value cannot look like it: its quotes are
/// escaped.
std::string Replace(std::string text, std::string_view empty_field, const std::string& json) {
  if (const size_t at = text.find(empty_field); at != std::string::npos) text.replace(at, empty_field.size(), json);
  return text;
}

/// What is a JSON object as it is, anything else as a string.
std::string ObjectOrText(const std::string& text) {
  return records::JsonObjectScanner().Scan(text) ? text : records::JsonString(text);
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  // Only a Timestamp or Duration out of range cannot be printed.
  return status.ok() ? json : JsonObject({{"error", records::JsonString(status.ToString())}});
}

std::string ResultToJson(const v1::ChunkResult& result) {
  v1::ChunkResult rest = result;
  rest.clear_json_lines();
  rest.clear_outputs();
  std::string json = Replace(ToJson(rest), R"("jsonLines":"",)", "");
  return Replace(std::move(json), R"("outputs":[])", absl::StrCat(R"("outputs":)", JsonArray(OutputsOf(result))));
}

std::string ExceptionToJson(const v1::RecordException& exception) {
  v1::RecordException rest = exception;
  rest.clear_input();
  return Replace(ToJson(rest), R"("input":"")", absl::StrCat(R"("input":)", ObjectOrText(exception.input())));
}

std::string RecordToJson(const v1::Record& record) {
  v1::Record rest = record;
  rest.clear_input();
  rest.clear_outputs();
  std::string json = Replace(ToJson(rest), R"("input":"")", absl::StrCat(R"("input":)", ObjectOrText(record.input())));
  return Replace(std::move(json), R"("outputs":"")", absl::StrCat(R"("outputs":)", ObjectOrText(record.outputs())));
}

std::vector<std::string> OutputsOf(const v1::ChunkResult& result) {
  std::vector<std::string> outputs;
  if (result.json_lines().empty()) {
    for (const auto& value : result.outputs()) outputs.push_back(ToJson(value));
    return outputs;
  }
  for (std::string_view rest = result.json_lines(); !rest.empty();) {
    const size_t end = rest.find('\n');
    outputs.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  return outputs;
}

std::string JsonObject(const std::vector<std::pair<std::string_view, std::string>>& fields) {
  std::string json = "{";
  for (const auto& [name, value] : fields) {
    if (json.size() > 1) json.push_back(',');
    records::AppendJsonString(json, name);
    absl::StrAppend(&json, ":", value);
  }
  return json + "}";
}

std::string JsonArray(const std::vector<std::string>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ","), "]");
}

absl::StatusOr<google::protobuf::Struct> StructFromJson(std::string_view json) {
  google::protobuf::Struct object;
  const auto status = google::protobuf::util::JsonStringToMessage(std::string(json), &object);
  if (!status.ok()) {
    return absl::InvalidArgumentError(absl::StrCat("expected a JSON object: ", status.message().ToString()));
  }
  return object;
}

}  // namespace millrace::cli
