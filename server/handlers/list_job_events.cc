#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/core/page_token.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/job_event.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

v1::JobEvent ToProto(const model::JobEvent& event) {
  v1::JobEvent proto;
  proto.set_number(event.number);
  *proto.mutable_time() = core::ToProto(event.time);
  proto.set_kind(static_cast<v1::JobEventKind>(event.kind));
  proto.set_by(event.by);
  proto.set_from_state(static_cast<v1::JobState>(event.from_state));
  proto.set_to_state(static_cast<v1::JobState>(event.to_state));
  proto.set_detail(event.detail);
  return proto;
}

/// How many of the events behind `after`, up to `last`, the store has dropped.
int64_t MissedAfter(int64_t after, int64_t last, const std::vector<model::JobEvent>& kept) {
  // The store may have gone on since `last`, and dropped up to there.
  const int64_t first = kept.empty() ? last + 1 : std::min(kept.front().number, last + 1);
  return std::max<int64_t>(first - after - 1, 0);
}

}  // namespace

absl::StatusOr<v1::ListJobEventsResponse> ListJobEvents(const v1::ListJobEventsRequest& request, const Call& call,
                                                        const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const absl::StatusOr<int32_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  const model::JobKey key = call.job(request.job_id());
  const std::string list = absl::StrCat("ListJobEvents/", key.tenant, "/", key.job_id);
  const absl::StatusOr<std::string> token = core::OpenPageToken(list, request.page_token());
  if (!token.ok()) return token.status();
  int64_t after = 0;
  if (!token->empty() && !absl::SimpleAtoi(*token, &after)) after = 0;

  // One more than the page holds says whether another follows.
  const absl::StatusOr<std::vector<model::JobEvent>> events = deps.store.ListJobEvents(key, after, *page_size + 1);
  if (!events.ok()) return events.status();
  v1::ListJobEventsResponse response;
  for (const model::JobEvent& event : *events) {
    if (response.events_size() == *page_size) {
      response.set_next_page_token(core::SealPageToken(list, absl::StrCat(event.number - 1)));
      break;
    }
    *response.add_events() = ToProto(event);
  }
  return response;
}

absl::StatusOr<v1::WatchJobResponse> WatchJob(const v1::WatchJobRequest& request, const Call& call, const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const model::JobKey key = call.job(request.job_id());
  const absl::StatusOr<model::JobPtr> job = deps.store.GetJob(key);
  if (!job.ok()) return job.status();
  const int64_t after = request.after_event() < 0 ? (*job)->last_event : request.after_event();
  const auto events = deps.store.ListJobEvents(key, after, static_cast<int32_t>(model::kJobEventsMax));
  if (!events.ok()) return events.status();
  v1::WatchJobResponse response;
  *response.mutable_job() = core::ToProto(**job, deps.clock.Now());
  for (const model::JobEvent& event : *events) {
    // The store may have gone on since: the next message tells of that.
    if (event.number <= (*job)->last_event) *response.add_events() = ToProto(event);
  }
  response.set_last_event((*job)->last_event);
  response.set_missed_event_count(MissedAfter(after, (*job)->last_event, *events));
  response.set_ended(model::IsFinal((*job)->state));
  return response;
}

}  // namespace millrace::handlers
