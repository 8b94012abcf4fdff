// Checks and readings that several handlers share. Errors name the field by its path in the request.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "millrace/v1/records.pb.h"
#include "server/core/record_lines.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/service_version.h"

namespace millrace::handlers {

/// Returns `value`, or `fallback` for 0; FIELD_INVALID outside `low`..`high`.
absl::StatusOr<int64_t> InRange(std::string_view field, int64_t value, int64_t low, int64_t high, int64_t fallback);

/// The page size to use: 0 is the default, more than the largest is the largest, negative is FIELD_INVALID.
absl::StatusOr<int32_t> PageSize(int32_t page_size);

/// FIELD_INVALID for a text that is longer than `bytes_max` (protobuf itself sees to UTF-8).
absl::Status ValidateText(std::string_view field, std::string_view text, size_t bytes_max);

/// FIELD_INVALID unless this is a config hash, or the first 12 of its hex digits or more: as many as a list of chunks shows, and
/// enough to tell any two apart.
absl::Status ValidateConfigHash(std::string_view field, std::string_view hash);

/// An id that must be given.
absl::Status ValidateRequiredId(std::string_view field, std::string_view id);

/// Reads the id of an exception, which must be given.
absl::StatusOr<model::RecordPlace> ReadExceptionId(std::string_view field, std::string_view id);

/// Reads a service reference that must be given.
absl::StatusOr<model::ServiceReference> ReadServiceReference(std::string_view field, std::string_view text);

/// Parameters as stored: one line of JSON, empty for none. FIELD_INVALID when too large, too deep or not finite.
absl::StatusOr<std::string> ReadParameters(std::string_view field, bool present,
                                           const google::protobuf::Struct& parameters);

/// Takes the records out of the message, in normal form. CHUNK_EMPTY when there is none, FIELD_INVALID when both
/// encodings are set.
absl::StatusOr<core::RecordLines> TakeRecords(std::string_view field, v1::Records& records);

/// CHUNK_TOO_LARGE where the records do not fit into one chunk.
absl::Status CheckChunkSize(std::string_view field, const core::RecordLines& lines);

/// Reads a summary. Whether the service has the outputs shows when the chunk runs: an unknown one is an error there.
absl::StatusOr<model::SummarySpec> ReadSummary(std::string_view field, const v1::Summary& summary);

}  // namespace millrace::handlers
