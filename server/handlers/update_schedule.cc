#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/handlers/schedule_handlers.h"
#include "server/handlers/schedule_spec.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/schedule_store.h"

namespace millrace::handlers {
namespace {

constexpr std::array<const char*, 9> kFields = {"description", "job",      "cron",    "interval", "once",
                                                "start_time",  "end_time", "overlap", "catch_up"};

/// Takes one field of the request into the spec.
void TakeField(const std::string& path, const v1::ScheduleSpec& from, v1::ScheduleSpec& spec) {
  const google::protobuf::Descriptor& type = *v1::ScheduleSpec::descriptor();
  const google::protobuf::Reflection& reflection = *v1::ScheduleSpec::GetReflection();
  const google::protobuf::FieldDescriptor* field = type.FindFieldByName(path);
  // Merged as a message of its own, so that whatever type it has, and whichever of a oneof it is, it replaces what was
  // there.
  v1::ScheduleSpec only = from;
  for (const char* other : kFields) {
    if (other != path) reflection.ClearField(&only, type.FindFieldByName(other));
  }
  if (field->containing_oneof() != nullptr) reflection.ClearOneof(&spec, field->containing_oneof());
  reflection.ClearField(&spec, field);
  spec.MergeFrom(only);
}

absl::Status TakeFields(const v1::UpdateScheduleRequest& request, v1::ScheduleSpec& spec) {
  if (request.update_mask().paths().empty()) {
    return model::FieldError("update_mask",
                             absl::StrCat("is required: at least one of ", absl::StrJoin(kFields, ", ")));
  }
  for (const std::string& path : request.update_mask().paths()) {
    if (std::find(kFields.begin(), kFields.end(), path) == kFields.end()) {
      return model::FieldError("update_mask", absl::StrCat("'", path, "' cannot be changed, expected one of ",
                                                           absl::StrJoin(kFields, ", ")));
    }
    TakeField(path, request.spec(), spec);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Schedule> UpdateSchedule(const v1::UpdateScheduleRequest& request, const Call& call,
                                            const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("schedule_id", request.schedule_id()); !status.ok()) return status;
  store::ScheduleStore& schedules = deps.store.schedules();
  const model::ScheduleKey key{call.principal.tenant, request.schedule_id()};
  for (;;) {
    const absl::StatusOr<model::Schedule> before = schedules.GetSchedule(key);
    if (!before.ok()) return before.status();
    v1::ScheduleSpec spec = ToProto(before->definition);
    if (absl::Status taken = TakeFields(request, spec); !taken.ok()) return taken;
    const absl::StatusOr<model::ScheduleDefinition> definition = ReadScheduleSpec(spec, call, deps);
    if (!definition.ok()) return definition.status();
    const absl::Time now = deps.clock.Now();
    if (!(definition->recurrence == before->definition.recurrence)) {
      if (absl::Status fires = CheckItFires(definition->recurrence, now); !fires.ok()) return fires;
    }
    bool overtaken = false;
    const absl::StatusOr<model::Schedule> after =
        schedules.ChangeSchedule(key, [&](model::ScheduleChange& change) -> absl::StatusOr<bool> {
          // What was checked is the whole spec; another call may have changed other fields of it since.
          overtaken = !(change.schedule.definition == before->definition);
          if (overtaken) return false;
          return model::ApplyRedefine(change, *definition, now);
        });
    if (!after.ok()) return after.status();
    if (!overtaken) return ToProto(*after);
  }
}

}  // namespace millrace::handlers
