// Messages as JSON: the protobuf JSON mapping, with records shown as JSON instead of as base64.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/struct.pb.h"
#include "millrace/v1/exception_service.pb.h"
#include "millrace/v1/job_service.pb.h"
#include "millrace/v1/records.pb.h"

namespace millrace::cli {

/// One line of JSON by the protobuf mapping: lowerCamelCase names, names of enum values, 64-bit numbers as strings.
/// Fields at their default are there too, so that scripts need not guess.
std::string ToJson(const google::protobuf::Message& message);

/// A result with `outputs` as the records it carries, digit for digit, and without `jsonLines`.
std::string ResultToJson(const v1::ChunkResult& result);

/// An exception with `input` as the JSON object it is, or as a string when it is none.
std::string ExceptionToJson(const v1::RecordException& exception);

/// A record with `input` and `outputs` as the JSON objects they are; an input that is none, as a string.
std::string RecordToJson(const v1::Record& record);

/// The lines of `json_lines`, or the `outputs` of a result that carries those.
std::vector<std::string> OutputsOf(const v1::ChunkResult& result);

/// JSON of an object out of names and values that are JSON already.
std::string JsonObject(const std::vector<std::pair<std::string_view, std::string>>& fields);

/// JSON of an array out of values that are JSON already.
std::string JsonArray(const std::vector<std::string>& values);

/// Reads a JSON object. The error says what is wrong with it.
absl::StatusOr<google::protobuf::Struct> StructFromJson(std::string_view json);

}  // namespace millrace::cli
