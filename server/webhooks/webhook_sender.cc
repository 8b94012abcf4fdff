#include "server/webhooks/webhook_sender.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "server/core/http_url.h"
#include "spdlog/spdlog.h"
#include "storage/model/limits.h"
#include "storage/model/retry_policy.h"

namespace millrace::webhooks {
namespace {

using model::NoticeKey;

/// Read of what an earlier server left, in one RunOnce.
constexpr int32_t kTakenInMax = 1'000;

/// What waits alone for the store; a store that fails once fails for a while.
constexpr absl::Duration kStoreRetry = absl::Seconds(1);

constexpr int kGone = 410;

const model::RetryPolicy kRetry{
    .max_attempts = 0, .initial_backoff = model::kWebhookRetryMin, .max_backoff = model::kWebhookRetryMax};

std::string Named(const NoticeKey& key) { return absl::StrCat("event ", key.number, " of job ", key.job.job_id); }

bool IsGone(const absl::Status& status) { return absl::IsNotFound(status); }

}  // namespace

WebhookSender::WebhookSender(store::NoticeStore& notices, const core::WebhookTargets& targets,
                             const model::Clock& clock, core::WebhookCounts& counts)
    : notices_(notices), targets_(targets), clock_(clock), counts_(counts), start_time_(clock.Now()) {}

void WebhookSender::RunOnce(absl::Duration wait) {
  if (IsStopping()) return;
  TakeIn();
  StartDue();
  const int64_t due_nanos = backlog_.NextDue();
  if (!all_taken_in_) {
    wait = std::min(wait, absl::Nanoseconds(std::max<int64_t>(take_in_nanos_ - clock_.SteadyNanos(), 0)));
  } else if (due_nanos != model::Clock::kNever) {
    const int64_t left_nanos = std::max<int64_t>(due_nanos - clock_.SteadyNanos(), 0);
    // The wait counts milliseconds: one that ends before its time would be one of many.
    wait = std::min(wait, absl::Nanoseconds(left_nanos) + absl::Milliseconds(left_nanos > 0 ? 1 : 0));
  }
  for (const FinishedTransfer& finished : transfers_.Wait(wait)) Finish(finished);
  counts_.waiting = static_cast<int64_t>(backlog_.size());
}

void WebhookSender::Stop() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  transfers_.Wake();
}

