// A schedule between the API and the store.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "millrace/v1/schedule_service.pb.h"
#include "server/handlers/call.h"
#include "storage/model/schedule.h"

namespace millrace::handlers {

/// What a spec says, checked: also that its job could be submitted, as far as its source need not be looked at.
///   FIELD_INVALID, CHUNK_EMPTY, SERVICE_NOT_FOUND, SERVICE_VERSION_NOT_FOUND, SOURCE_FILES_NOT_ENABLED,
///   SOURCE_CONNECTIONS_NOT_ENABLED, SOURCE_CONNECTION_NOT_FOUND
absl::StatusOr<model::ScheduleDefinition> ReadScheduleSpec(const v1::ScheduleSpec& spec, const Call& call,
                                                           const Deps& deps);

/// Whether a schedule with such times would fire at all. FIELD_INVALID.
absl::Status CheckItFires(const model::Recurrence& recurrence, absl::Time now);

v1::ScheduleSpec ToProto(const model::ScheduleDefinition& definition);
v1::Schedule ToProto(const model::Schedule& schedule);
v1::ScheduleRun ToProto(const model::ScheduleRun& run, const std::string& schedule_id);

}  // namespace millrace::handlers
