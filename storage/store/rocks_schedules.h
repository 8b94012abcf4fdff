// The schedules of the RocksDB store. Reads run on the caller's thread and see what is durable; writes go through the
// commit lane of the jobs, and share its syncs.
#pragma once

#include "storage/engine/engine.h"
#include "storage/store/rocks_commit_lane.h"
#include "storage/store/schedule_store.h"

namespace millrace::store {

class RocksSchedules final : public ScheduleStore {
 public:
  /// Both must outlive the object.
  RocksSchedules(const engine::Engine* engine, CommitLane* lane) : engine_(engine), lane_(lane) {}

  void SetObserver(ScheduleObserver* observer) override { observer_ = observer; }
  absl::StatusOr<model::Schedule> CreateSchedule(const model::Schedule& schedule) override;
  absl::StatusOr<model::Schedule> ChangeSchedule(const model::ScheduleKey& key, Rule rule) override;
  absl::Status DeleteSchedule(const model::ScheduleKey& key) override;
  absl::StatusOr<model::Schedule> GetSchedule(const model::ScheduleKey& key) const override;
  absl::StatusOr<std::vector<model::Schedule>> ListSchedules(const std::string& tenant, std::string_view behind,
                                                             int32_t schedules_max) const override;
  absl::StatusOr<std::vector<model::ScheduleRun>> ListScheduleRuns(const model::ScheduleKey& key, int64_t before,
                                                                   int32_t runs_max) const override;
  absl::StatusOr<std::vector<model::ScheduleKey>> AllSchedules() const override;

 private:
  void Tell(const model::ScheduleKey& key) const {
    if (observer_ != nullptr) observer_->OnScheduleChanged(key);
  }

  const engine::Engine* const engine_;
  CommitLane* const lane_;
  ScheduleObserver* observer_ = nullptr;
};

}  // namespace millrace::store
