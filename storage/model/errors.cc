#include "storage/model/errors.h"

#include <algorithm>
#include <array>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace millrace::model {
namespace {

struct ReasonRow {
  Reason reason;
  absl::StatusCode code;
  std::string_view name;
};

using absl::StatusCode;

// Choose the code by the caller's next move; errors.proto lists the moves.
constexpr std::array kReasons = {
    ReasonRow{Reason::kUnspecified, StatusCode::kUnknown, "ERROR_REASON_UNSPECIFIED"},
    ReasonRow{Reason::kFieldInvalid, StatusCode::kInvalidArgument, "FIELD_INVALID"},
    ReasonRow{Reason::kPageTokenInvalid, StatusCode::kInvalidArgument, "PAGE_TOKEN_INVALID"},
    ReasonRow{Reason::kPushFormInvalid, StatusCode::kInvalidArgument, "PUSH_FORM_INVALID"},
    ReasonRow{Reason::kChunkEmpty, StatusCode::kInvalidArgument, "CHUNK_EMPTY"},
    ReasonRow{Reason::kChunkTooLarge, StatusCode::kInvalidArgument, "CHUNK_TOO_LARGE"},
    ReasonRow{Reason::kServiceDefinitionInvalid, StatusCode::kInvalidArgument, "SERVICE_DEFINITION_INVALID"},
    ReasonRow{Reason::kPipelineNotFound, StatusCode::kNotFound, "PIPELINE_NOT_FOUND"},
    ReasonRow{Reason::kServiceNotFound, StatusCode::kNotFound, "SERVICE_NOT_FOUND"},
    ReasonRow{Reason::kServiceVersionNotFound, StatusCode::kNotFound, "SERVICE_VERSION_NOT_FOUND"},
    ReasonRow{Reason::kExceptionNotFound, StatusCode::kNotFound, "EXCEPTION_NOT_FOUND"},
    ReasonRow{Reason::kScheduleNotFound, StatusCode::kNotFound, "SCHEDULE_NOT_FOUND"},
    ReasonRow{Reason::kPipelineIdTaken, StatusCode::kAlreadyExists, "PIPELINE_ID_TAKEN"},
    ReasonRow{Reason::kUniqueKeyTaken, StatusCode::kAlreadyExists, "UNIQUE_KEY_TAKEN"},
    ReasonRow{Reason::kChunkIdTaken, StatusCode::kAlreadyExists, "CHUNK_ID_TAKEN"},
    ReasonRow{Reason::kRequestIdReused, StatusCode::kAlreadyExists, "REQUEST_ID_REUSED"},
    ReasonRow{Reason::kServiceVersionTaken, StatusCode::kAlreadyExists, "SERVICE_VERSION_TAKEN"},
    ReasonRow{Reason::kScheduleIdTaken, StatusCode::kAlreadyExists, "SCHEDULE_ID_TAKEN"},
    ReasonRow{Reason::kPipelineClosed, StatusCode::kFailedPrecondition, "PIPELINE_CLOSED"},
    ReasonRow{Reason::kPipelineCancelled, StatusCode::kFailedPrecondition, "PIPELINE_CANCELLED"},
    ReasonRow{Reason::kServiceVersionInUse, StatusCode::kFailedPrecondition, "SERVICE_VERSION_IN_USE"},
    ReasonRow{Reason::kCursorInFuture, StatusCode::kOutOfRange, "CURSOR_IN_FUTURE"},
    ReasonRow{Reason::kJobNotFinished, StatusCode::kFailedPrecondition, "JOB_NOT_FINISHED"},
    ReasonRow{Reason::kExceptionSettled, StatusCode::kFailedPrecondition, "EXCEPTION_SETTLED"},
    ReasonRow{Reason::kInputBufferFull, StatusCode::kResourceExhausted, "INPUT_BUFFER_FULL"},
    ReasonRow{Reason::kServerBusy, StatusCode::kResourceExhausted, "SERVER_BUSY"},
    ReasonRow{Reason::kStorageFull, StatusCode::kResourceExhausted, "STORAGE_FULL"},
    ReasonRow{Reason::kPushExceedsInputBuffer, StatusCode::kInvalidArgument, "PUSH_EXCEEDS_INPUT_BUFFER"},
    ReasonRow{Reason::kLeaseStale, StatusCode::kAborted, "LEASE_STALE"},
    ReasonRow{Reason::kServerNotReady, StatusCode::kUnavailable, "SERVER_NOT_READY"},
    ReasonRow{Reason::kStorageFailed, StatusCode::kInternal, "STORAGE_FAILED"},
    ReasonRow{Reason::kStorageCorrupt, StatusCode::kDataLoss, "STORAGE_CORRUPT"},
    ReasonRow{Reason::kInternalError, StatusCode::kInternal, "INTERNAL_ERROR"},
    ReasonRow{Reason::kWebhooksNotEnabled, StatusCode::kFailedPrecondition, "WEBHOOKS_NOT_ENABLED"},
    ReasonRow{Reason::kJobExpired, StatusCode::kFailedPrecondition, "JOB_EXPIRED"},
    ReasonRow{Reason::kBackupNameTaken, StatusCode::kAlreadyExists, "BACKUP_NAME_TAKEN"},
    ReasonRow{Reason::kBackupUnsound, StatusCode::kDataLoss, "BACKUP_UNSOUND"},
    ReasonRow{Reason::kBackupNotEnabled, StatusCode::kFailedPrecondition, "BACKUP_NOT_ENABLED"},
    ReasonRow{Reason::kFolderNotEmpty, StatusCode::kFailedPrecondition, "FOLDER_NOT_EMPTY"},
    ReasonRow{Reason::kSourceFilesNotEnabled, StatusCode::kFailedPrecondition, "SOURCE_FILES_NOT_ENABLED"},
    ReasonRow{Reason::kPipelineHasSource, StatusCode::kFailedPrecondition, "PIPELINE_HAS_SOURCE"},
    ReasonRow{Reason::kSourceConnectionsNotEnabled, StatusCode::kFailedPrecondition, "SOURCE_CONNECTIONS_NOT_ENABLED"},
    ReasonRow{Reason::kSourceConnectionNotFound, StatusCode::kNotFound, "SOURCE_CONNECTION_NOT_FOUND"},
    ReasonRow{Reason::kSourceConnectionFailed, StatusCode::kUnavailable, "SOURCE_CONNECTION_FAILED"},
};

const ReasonRow& RowOf(Reason reason) {
  for (const ReasonRow& row : kReasons) {
    if (row.reason == reason) return row;
  }
  return kReasons.front();
}

constexpr char kReasonPayload[] = "millrace/reason";
constexpr char kFieldPayload[] = "millrace/field";
constexpr char kRetryPayload[] = "millrace/retry-after-nanos";
constexpr char kMetadataPrefix[] = "millrace/metadata/";

absl::Cord ToCord(std::string_view text) { return absl::Cord(std::string(text)); }

}  // namespace

