// Tells webhooks what is stored for them: each notice at least once, until it is delivered or was tried for a day.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/core/webhook_counts.h"
#include "server/core/webhook_targets.h"
#include "server/webhooks/backlog.h"
#include "server/webhooks/transfers.h"
#include "storage/model/clock.h"
#include "storage/store/notice_store.h"

namespace millrace::webhooks {

/// RunOnce is for one thread, without a thread of its own. As observer, and Stop, for any.
///
/// A notice is removed from the store when the receiver answered with 2xx, so one that was delivered just before the death of
/// the server is delivered again, under the same id. It is given up at once where the receiver answers 410 (gone), and after
/// kWebhookGiveUpAfter where it answers anything else or nothing. That time begins with the event, or with this object where
/// the event is older: a server that was down for long tries what it finds as long as any other.
class WebhookSender final : public store::NoticeObserver {
 public:
  /// All must outlive the object, which is to be made the observer of `notices` before the first verb.
  WebhookSender(store::NoticeStore& notices, const core::WebhookTargets& targets, const model::Clock& clock,
                core::WebhookCounts& counts);

  /// Brings everything on that can be: begins attempts that are due, waits at most `wait` for one to end, and stores what
  /// came of those that did. Takes in what an earlier server left, some of it each time. Returns at once after Stop.
  void RunOnce(absl::Duration wait);

  /// Ends RunOnce, and breaks off what is on its way when the object goes.
  void Stop();

  void OnNotice(const model::NoticeKey& notice) override;

 private:
  bool IsStopping();
  /// Takes in what is new, and a page of what an earlier server left.
  void TakeIn();
  void TakeInPage();
  void Add(const model::NoticeKey& key);
  void StartDue();
  void Start(const model::NoticeKey& key);
  void Finish(const FinishedTransfer& finished);
  /// Repeats the attempt later, or gives the notice up where its time is over.
  void Fail(const model::NoticeKey& key, const std::string& problem, bool is_final);
  void Remove(const model::NoticeKey& key);
  void PutOff(const model::NoticeKey& key);
  absl::StatusOr<const std::string*> SecretOf(const model::Webhook& webhook) const;

  store::NoticeStore& notices_;
  const core::WebhookTargets& targets_;
  const model::Clock& clock_;
  core::WebhookCounts& counts_;
  /// Before this, nobody tried.
  const absl::Time start_time_;

  // RunOnce's own.
  Transfers transfers_{model::kWebhookTimeout};
  Backlog backlog_{model::kWebhookTransfersMax, model::kWebhookTransfersPerHostMax};
  /// Delivered, but not removed from the store yet, which failed.
  std::set<model::NoticeKey> delivered_;
  /// Up to here, everything that an earlier server left is taken in.
  model::NoticeKey taken_in_;
  bool all_taken_in_ = false;
  /// Not before this; the store failed when it was asked.
  int64_t take_in_nanos_ = 0;

  absl::Mutex mutex_;
  std::vector<model::NoticeKey> arrived_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace millrace::webhooks
