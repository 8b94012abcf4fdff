// The one vocabulary of errors inside the server: absl::Status with a stable reason and metadata attached.
// server/rpc turns them into gRPC statuses with google.rpc.ErrorInfo at the rim.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace millrace::model {

/// Why a call failed. The values are those of millrace.v1.ErrorReason (errors.proto), which documents them; a
/// test keeps the two the same.
enum class Reason {
  kUnspecified = 0,
  kFieldInvalid = 1,
  kPageTokenInvalid = 2,
  kPushFormInvalid = 3,
  kChunkEmpty = 4,
  kChunkTooLarge = 5,
  kServiceDefinitionInvalid = 6,
  kPipelineNotFound = 20,
  kServiceNotFound = 21,
  kServiceVersionNotFound = 22,
  kExceptionNotFound = 23,
  kScheduleNotFound = 24,
  kPipelineIdTaken = 30,
  kUniqueKeyTaken = 31,
  kChunkIdTaken = 32,
  kRequestIdReused = 33,
  kServiceVersionTaken = 34,
  kScheduleIdTaken = 35,
  kPipelineClosed = 40,
  kPipelineCancelled = 41,
  kServiceVersionInUse = 42,
  kCursorInFuture = 43,
  kJobNotFinished = 44,
  kExceptionSettled = 45,
  kInputBufferFull = 50,
  kServerBusy = 51,
  kStorageFull = 52,
  kPushExceedsInputBuffer = 53,
  kLeaseStale = 60,
  kServerNotReady = 61,
  kStorageFailed = 62,
  kStorageCorrupt = 63,
  kInternalError = 64,
  kWebhooksNotEnabled = 65,
  kJobExpired = 66,
  kBackupNameTaken = 80,
  kBackupUnsound = 81,
  kBackupNotEnabled = 82,
  kFolderNotEmpty = 83,
  kSourceFilesNotEnabled = 90,
  kPipelineHasSource = 91,
  kSourceConnectionsNotEnabled = 92,
  kSourceConnectionNotFound = 93,
  kSourceConnectionFailed = 94,
};

/// What is known about an error beyond its code and message.
struct ErrorDetails {
  Reason reason = Reason::kUnspecified;
  /// Each variable of the message, sorted by name.
  std::vector<std::pair<std::string, std::string>> metadata;
  /// The request field that is wrong, as a path (`chunks[2].id`). Empty when no single field is.
  std::string field;
  /// How long the caller should wait before the same call. Zero: no advice.
  absl::Duration retry_after = absl::ZeroDuration();
};

/// Makes a status whose code follows from the reason: one table, one place (errors.cc).
absl::Status MakeError(Reason reason, std::string_view message,
                       const std::vector<std::pair<std::string, std::string>>& metadata = {});

/// INVALID_ARGUMENT, FIELD_INVALID: `field` is the path of the field, `expected` a sentence that says what is
/// wrong and what was expected. The message reads `field: expected`.
absl::Status FieldError(std::string_view field, std::string_view expected);

/// The same status with advice on when to try again.
absl::Status WithRetryAfter(absl::Status status, absl::Duration retry_after);

/// The same status under a request field (`chunks[2].id`), for reasons other than FIELD_INVALID.
absl::Status WithField(absl::Status status, std::string_view field);

/// What MakeError attached; for any other status a reason that fits its code.
ErrorDetails DetailsOf(const absl::Status& status);

/// True when the status carries this reason.
bool HasReason(const absl::Status& status, Reason reason);

/// UPPER_SNAKE name of a reason, as in errors.proto.
std::string_view ReasonName(Reason reason);

}  // namespace millrace::model
