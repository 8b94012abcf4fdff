#include "storage/store/rocks_notices.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "storage/format/keys.h"
#include "storage/format/notice_rows.h"
#include "storage/model/errors.h"
#include "storage/store/rocks_rows.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using format::Family;
using model::NoticeKey;

/// The job that a notice tells of, where that still exists.
absl::StatusOr<LaneJob*> FindTold(Group& group, const NoticeKey& notice) {
  LaneJob* const gone = nullptr;
  const absl::StatusOr<LaneJob*> job = group.FindJob(notice.job);
  if (model::HasReason(job.status(), model::Reason::kPipelineNotFound)) return gone;
  if (!job.ok()) return job.status();
  return (*job)->job->create_time == notice.job_create_time ? *job : gone;
}

}  // namespace

absl::StatusOr<std::vector<NoticeKey>> RocksNotices::ListNotices(const NoticeKey& behind, int32_t notices_max) const {
  std::vector<NoticeKey> notices;
  const auto cursor = Scan(*engine_, Family::kIndex, format::NoticesBehind(behind));
  for (; cursor->valid() && notices.size() < static_cast<size_t>(notices_max); cursor->Next()) {
    std::optional<NoticeKey> notice = format::ParseNotice(cursor->key());
    if (!notice.has_value()) return CorruptKey();
    notices.push_back(*std::move(notice));
  }
  if (absl::Status walked = cursor->status(); !walked.ok()) return walked;
  return notices;
}

absl::StatusOr<model::Notice> RocksNotices::GetNotice(const NoticeKey& notice) const {
  const auto row = engine_->Get(At(Family::kIndex), format::NoticeRowKey(notice));
  if (!row.ok()) return row.status();
  if (!row->has_value()) return NoticeNotFound(notice);
  return format::DecodeNotice(notice.number, **row);
}

absl::Status RocksNotices::RemoveNotice(const NoticeKey& notice) {
  const auto verb = [&notice](Group& group) -> absl::StatusOr<bool> {
    group.Delete(Family::kIndex, format::NoticeRowKey(notice));
    return true;
  };
  return Await<bool>([&](Completion<bool> done) { lane_->Submit<bool>({}, verb, std::move(done)); }).status();
}

absl::Status RocksNotices::GiveUpNotice(const NoticeKey& notice, std::string_view problem) {
  const auto verb = [&notice, problem, now = clock_->Now()](Group& group) -> absl::StatusOr<bool> {
    const std::string key = format::NoticeRowKey(notice);
    const auto row = group.Get(Family::kIndex, key);
    if (!row.ok()) return row.status();
    if (!row->has_value()) return false;
    const absl::StatusOr<LaneJob*> job = FindTold(group, notice);
    if (!job.ok()) return job.status();
    group.Delete(Family::kIndex, key);
    if (*job == nullptr) return true;
    auto changed = std::make_shared<model::Job>(*(*job)->job);
    group.AddEvent(*changed, model::GivenUpEvent(notice.number, problem, now));
    group.ChangeJob(*job, std::move(changed));
    return true;
  };
  return Await<bool>([&](Completion<bool> done) { lane_->Submit<bool>({}, verb, std::move(done)); }).status();
}

}  // namespace millrace::store
