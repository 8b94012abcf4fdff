// The verbs of ScheduleService; its proto is the contract.
#pragma once

#include "absl/status/statusor.h"
#include "millrace/v1/schedule_service.pb.h"
#include "server/handlers/call.h"

namespace millrace::handlers {

absl::StatusOr<v1::Schedule> CreateSchedule(const v1::CreateScheduleRequest& request, const Call& call,
                                            const Deps& deps);
absl::StatusOr<v1::Schedule> GetSchedule(const v1::GetScheduleRequest& request, const Call& call, const Deps& deps);
absl::StatusOr<v1::ListSchedulesResponse> ListSchedules(const v1::ListSchedulesRequest& request, const Call& call,
                                                        const Deps& deps);
absl::StatusOr<v1::Schedule> UpdateSchedule(const v1::UpdateScheduleRequest& request, const Call& call,
                                            const Deps& deps);
absl::StatusOr<v1::DeleteScheduleResponse> DeleteSchedule(const v1::DeleteScheduleRequest& request, const Call& call,
                                                          const Deps& deps);
absl::StatusOr<v1::Schedule> PauseSchedule(const v1::PauseScheduleRequest& request, const Call& call, const Deps& deps);
absl::StatusOr<v1::Schedule> ResumeSchedule(const v1::ResumeScheduleRequest& request, const Call& call,
                                            const Deps& deps);
absl::StatusOr<v1::ScheduleRun> TriggerSchedule(const v1::TriggerScheduleRequest& request, const Call& call,
                                                const Deps& deps);
absl::StatusOr<v1::ListScheduleRunsResponse> ListScheduleRuns(const v1::ListScheduleRunsRequest& request,
                                                              const Call& call, const Deps& deps);

}  // namespace millrace::handlers