bool WebhookSender::IsStopping() {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

void WebhookSender::OnNotice(const NoticeKey& notice) {
  bool is_first = false;
  {
    absl::MutexLock lock(&mutex_);
    is_first = arrived_.empty();
    arrived_.push_back(notice);
  }
  if (is_first) transfers_.Wake();
}

void WebhookSender::TakeIn() {
  std::vector<NoticeKey> arrived;
  {
    absl::MutexLock lock(&mutex_);
    arrived.swap(arrived_);
  }
  for (const NoticeKey& key : arrived) Add(key);
  if (!all_taken_in_ && clock_.SteadyNanos() >= take_in_nanos_) TakeInPage();
}

void WebhookSender::TakeInPage() {
  const absl::StatusOr<std::vector<NoticeKey>> left = notices_.ListNotices(taken_in_, kTakenInMax);
  if (!left.ok()) {
    spdlog::error("webhooks: what is still to be told cannot be listed: {}", std::string(left.status().message()));
    take_in_nanos_ = clock_.SteadyNanos() + absl::ToInt64Nanoseconds(kStoreRetry);
    return;
  }
  for (const NoticeKey& key : *left) Add(key);
  if (!left->empty()) taken_in_ = left->back();
  all_taken_in_ = left->size() < static_cast<size_t>(kTakenInMax);
}

void WebhookSender::Add(const NoticeKey& key) {
  const absl::StatusOr<model::Notice> notice = notices_.GetNotice(key);
  if (IsGone(notice.status())) return;
  const absl::StatusOr<core::HttpUrl> url =
      core::ReadHttpUrl(notice.ok() ? notice->job.options.webhook.url : std::string());
  backlog_.Add(key, url.ok() ? url->origin : "");
}

void WebhookSender::StartDue() {
  while (const std::optional<NoticeKey> key = backlog_.Take(clock_.SteadyNanos())) Start(*key);
}

void WebhookSender::Start(const NoticeKey& key) {
  if (delivered_.contains(key)) return Remove(key);
  const absl::StatusOr<model::Notice> notice = notices_.GetNotice(key);
  if (IsGone(notice.status())) return backlog_.Remove(key);
  if (!notice.ok()) return Fail(key, std::string(notice.status().message()), /*is_final=*/false);
  const model::Webhook& webhook = notice->job.options.webhook;
  // The file may be another one than when the job was created.
  if (const absl::Status allowed = targets_.Check(webhook.url); !allowed.ok()) {
    return Fail(key, std::string(allowed.message()), /*is_final=*/false);
  }
  const absl::StatusOr<const std::string*> secret = SecretOf(webhook);
  if (!secret.ok()) return Fail(key, std::string(secret.status().message()), /*is_final=*/false);
  transfers_.Start(key, MakeRequest(*notice, *secret, clock_.Now()));
}

absl::StatusOr<const std::string*> WebhookSender::SecretOf(const model::Webhook& webhook) const {
  const std::string* const secret = webhook.secret.empty() ? nullptr : targets_.FindSecret(webhook.secret);
  if (webhook.secret.empty() || secret != nullptr) return secret;
  return absl::NotFoundError(absl::StrCat("the file of millraced --webhooks has no secret ", webhook.secret));
}

void WebhookSender::Finish(const FinishedTransfer& finished) {
  if (finished.status >= 200 && finished.status < 300) {
    ++counts_.delivered;
    delivered_.insert(finished.notice);
    return Remove(finished.notice);
  }
  const std::string problem =
      finished.status == 0 ? finished.problem : absl::StrCat("the receiver answered with status ", finished.status);
  Fail(finished.notice, problem, finished.status == kGone);
}

void WebhookSender::Fail(const NoticeKey& key, const std::string& problem, bool is_final) {
  ++counts_.failed_attempts;
  const absl::StatusOr<model::Notice> notice = notices_.GetNotice(key);
  const bool is_over =
      notice.ok() && clock_.Now() - std::max(notice->event.time, start_time_) >= model::kWebhookGiveUpAfter;
  const bool is_damaged = absl::IsDataLoss(notice.status());
  if (!is_final && !is_over && !is_damaged) {
    // Once a notice: a receiver that is down for a day would fill the log.
    if (backlog_.attempts(key) == 1) spdlog::warn("webhook: {} is not told yet: {}", Named(key), problem);
    return PutOff(key);
  }
  if (const absl::Status given_up = notices_.GiveUpNotice(key, problem); !given_up.ok()) {
    spdlog::error("webhook: {} cannot be given up: {}", Named(key), std::string(given_up.message()));
    return backlog_.PutOff(key, clock_.SteadyNanos() + absl::ToInt64Nanoseconds(kStoreRetry));
  }
  ++counts_.given_up;
  spdlog::warn("webhook: {} is given up after {} attempts since the server started: {}", Named(key),
               backlog_.attempts(key), problem);
  backlog_.Remove(key);
}

void WebhookSender::Remove(const NoticeKey& key) {
  if (const absl::Status removed = notices_.RemoveNotice(key); !removed.ok()) {
    return backlog_.PutOff(key, clock_.SteadyNanos() + absl::ToInt64Nanoseconds(kStoreRetry));
  }
  delivered_.erase(key);
  backlog_.Remove(key);
}

void WebhookSender::PutOff(const NoticeKey& key) {
  const uint64_t seed = absl::HashOf(key.job, key.number);
  const absl::Duration backoff = model::BackoffAfter(kRetry, backlog_.attempts(key), seed);
  backlog_.PutOff(key, clock_.SteadyNanos() + absl::ToInt64Nanoseconds(backoff));
}

}  // namespace millrace::webhooks