absl::Status MakeError(Reason reason, std::string_view message,
                       const std::vector<std::pair<std::string, std::string>>& metadata) {
  absl::Status status(RowOf(reason).code, std::string(message));
  status.SetPayload(kReasonPayload, absl::Cord(absl::StrCat(static_cast<int>(reason))));
  for (const auto& [name, value] : metadata) {
    status.SetPayload(absl::StrCat(kMetadataPrefix, name), absl::Cord(value));
  }
  return status;
}

absl::Status FieldError(std::string_view field, std::string_view expected) {
  return WithField(MakeError(Reason::kFieldInvalid, std::string(field) + ": " + std::string(expected)), field);
}

absl::Status WithRetryAfter(absl::Status status, absl::Duration retry_after) {
  status.SetPayload(kRetryPayload, absl::Cord(absl::StrCat(absl::ToInt64Nanoseconds(retry_after))));
  return status;
}

absl::Status WithField(absl::Status status, std::string_view field) {
  status.SetPayload(kFieldPayload, ToCord(field));
  return status;
}

ErrorDetails DetailsOf(const absl::Status& status) {
  ErrorDetails details;
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& cord) {
    const std::string value(cord);
    int64_t number = 0;
    if (url == kReasonPayload && absl::SimpleAtoi(value, &number)) {
      details.reason = static_cast<Reason>(number);
    } else if (url == kFieldPayload) {
      details.field = value;
    } else if (url == kRetryPayload && absl::SimpleAtoi(value, &number)) {
      details.retry_after = absl::Nanoseconds(number);
    } else if (absl::ConsumePrefix(&url, kMetadataPrefix)) {
      details.metadata.emplace_back(std::string(url), value);
    }
  });
  // A status keeps its payloads in no order.
  std::sort(details.metadata.begin(), details.metadata.end());
  if (details.reason == Reason::kUnspecified && !status.ok()) details.reason = Reason::kInternalError;
  return details;
}

bool HasReason(const absl::Status& status, Reason reason) { return !status.ok() && DetailsOf(status).reason == reason; }

std::string_view ReasonName(Reason reason) { return RowOf(reason).name; }

}  // namespace millrace::model
