// What jobs get of the workers while they compete for them, kept beside the scheduler without asking it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "storage/model/job.h"

namespace millrace::simulation {

/// Follows each pair of jobs of one tenant and one priority for as long as both can certainly start a chunk: running time by
/// weight must not drift apart further than chunks on their way explain.
class Shares {
 public:
  explicit Shares(int64_t workers) : workers_(workers) {}

  /// What makes a job a competitor of another one, and its share.
  struct Stay {
    int32_t priority = 0;
    int32_t weight = 1;

    friend bool operator==(const Stay&, const Stay&) = default;
  };

  /// The jobs that can certainly start a chunk now. Who was not among them, or stayed otherwise, begins anew.
  void SetWaiting(const std::map<model::JobKey, Stay>& waiting);

  void OnStart(const model::JobKey& job, int64_t sequence, int64_t now_nanos);

  /// A worker is free again, whatever came of the chunk. Says what is unfair, if anything.
  std::string OnEnd(const model::JobKey& job, int64_t sequence, int64_t now_nanos);

  /// How often two were compared that had got so much together that one alone would have been a fault.
  int64_t compared() const { return compared_; }

 private:
  struct Pair {
    Stay first_stay;
    Stay second_stay;
    /// Nanoseconds by weight that each got meanwhile.
    double first = 0;
    double second = 0;
  };

  std::string Judge(const std::pair<model::JobKey, model::JobKey>& jobs, const Pair& pair);

  const int64_t workers_;
  std::map<std::pair<model::JobKey, model::JobKey>, Pair> pairs_;
  std::map<std::pair<model::JobKey, int64_t>, int64_t> started_;
  /// Of all chunks so far: one that was charged before a pair began may still be made up for.
  int64_t longest_nanos_ = 0;
  int64_t compared_ = 0;
};

}  // namespace millrace::simulation
