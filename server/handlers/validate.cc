#include "server/handlers/validate.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/core/json_struct.h"
#include "storage/model/errors.h"
#include "storage/model/ids.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

/// Of a config hash: all its hex digits, and those that a list of chunks shows.
constexpr size_t kConfigHashDigits = 64;
constexpr size_t kConfigHashDigitsShown = 12;

}  // namespace

absl::StatusOr<int64_t> InRange(std::string_view field, int64_t value, int64_t low, int64_t high, int64_t fallback) {
  if (value == 0) return fallback;
  if (value >= low && value <= high) return value;
  return model::FieldError(
      field, absl::StrCat("expected ", low, " to ", high, ", or 0 for the default of ", fallback, ", got ", value));
}

absl::StatusOr<int32_t> PageSize(int32_t page_size) {
  if (page_size < 0) return model::FieldError("page_size", absl::StrCat("expected 0 or more, got ", page_size));
  return page_size == 0 ? model::kPageSizeDefault : std::min(page_size, model::kPageSizeMax);
}

absl::Status ValidateText(std::string_view field, std::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return absl::OkStatus();
  return model::FieldError(field, absl::StrCat("expected at most ", bytes_max, " bytes, got ", text.size()));
}

absl::Status ValidateConfigHash(std::string_view field, std::string_view hash) {
  const bool is_hash = hash.size() >= kConfigHashDigitsShown && hash.size() <= kConfigHashDigits &&
                       hash.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  if (is_hash) return absl::OkStatus();
  return model::FieldError(
      field, absl::StrCat("expected a config hash, or its first ", kConfigHashDigitsShown, " hex digits or more, got '",
                          absl::CHexEscape(std::string(hash.substr(0, kConfigHashDigits))), "'"));
}

absl::Status ValidateRequiredId(std::string_view field, std::string_view id) {
  if (id.empty()) return model::FieldError(field, "is required");
  return model::ValidateId(field, id);
}

absl::StatusOr<model::RecordPlace> ReadExceptionId(std::string_view field, std::string_view id) {
  if (id.empty()) return model::FieldError(field, "is required");
  const std::optional<model::RecordPlace> place = model::ParseExceptionId(id);
  if (place.has_value() && place->sequence > 0 && place->index >= 0) return *place;
  return model::FieldError(field, absl::StrCat("expected the id of an exception, like 12-7, got '",
                                               absl::CHexEscape(std::string(id.substr(0, model::kIdBytesMax))), "'"));
}

absl::StatusOr<model::ServiceReference> ReadServiceReference(std::string_view field, std::string_view text) {
  if (text.empty()) {
    return model::FieldError(field, "is required: folder/name, folder/name[version] or a version id");
  }
  absl::StatusOr<model::ServiceReference> reference = model::ParseServiceReference(text);
  if (!reference.ok()) return model::FieldError(field, std::string(reference.status().message()));
  return reference;
}

absl::StatusOr<std::string> ReadParameters(std::string_view field, bool present,
                                           const google::protobuf::Struct& parameters) {
  std::string json;
  if (!present) return json;
  if (absl::Status status = core::AppendJson(parameters, json); !status.ok()) {
    return model::FieldError(field, std::string(status.message()));
  }
  if (json.size() > model::kParametersBytesMax) {
    return model::FieldError(
        field, absl::StrCat("expected at most ", model::kParametersBytesMax, " bytes as JSON, got ", json.size()));
  }
  return json;
}

absl::StatusOr<core::RecordLines> TakeRecords(std::string_view field, v1::Records& records) {
  if (!records.json_lines().empty() && records.structs_size() > 0) {
    return model::FieldError(field, "expected one of json_lines and structs, got both");
  }
  std::string bytes = std::move(*records.mutable_json_lines());
  for (int i = 0; i < records.structs_size(); ++i) {
    if (absl::Status status = core::AppendJson(records.structs(i), bytes); !status.ok()) {
      return model::FieldError(absl::StrCat(std::string(field), ".structs[", i, "]"), std::string(status.message()));
    }
    bytes.push_back('\n');
  }
  core::RecordLines lines = core::NormaliseLines(std::move(bytes));
  if (lines.count == 0) {
    return model::WithField(
        model::MakeError(model::Reason::kChunkEmpty,
                         absl::StrCat(std::string(field), ": expected at least one record, got none")),
        field);
  }
  return lines;
}

absl::Status CheckChunkSize(std::string_view field, const core::RecordLines& lines) {
  const auto too_large = [&](std::string_view unit, int64_t limit, int64_t actual) {
    return model::WithField(model::MakeError(model::Reason::kChunkTooLarge,
                                             absl::StrCat(std::string(field), ": a chunk holds at most ", limit, " ",
                                                          std::string(unit), ", got ", actual, "; push smaller chunks"),
                                             {{"limit", absl::StrCat(limit)}, {"actual", absl::StrCat(actual)}}),
                            field);
  };
  if (lines.count > model::kChunkRecordsMax) return too_large("records", model::kChunkRecordsMax, lines.count);
  if (lines.bytes.size() > model::kChunkBytesMax) {
    return too_large("bytes", static_cast<int64_t>(model::kChunkBytesMax), static_cast<int64_t>(lines.bytes.size()));
  }
  return absl::OkStatus();
}

absl::StatusOr<model::SummarySpec> ReadSummary(std::string_view field, const v1::Summary& summary) {
  if (summary.aggregations_size() > model::kAggregationsMax) {
    return model::FieldError(
        absl::StrCat(std::string(field), ".aggregations"),
        absl::StrCat("expected at most ", model::kAggregationsMax, ", got ", summary.aggregations_size()));
  }
  model::SummarySpec spec;
  spec.ignore_error = summary.ignore_error();
  for (int i = 0; i < summary.aggregations_size(); ++i) {
    const v1::Aggregation& aggregation = summary.aggregations(i);
    const std::string path = absl::StrCat(std::string(field), ".aggregations[", i, "]");
    if (aggregation.output_name().empty()) return model::FieldError(path + ".output_name", "is required");
    if (aggregation.operator_() < v1::SUM || aggregation.operator_() > v1::MEAN) {
      return model::FieldError(path + ".operator", "expected SUM, COUNT, MIN, MAX or MEAN");
    }
    spec.aggregations.push_back({.output_name = aggregation.output_name(),
                                 .op = static_cast<model::AggregationOperator>(aggregation.operator_())});
  }
  return spec;
}

}  // namespace millrace::handlers
