// The scheduler as the simulation calls it: the one file to change when its calls do.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "server/core/scheduler.h"
#include "storage/model/clock.h"

namespace millrace::simulation {

class SchedulerPort {
 public:
  explicit SchedulerPort(const model::Clock& clock) : clock_(clock) {}

  void OnJobChanged(const model::JobPtr& job) { scheduler_.OnJobChanged(job, Now()); }
  std::optional<core::Grant> Next() { return scheduler_.Next(Now()); }
  bool OnKeys(const model::JobKey& job, int64_t sequence, std::vector<uint64_t> keys) {
    return scheduler_.OnKeys(job, sequence, std::move(keys), Now());
  }
  void OnParked(const model::JobKey& job, int64_t sequence) { scheduler_.OnParked(job, sequence, Now()); }
  void OnSized(const model::JobKey& job, int64_t sequence, int64_t records) {
    scheduler_.OnSized(job, sequence, records, Now());
  }
  void OnRan(const model::JobKey& job, int64_t sequence) { scheduler_.OnRan(job, sequence, Now()); }
  void OnDone(const model::JobKey& job, int64_t sequence) { scheduler_.OnDone(job, sequence, Now()); }
  void OnReturned(const model::JobKey& job, int64_t sequence, absl::Duration backoff) {
    scheduler_.OnReturned(job, sequence, Now() + backoff, Now());
  }
  /// How long until Next may have something that it has not now; nothing when only an event can bring it.
  std::optional<absl::Duration> UntilWake() const {
    const absl::Time wake = scheduler_.NextWake();
    if (wake == absl::InfiniteFuture()) return std::nullopt;
    return wake - Now();
  }
  int32_t running(const model::JobKey& job) const { return scheduler_.running(job); }
  int64_t in_flight(const model::JobKey& job) const { return scheduler_.in_flight(job); }
  int64_t in_flight() const { return scheduler_.in_flight(); }

 private:
  absl::Time Now() const { return absl::FromUnixNanos(clock_.SteadyNanos()); }

  const model::Clock& clock_;
  core::Scheduler scheduler_;
};

}  // namespace millrace::simulation
