// Watches who gets the workers, beside the scheduler and without asking it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "storage/model/job.h"

namespace millrace::simulation {

/// Counts by how often others overtake a job that could run the whole time.
class Fairness {
 public:
  /// These jobs, and perhaps more, could start a chunk now. To be told at every moment at which that changes; the counts of
  /// a job start anew when it could not.
  void SetWaiting(const std::set<model::JobKey>& jobs);

  /// The job was given a chunk. Returns a job that was overtaken by it more than `overtaking_max` times since its own
  /// last chunk; empty when there is none.
  std::string OnGrant(const model::JobKey& job, int64_t overtaking_max);

  size_t waiting() const { return overtaken_.size(); }
  void Clear() { overtaken_.clear(); }

 private:
  /// For each job that waits: by whom it was overtaken since its own last chunk, and how often.
  std::map<model::JobKey, std::map<model::JobKey, int64_t>> overtaken_;
};

}  // namespace millrace::simulation
