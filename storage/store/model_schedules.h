// The schedules of the model store: plain maps.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/store/schedule_store.h"

namespace millrace::store {

class ModelSchedules final : public ScheduleStore {
 public:
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
  struct Stored {
    model::Schedule schedule;
    /// By number.
    std::map<int64_t, model::ScheduleRun> ended;
  };

  void Tell(const model::ScheduleKey& key) const {
    if (observer_ != nullptr) observer_->OnScheduleChanged(key);
  }

  ScheduleObserver* observer_ = nullptr;
  mutable absl::Mutex mutex_;
  std::map<model::ScheduleKey, Stored> schedules_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::store
