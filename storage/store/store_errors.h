// The errors that every JobStore answers with, so that a caller cannot tell the stores apart by their words.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/model/notice.h"
#include "storage/model/schedule.h"
#include "storage/model/service_version.h"

namespace millrace::store {

/// PIPELINE_NOT_FOUND.
absl::Status PipelineNotFound(const model::JobKey& job);
/// PIPELINE_NOT_FOUND where `job` was created at another time than the one that is meant and had the same id. InfinitePast:
/// whichever is meant.
absl::Status CheckSameJob(const model::Job& job, absl::Time create_time);
absl::Status ChunkNotFound(const model::JobKey& job, int64_t sequence);

/// PIPELINE_ID_TAKEN.
absl::Status PipelineIdTaken(std::string_view job_id);
/// UNIQUE_KEY_TAKEN by the active job `holder`.
absl::Status UniqueKeyTaken(std::string_view unique_key, std::string_view holder);
/// JOB_NOT_FINISHED.
absl::Status JobNotFinished(const model::Job& job);
/// JOB_NOT_FINISHED: the bulk run for which it ran has not taken its outcome.
absl::Status ChildNeeded(const model::Job& child);
/// JOB_NOT_FINISHED: this bulk run was cancelled, and `child`, which runs for it, is still to be.
absl::Status ChildRunning(const model::Job& bulk, const model::Job& child);
/// EXCEPTION_NOT_FOUND.
absl::Status ExceptionNotFound(const model::JobKey& job, const model::RecordPlace& exception);
/// EXCEPTION_SETTLED.
absl::Status ExceptionSettled(const model::JobKey& job, const model::RecordPlace& exception,
                              const model::Resolution& resolution);
/// REQUEST_ID_REUSED.
absl::Status RequestIdReused(std::string_view request_id);

/// CHUNK_ID_TAKEN by `stored`.
absl::Status ChunkIdTaken(const model::Chunk& stored);
/// INPUT_BUFFER_FULL: a push ahead of this one was not stored.
absl::Status PushOutOfOrder();

/// SERVICE_NOT_FOUND.
absl::Status ServiceNotFound(std::string_view service);
/// SERVICE_VERSION_NOT_FOUND for `folder/name` without the version; `latest` is the one that it does have.
absl::Status ServiceVersionNotFound(std::string_view service, std::string_view version, std::string_view latest);
/// SERVICE_VERSION_NOT_FOUND for a version id.
absl::Status VersionIdNotFound(std::string_view version_id);
/// SERVICE_VERSION_NOT_FOUND where that of the job was deleted after its end.
absl::Status JobVersionDeleted(const model::Job& job);
/// SERVICE_VERSION_TAKEN.
absl::Status ServiceVersionTaken(const model::ServiceVersion& stored);
/// SERVICE_DEFINITION_INVALID and SERVICE_VERSION_IN_USE: a built-in service is nobody's to change.
absl::Status BuiltInTaken(const model::ServiceVersion& built_in);
absl::Status BuiltInNotDeleted(const model::ServiceVersion& built_in);
/// SERVICE_VERSION_IN_USE by `job_count` unfinished jobs, `job_id` being one of them.
absl::Status ServiceVersionInUse(const model::ServiceVersion& stored, std::string_view job_id, int64_t job_count);

/// SCHEDULE_NOT_FOUND.
absl::Status ScheduleNotFound(const model::ScheduleKey& schedule);
/// NOT_FOUND, without a reason: no caller names a notice.
absl::Status NoticeNotFound(const model::NoticeKey& notice);
/// SCHEDULE_ID_TAKEN.
absl::Status ScheduleIdTaken(const model::ScheduleKey& schedule);

/// PAGE_TOKEN_INVALID: the token of a page is not one that this list made.
absl::Status PageTokenInvalid();

}  // namespace millrace::store
