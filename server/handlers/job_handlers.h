// The verbs of JobService and ExceptionService; their protos are the contract.
#pragma once

#include "absl/status/statusor.h"
#include "millrace/v1/exception_service.pb.h"
#include "millrace/v1/job_service.pb.h"
#include "server/handlers/call.h"

namespace millrace::handlers {

absl::StatusOr<v1::Job> SubmitJob(v1::SubmitJobRequest& request, const Call& call, const Deps& deps);
absl::StatusOr<v1::Job> GetJob(const v1::GetJobRequest& request, const Call& call, const Deps& deps);
absl::StatusOr<v1::ListJobsResponse> ListJobs(const v1::ListJobsRequest& request, const Call& call, const Deps& deps);
absl::StatusOr<v1::GetStatisticsResponse> GetStatistics(const v1::GetStatisticsRequest& request, const Call& call,
                                                        const Deps& deps);
absl::StatusOr<v1::ExplainJobResponse> ExplainJob(const v1::ExplainJobRequest& request, const Call& call,
                                                  const Deps& deps);
absl::StatusOr<v1::ListRecordsResponse> ListRecords(const v1::ListRecordsRequest& request, const Call& call,
                                                    const Deps& deps);
absl::StatusOr<v1::JobStatistics> GetJobStatistics(const v1::GetJobStatisticsRequest& request, const Call& call,
                                                   const Deps& deps);
absl::StatusOr<v1::ListChunksResponse> ListChunks(const v1::ListChunksRequest& request, const Call& call,
                                                  const Deps& deps);
absl::StatusOr<v1::ListJobEventsResponse> ListJobEvents(const v1::ListJobEventsRequest& request, const Call& call,
                                                        const Deps& deps);
/// The next message of a stream that has told of the events up to `after_event`.
absl::StatusOr<v1::WatchJobResponse> WatchJob(const v1::WatchJobRequest& request, const Call& call, const Deps& deps);
absl::StatusOr<v1::CompareJobResponse> CompareJob(const v1::CompareJobRequest& request, const Call& call,
                                                  const Deps& deps);
absl::StatusOr<v1::Job> UpdateJob(const v1::UpdateJobRequest& request, const Call& call, const Deps& deps);
absl::StatusOr<v1::Job> PauseJob(const v1::PauseJobRequest& request, const Call& call, const Deps& deps);
absl::StatusOr<v1::Job> ResumeJob(const v1::ResumeJobRequest& request, const Call& call, const Deps& deps);
absl::StatusOr<v1::Job> ContinueJob(const v1::ContinueJobRequest& request, const Call& call, const Deps& deps);
absl::StatusOr<v1::RetryJobResponse> RetryJob(const v1::RetryJobRequest& request, const Call& call, const Deps& deps);
absl::StatusOr<v1::DeleteJobResponse> DeleteJob(const v1::DeleteJobRequest& request, const Call& call,
                                                const Deps& deps);

absl::StatusOr<v1::ListExceptionsResponse> ListExceptions(const v1::ListExceptionsRequest& request, const Call& call,
                                                          const Deps& deps);
absl::StatusOr<v1::ListExceptionGroupsResponse> ListExceptionGroups(const v1::ListExceptionGroupsRequest& request,
                                                                    const Call& call, const Deps& deps);
absl::StatusOr<v1::RecordException> GetException(const v1::GetExceptionRequest& request, const Call& call,
                                                 const Deps& deps);
absl::StatusOr<v1::RecordException> ResolveException(const v1::ResolveExceptionRequest& request, const Call& call,
                                                     const Deps& deps);
absl::StatusOr<v1::ReprocessExceptionsResponse> ReprocessExceptions(const v1::ReprocessExceptionsRequest& request,
                                                                    const Call& call, const Deps& deps);

}  // namespace millrace::handlers
