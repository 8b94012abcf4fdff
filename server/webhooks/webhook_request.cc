#include "server/webhooks/webhook_request.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/core/version.h"
#include "storage/model/job_rules.h"
#include "storage/records/json_text.h"

namespace millrace::webhooks {
namespace {

using model::Job;

/// Writes the fields of a JSON object in order.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  ~Object() { out_ += '}'; }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;

  std::string& Name(const char* name) {
    absl::StrAppend(&out_, is_empty_ ? "\"" : ",\"", name, "\":");
    is_empty_ = false;
    return out_;
  }
  void Text(const char* name, std::string_view text) { Name(name) += records::JsonString(text); }
  void TextIfAny(const char* name, std::string_view text) {
    if (!text.empty()) Text(name, text);
  }
  void Number(const char* name, int64_t value) { absl::StrAppend(&Name(name), value); }
  void Time(const char* name, absl::Time time) {
    if (time != absl::InfinitePast()) Text(name, absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone()));
  }

 private:
  std::string& out_;
  bool is_empty_ = true;
};

std::string StateText(model::JobState state) { return absl::AsciiStrToLower(std::string(model::JobStateName(state))); }

std::string_view OutcomeText(model::Outcome outcome) {
  switch (outcome) {
    case model::Outcome::kSucceeded:
      return "succeeded";
    case model::Outcome::kPartial:
      return "partial";
    case model::Outcome::kFailedAll:
      return "failed_all";
    case model::Outcome::kNone:
      return "";
  }
  return "";
}

void AppendTags(const std::vector<std::string>& tags, std::string& out) {
  out += '[';
  for (size_t i = 0; i < tags.size(); ++i) absl::StrAppend(&out, i == 0 ? "" : ",", records::JsonString(tags[i]));
  out += ']';
}

void AppendCounts(const Job& job, std::string& out) {
  Object counts(out);
  counts.Number("submitted", job.counters.records_submitted);
  counts.Number("completed", job.counters.records_completed);
  counts.Number("failed", job.counters.records_failed);
  counts.Number("held", job.counters.records_held);
  counts.Number("discarded", job.counters.records_discarded);
  counts.Number("skipped", model::RecordsSkipped(job));
}

void AppendJob(const Job& job, std::string& out) {
  Object fields(out);
  fields.Text("id", job.id);
  fields.Text("tenant", job.tenant);
  fields.Text("service", job.service);
  fields.Text("service_version", job.service_version);
  fields.Text("state", StateText(job.state));
  fields.TextIfAny("outcome", OutcomeText(model::OutcomeOf(job)));
  fields.TextIfAny("state_reason", job.state_reason);
  fields.TextIfAny("pause_reason", job.pause_reason);
  fields.TextIfAny("name", job.metadata.name);
  fields.TextIfAny("project", job.metadata.project);
  if (!job.metadata.tags.empty()) AppendTags(job.metadata.tags, fields.Name("tags"));
  fields.TextIfAny("correlation_id", job.metadata.correlation_id);
  fields.Text("created_by", job.created_by);
  fields.Time("create_time", job.create_time);
  fields.Time("complete_time", job.complete_time);
  AppendCounts(job, fields.Name("records"));
}

std::string Base64(std::string_view bytes) { return absl::Base64Escape(std::string(bytes)); }

}  // namespace

std::string_view TypeOf(const model::JobEvent& event) {
  switch (model::NoticeKindOf(event).value_or(model::NoticeKind::kEnded)) {
    case model::NoticeKind::kEnded:
      return "job.ended";
    case model::NoticeKind::kPaused:
      return "job.paused";
    case model::NoticeKind::kFirstException:
      return "job.first_exception";
  }
  return "job.ended";
}

std::string MakeBody(const model::Notice& notice) {
  std::string body;
  {
    Object message(body);
    message.Text("type", TypeOf(notice.event));
    message.Time("timestamp", notice.event.time);
    Object data(message.Name("data"));
    data.Number("event", notice.event.number);
    data.TextIfAny("by", notice.event.by);
    data.TextIfAny("detail", notice.event.detail);
    AppendJob(notice.job, data.Name("job"));
  }
  return body;
}

std::string Sign(std::string_view secret, std::string_view id, std::string_view timestamp, std::string_view body) {
  const std::string content = absl::StrCat(std::string(id), ".", std::string(timestamp), ".", std::string(body));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data(), &size);
  return absl::StrCat("v1,", Base64({reinterpret_cast<const char*>(digest.data()), size}));
}

WebhookRequest MakeRequest(const model::Notice& notice, const std::string* secret, absl::Time now) {
  const std::string id = model::NoticeId(notice.key());
  const std::string timestamp = absl::StrCat(absl::ToUnixSeconds(now));
  WebhookRequest request;
  request.url = notice.job.options.webhook.url;
  request.body = MakeBody(notice);
  request.headers = {"content-type: application/json",
                     absl::StrCat("user-agent: millrace/", std::string(core::ServerVersion())),
                     absl::StrCat("webhook-id: ", id), absl::StrCat("webhook-timestamp: ", timestamp)};
  if (secret != nullptr) {
    request.headers.push_back(absl::StrCat("webhook-signature: ", Sign(*secret, id, timestamp, request.body)));
  }
  return request;
}

}  // namespace millrace::webhooks
