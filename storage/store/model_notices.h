// The notices of the model store: a plain map.
#pragma once

#include <functional>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/store/notice_store.h"

namespace millrace::store {

class ModelNotices final : public NoticeStore {
 public:
  /// Puts into the log of its job, where that still exists, that a notice could not be told.
  using LogGivenUp = std::function<void(const model::NoticeKey& notice, std::string_view problem)>;

  explicit ModelNotices(LogGivenUp log) : log_(std::move(log)) {}

  /// Keeps what a webhook is to be told of an event that has just got the next number of `job`.
  void Add(const model::Job& job, model::JobEvent event);

  void SetObserver(NoticeObserver* observer) override { observer_ = observer; }
  absl::StatusOr<std::vector<model::NoticeKey>> ListNotices(const model::NoticeKey& behind,
                                                            int32_t notices_max) const override;
  absl::StatusOr<model::Notice> GetNotice(const model::NoticeKey& notice) const override;
  absl::Status RemoveNotice(const model::NoticeKey& notice) override;
  absl::Status GiveUpNotice(const model::NoticeKey& notice, std::string_view problem) override;

 private:
  const LogGivenUp log_;
  NoticeObserver* observer_ = nullptr;
  mutable absl::Mutex mutex_;
  std::map<model::NoticeKey, model::Notice> notices_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::store
