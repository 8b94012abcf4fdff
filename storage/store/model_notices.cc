#include "storage/store/model_notices.h"

#include "storage/store/store_errors.h"

namespace millrace::store {

using model::NoticeKey;

void ModelNotices::Add(const model::Job& job, model::JobEvent event) {
  if (!model::IsToBeTold(job, event)) return;
  event.number = job.last_event;
  const model::Notice notice = model::MakeNotice(job, event);
  {
    absl::MutexLock lock(&mutex_);
    notices_.emplace(notice.key(), notice);
  }
  if (observer_ != nullptr) observer_->OnNotice(notice.key());
}

absl::StatusOr<std::vector<NoticeKey>> ModelNotices::ListNotices(const NoticeKey& behind, int32_t notices_max) const {
  absl::MutexLock lock(&mutex_);
  std::vector<NoticeKey> listed;
  for (auto at = notices_.upper_bound(behind); at != notices_.end(); ++at) {
    if (listed.size() == static_cast<size_t>(notices_max)) break;
    listed.push_back(at->first);
  }
  return listed;
}

absl::StatusOr<model::Notice> ModelNotices::GetNotice(const NoticeKey& notice) const {
  absl::MutexLock lock(&mutex_);
  const auto found = notices_.find(notice);
  if (found == notices_.end()) return NoticeNotFound(notice);
  return found->second;
}

absl::Status ModelNotices::RemoveNotice(const NoticeKey& notice) {
  absl::MutexLock lock(&mutex_);
  notices_.erase(notice);
  return absl::OkStatus();
}

absl::Status ModelNotices::GiveUpNotice(const NoticeKey& notice, std::string_view problem) {
  {
    absl::MutexLock lock(&mutex_);
    if (notices_.erase(notice) == 0) return absl::OkStatus();
  }
  log_(notice, problem);
  return absl::OkStatus();
}

}  // namespace millrace::store
