// The jobs that the RocksDB store keeps in memory: all that have not ended, and for the length of one group those that
// have but are asked for again (an acknowledgement, the last commits of a cancelled job). Of all others it keeps sums.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "storage/format/rows.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/store/rocks_sums.h"

namespace millrace::store {

/// By fingerprint.
using GroupMap = std::map<std::string, model::ExceptionGroup>;

/// A job as the commit lane works on it.
struct LaneJob {
  /// As it is on disk; null until it is there for the first time.
  model::JobPtr durable;
  /// As the units of the present group leave it.
  model::JobPtr job;

  // Read from disk when a commit first needs them, and changed in place: a group that fails drops them.

  /// The sequences that are committed beyond the watermark.
  std::optional<std::set<int64_t>> ahead;
  std::optional<model::RunStatistics> statistics;
  std::optional<GroupMap> groups;

  // What the present group did.

  bool touched = false;
  /// By number: results that are not on disk yet.
  std::map<int64_t, format::ResultPlace> new_results;

  // What it has to write besides the job.

  bool definition_changed = false;
  bool statistics_changed = false;
  std::set<std::string> changed_groups;
};

/// The lane changes it; any thread may read what is published.
class JobTable {
 public:
  /// `unfinished` are all jobs that have not ended, `ended` the sums over all that have.
  JobTable(const std::vector<model::JobPtr>& unfinished, EndedSumsMap ended);

  // For any thread.

  /// A job that has not ended, as it is on disk; null for any other.
  model::JobPtr FindActive(const model::JobKey& key) const;
  std::vector<model::JobPtr> Active() const;
  /// Over all jobs of a tenant at one moment, by service.
  model::ServiceSums Sums(const std::string& tenant) const;

  // For the lane alone.

  /// Null when the job is not in the table.
  LaneJob* Find(const model::JobKey& key);
  /// REQUIRES: the job is not in the table. The pointer stays until the job is settled.
  LaneJob* Add(const model::JobKey& key, model::JobPtr durable);
  /// Sums over the jobs of a service that have ended, as they are on disk.
  model::JobSums EndedSums(const format::TenantService& service) const;
  /// Takes what is in `jobs` as durable, publishes it with the sums that came of it, and lets go of jobs that have ended.
  void Settle(const std::vector<LaneJob*>& jobs, const EndedSumsMap& ended);
  /// Goes back to what is durable.
  void Revert(const std::vector<LaneJob*>& jobs);
  /// All jobs of the table that have not ended.
  std::vector<model::JobPtr> Unfinished() const;

 private:
  // The lane's own.
  absl::flat_hash_map<model::JobKey, std::unique_ptr<LaneJob>> jobs_;

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<model::JobKey, model::JobPtr> published_ ABSL_GUARDED_BY(mutex_);
  EndedSumsMap ended_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::store
