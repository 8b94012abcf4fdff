// Between google.protobuf.Struct, which people type, and JSON text, which Millrace stores. Not for the data path.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"

namespace millrace::core {

/// Appends `value` as JSON on one line. Keys are sorted, so equal messages give equal bytes. Numbers that are whole
/// and below 2^53 are written without a fraction. INVALID_ARGUMENT (without a field) for NaN, infinities, values of
/// no kind and nesting deeper than kRecordDepthMax.
absl::Status AppendJson(const google::protobuf::Value& value, std::string& json);
absl::Status AppendJson(const google::protobuf::Struct& object, std::string& json);

/// Reads one JSON document. INVALID_ARGUMENT (without a field) for anything else.
absl::StatusOr<google::protobuf::Value> ParseJsonValue(std::string_view json);

/// Reads one JSON object.
absl::StatusOr<google::protobuf::Struct> ParseJsonObject(std::string_view json);

/// Appends `text` as a JSON string with its quotes.
void AppendJsonString(std::string_view text, std::string& json);

/// Appends the shortest text that reads back as `number`, which must be finite.
void AppendJsonNumber(double number, std::string& json);

}  // namespace millrace::core
