#include "storage/model/notice.h"

#include "absl/strings/str_cat.h"
#include "storage/model/job_rules.h"

namespace millrace::model {

std::optional<NoticeKind> NoticeKindOf(const JobEvent& event) {
  if (event.kind == JobEventKind::kFirstException) return NoticeKind::kFirstException;
  if (event.kind != JobEventKind::kStateChanged) return std::nullopt;
  if (IsFinal(event.to_state)) return NoticeKind::kEnded;
  // Of what happens under a pause, nobody is told: the job is paused as before.
  if (event.to_state == JobState::kPaused) return NoticeKind::kPaused;
  return std::nullopt;
}

bool IsToBeTold(const Job& job, const JobEvent& event) {
  const Webhook& webhook = job.options.webhook;
  if (webhook.url.empty()) return false;
  const std::optional<NoticeKind> kind = NoticeKindOf(event);
  if (!kind.has_value()) return false;
  switch (*kind) {
    case NoticeKind::kEnded:
      return webhook.tells_end;
    case NoticeKind::kPaused:
      return webhook.tells_pause;
    case NoticeKind::kFirstException:
      return webhook.tells_first_exception;
  }
  return false;
}

Notice MakeNotice(const Job& job, const JobEvent& event) {
  Notice notice{event, job};
  notice.job.parameters_json = "{}";
  notice.job.source = {};
  notice.job.source_position = {};
  return notice;
}

std::string NoticeId(const NoticeKey& key) {
  return absl::StrCat(key.job.job_id, "-", absl::ToUnixMicros(key.job_create_time), "-", key.number);
}

JobEvent GivenUpEvent(int64_t number, std::string_view problem, absl::Time now) {
  return {.time = now,
          .kind = JobEventKind::kWebhookGivenUp,
          .detail = absl::StrCat("event ", number, " was not told: ", std::string(problem))};
}

}  // namespace millrace::model
