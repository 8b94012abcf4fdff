// The notices of the RocksDB store. Groups write them; see rocks_group.h.
#pragma once

#include "storage/engine/engine.h"
#include "storage/model/clock.h"
#include "storage/store/notice_store.h"
#include "storage/store/rocks_commit_lane.h"

namespace millrace::store {

class RocksNotices final : public NoticeStore {
 public:
  /// All must outlive the object.
  RocksNotices(const engine::Engine* engine, CommitLane* lane, const model::Clock* clock)
      : engine_(engine), lane_(lane), clock_(clock) {}

  void SetObserver(NoticeObserver* observer) override { lane_->SetNoticeObserver(observer); }
  absl::StatusOr<std::vector<model::NoticeKey>> ListNotices(const model::NoticeKey& behind,
                                                            int32_t notices_max) const override;
  absl::StatusOr<model::Notice> GetNotice(const model::NoticeKey& notice) const override;
  absl::Status RemoveNotice(const model::NoticeKey& notice) override;
  absl::Status GiveUpNotice(const model::NoticeKey& notice, std::string_view problem) override;

 private:
  const engine::Engine* const engine_;
  CommitLane* const lane_;
  const model::Clock* const clock_;
};

}  // namespace millrace::store
