// A scheduler with workers of its own and a time that jumps from event to event: what tests of shares and waits run.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>

#include "server/core/scheduler.h"

namespace millrace::core {

/// A job of 10^9 chunks that may use many workers.
inline model::Job EndlessJob(const std::string& tenant, const std::string& id) {
  model::Job job;
  job.tenant = tenant;
  job.id = id;
  job.state = model::JobState::kInProgress;
  job.options.max_workers = 1'000;
  job.options.initial_workers = 1'000;
  job.last_sequence = 1'000'000'000;
  return job;
}

class SchedulerWorld {
 public:
  using RunTime = std::function<absl::Duration(const model::Job&)>;

  /// `run_time` says how long the next chunk of a job runs.
  SchedulerWorld(int workers, RunTime run_time) : free_workers_(workers), run_time_(std::move(run_time)) {}

  void SetJob(model::Job job) {
    State& state = jobs_[job.key()];
    job.watermark = state.job.watermark;
    state.job = std::move(job);
    Tell(state);
  }

  /// Starts what can start; then goes to the next moment at which something ends or may start. Calls `ran` for a chunk
  /// that ends then. False when nothing will ever happen again.
  bool Step(const std::function<void(const model::Job&, absl::Duration)>& ran = {}) {
    while (free_workers_ > 0) {
      const std::optional<Grant> grant = scheduler.Next(now);
      if (!grant.has_value()) break;
      --free_workers_;
      ++grants[grant->job->key()];
      const absl::Duration duration = run_time_(*grant->job);
      ends_.emplace(now + duration, Running{grant->job->key(), grant->sequence, duration});
      scheduler.OnSized(grant->job->key(), grant->sequence, 1, now);
    }
    const absl::Time wake = free_workers_ > 0 ? scheduler.NextWake() : absl::InfiniteFuture();
    if (ends_.empty() || wake < ends_.begin()->first) {
      now = wake;
      return wake != absl::InfiniteFuture();
    }
    const auto [end, running] = *ends_.begin();
    ends_.erase(ends_.begin());
    now = end;
    ++free_workers_;
    scheduler.OnRan(running.job, running.sequence, now);
    scheduler.OnDone(running.job, running.sequence, now);
    State& state = jobs_[running.job];
    state.ahead.insert(running.sequence);
    while (!state.ahead.empty() && *state.ahead.begin() == state.job.watermark + 1) {
      ++state.job.watermark;
      state.ahead.erase(state.ahead.begin());
    }
    if (ran) ran(state.job, running.duration);
    Tell(state);
    return true;
  }

  Scheduler scheduler;
  absl::Time now = absl::UnixEpoch();
  std::map<model::JobKey, int64_t> grants;

 private:
  struct State {
    model::Job job;
    std::set<int64_t> ahead;
  };
  struct Running {
    model::JobKey job;
    int64_t sequence = 0;
    absl::Duration duration;
  };

  void Tell(const State& state) { scheduler.OnJobChanged(std::make_shared<const model::Job>(state.job), now); }

  int free_workers_;
  const RunTime run_time_;
  std::map<model::JobKey, State> jobs_;
  std::multimap<absl::Time, Running> ends_;
};

}  // namespace millrace::core
