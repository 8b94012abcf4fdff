#include "storage/store/store_errors.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"

namespace millrace::store {

using model::MakeError;
using model::Reason;

absl::Status PipelineNotFound(const model::JobKey& job) {
  return MakeError(Reason::kPipelineNotFound, absl::StrCat("there is no pipeline ", job.job_id),
                   {{"pipeline_id", job.job_id}});
}

absl::Status CheckSameJob(const model::Job& job, absl::Time create_time) {
  const bool is_meant = create_time == absl::InfinitePast() || create_time == job.create_time;
  return is_meant ? absl::OkStatus() : PipelineNotFound(job.key());
}

absl::Status ChunkNotFound(const model::JobKey& job, int64_t sequence) {
  return MakeError(Reason::kPipelineNotFound,
                   absl::StrCat("pipeline ", job.job_id, " has no chunk ", sequence, ", or its input was discarded"),
                   {{"pipeline_id", job.job_id}, {"sequence", absl::StrCat(sequence)}});
}

absl::Status PipelineIdTaken(std::string_view job_id) {
  const std::string id(job_id);
  return MakeError(Reason::kPipelineIdTaken, absl::StrCat("there is a pipeline ", id, " already; choose another id"),
                   {{"pipeline_id", id}});
}

absl::Status UniqueKeyTaken(std::string_view unique_key, std::string_view holder) {
  const std::string key(unique_key);
  const std::string id(holder);
  return MakeError(Reason::kUniqueKeyTaken,
                   absl::StrCat("pipeline ", id, " is active and has the unique key ", key, " already"),
                   {{"unique_key", key}, {"pipeline_id", id}});
}

absl::Status JobNotFinished(const model::Job& job) {
  const std::string state(model::JobStateName(job.state));
  return MakeError(Reason::kJobNotFinished, absl::StrCat("job ", job.id, " has not ended: its state is ", state),
                   {{"pipeline_id", job.id}, {"state", state}});
}

absl::Status ChildNeeded(const model::Job& child) {
  return model::WithRetryAfter(
      MakeError(Reason::kJobNotFinished,
                absl::StrCat("bulk run ", child.parent.job_id, " has not taken the outcome of job ", child.id,
                             " yet; let it go on, or cancel it, and try again"),
                {{"pipeline_id", child.id}, {"parent_job_id", child.parent.job_id}}),
      absl::Seconds(1));
}

absl::Status ChildRunning(const model::Job& bulk, const model::Job& child) {
  return model::WithRetryAfter(MakeError(Reason::kJobNotFinished,
                                         absl::StrCat("bulk run ", bulk.id, " was cancelled, and job ", child.id,
                                                      ", which runs for it, has not ended yet; try again in a moment"),
                                         {{"pipeline_id", bulk.id}, {"child_job_id", child.id}}),
                               absl::Milliseconds(200));
}

absl::Status ExceptionNotFound(const model::JobKey& job, const model::RecordPlace& exception) {
  const std::string id = model::ExceptionId(exception.sequence, exception.index);
  return MakeError(Reason::kExceptionNotFound, absl::StrCat("job ", job.job_id, " has no exception ", id),
                   {{"exception_id", id}, {"pipeline_id", job.job_id}});
}

absl::Status ExceptionSettled(const model::JobKey& job, const model::RecordPlace& exception,
                              const model::Resolution& resolution) {
  const std::string id = model::ExceptionId(exception.sequence, exception.index);
  const std::string state(model::ExceptionStateName(resolution.state));
  return MakeError(Reason::kExceptionSettled,
                   absl::StrCat("exception ", id, " of job ", job.job_id, " is ", state, ", by ",
                                resolution.resolved_by, " at ", absl::FormatTime(resolution.time, absl::UTCTimeZone())),
                   {{"exception_id", id}, {"pipeline_id", job.job_id}, {"state", state}});
}

absl::Status RequestIdReused(std::string_view request_id) {
  const std::string id(request_id);
  return MakeError(Reason::kRequestIdReused,
                   absl::StrCat("the request id ", id, " was used before for a different request"),
                   {{"request_id", id}});
}

absl::Status ChunkIdTaken(const model::Chunk& stored) {
  return MakeError(
      Reason::kChunkIdTaken,
      absl::StrCat("chunk id ", stored.id, " was pushed before as chunk ", stored.sequence, " with other bytes"),
      {{"chunk_id", stored.id}, {"sequence", absl::StrCat(stored.sequence)}});
}

absl::Status PushOutOfOrder() {
  return MakeError(Reason::kInputBufferFull, "a push ahead of this one was not stored; push again when it is");
}

absl::Status ServiceNotFound(std::string_view service) {
  const std::string name(service);
  return MakeError(Reason::kServiceNotFound, absl::StrCat("there is no service ", name), {{"service", name}});
}

absl::Status ServiceVersionNotFound(std::string_view service, std::string_view version, std::string_view latest) {
  const std::string name(service);
  return MakeError(
      Reason::kServiceVersionNotFound,
      absl::StrCat("service ", name, " has no version ", std::string(version), "; its latest is ", std::string(latest)),
      {{"service", name}, {"version", std::string(version)}, {"latest", std::string(latest)}});
}

absl::Status VersionIdNotFound(std::string_view version_id) {
  const std::string id(version_id);
  return MakeError(Reason::kServiceVersionNotFound, absl::StrCat("there is no service version with the id ", id),
                   {{"version_id", id}});
}

absl::Status JobVersionDeleted(const model::Job& job) {
  return MakeError(
      Reason::kServiceVersionNotFound,
      absl::StrCat("job ", job.id, " has the version ", model::ServiceUri(job.service, job.service_version),
                   ", which was deleted; give the job another one first (UpdateJob)"),
      {{"service", job.service}, {"version", job.service_version}, {"version_id", job.version_id}});
}

absl::Status ServiceVersionTaken(const model::ServiceVersion& stored) {
  const std::string uri = model::ServiceUri(stored.service, stored.version);
  return MakeError(Reason::kServiceVersionTaken,
                   absl::StrCat(uri, " exists with another definition; a version never changes, so choose a new one"),
                   {{"service_uri", uri}, {"version_id", stored.version_id}});
}

absl::Status BuiltInTaken(const model::ServiceVersion& built_in) {
  return MakeError(Reason::kServiceDefinitionInvalid,
                   absl::StrCat("service: ", built_in.service, " is built into the server; choose another name"));
}

absl::Status BuiltInNotDeleted(const model::ServiceVersion& built_in) {
  const std::string uri = model::ServiceUri(built_in.service, built_in.version);
  return MakeError(Reason::kServiceVersionInUse, absl::StrCat(uri, " is built into the server and cannot be deleted"),
                   {{"service_uri", uri}});
}

absl::Status ServiceVersionInUse(const model::ServiceVersion& stored, std::string_view job_id, int64_t job_count) {
  const std::string uri = model::ServiceUri(stored.service, stored.version);
  const std::string id(job_id);
  return MakeError(Reason::kServiceVersionInUse,
                   absl::StrCat(uri, " is needed by ", job_count, " unfinished job(s), such as ", id,
                                "; close or cancel them first, or move them to another version"),
                   {{"pipeline_id", id}, {"job_count", absl::StrCat(job_count)}, {"service_uri", uri}});
}

absl::Status NoticeNotFound(const model::NoticeKey& notice) {
  return absl::NotFoundError(absl::StrCat("there is no notice ", model::NoticeId(notice)));
}

absl::Status ScheduleNotFound(const model::ScheduleKey& schedule) {
  return model::MakeError(Reason::kScheduleNotFound, absl::StrCat("there is no schedule ", schedule.schedule_id),
                          {{"schedule_id", schedule.schedule_id}});
}

absl::Status ScheduleIdTaken(const model::ScheduleKey& schedule) {
  return model::MakeError(Reason::kScheduleIdTaken,
                          absl::StrCat("schedule ", schedule.schedule_id,
                                       " was created by another request; change it, or choose another id"),
                          {{"schedule_id", schedule.schedule_id}});
}

absl::Status PageTokenInvalid() {
  return model::WithField(
      MakeError(Reason::kPageTokenInvalid, "page_token: expected the token of the page before; begin again without it"),
      "page_token");
}

}  // namespace millrace::store
