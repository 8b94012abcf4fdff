#include <string>
#include <utility>

#include "server/handlers/new_job.h"
#include "server/handlers/schedule_handlers.h"
#include "server/handlers/schedule_spec.h"
#include "server/handlers/validate.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/schedule_store.h"

namespace millrace::handlers {
absl::StatusOr<v1::Schedule> CreateSchedule(const v1::CreateScheduleRequest& request, const Call& call,
                                            const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("schedule_id", request.schedule_id()); !status.ok()) return status;
  store::ScheduleStore& schedules = deps.store.schedules();
  model::Schedule schedule;
  schedule.tenant = call.principal.tenant;
  schedule.id = request.schedule_id();
  schedule.request_hash = RequestHash("create-schedule", request, model::Job());
  // Before anything is looked at: when a call is repeated whose reply was lost, its one time may have passed.
  const absl::StatusOr<model::Schedule> earlier = schedules.GetSchedule(schedule.key());
  if (earlier.ok() && earlier->request_hash == schedule.request_hash) return ToProto(*earlier);

  absl::StatusOr<model::ScheduleDefinition> definition = ReadScheduleSpec(request.spec(), call, deps);
  if (!definition.ok()) return definition.status();
  const absl::Time now = deps.clock.Now();
  if (absl::Status fires = CheckItFires(definition->recurrence, now); !fires.ok()) return fires;
  schedule.definition = *std::move(definition);
  schedule.uid = deps.ids.Next();
  schedule.created_by = call.principal.user;
  schedule.create_time = now;
  const absl::StatusOr<absl::Time> first = model::FirstFireTime(schedule, now);
  if (!first.ok()) return first.status();
  schedule.next_fire_time = *first;
  const absl::StatusOr<model::Schedule> created = schedules.CreateSchedule(schedule);
  if (!created.ok()) return created.status();
  return ToProto(*created);
}

}  // namespace millrace::handlers
