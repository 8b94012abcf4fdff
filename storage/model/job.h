// The durable record of one run. Plain data; the rules that change it are in job_rules.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "absl/time/time.h"
#include "storage/model/limits.h"
#include "storage/model/source.h"
#include "storage/model/worker_labels.h"

namespace millrace::model {

/// Names a job across tenants.
struct JobKey {
  std::string tenant;
  std::string job_id;

  friend bool operator==(const JobKey&, const JobKey&) = default;
  friend bool operator<(const JobKey& a, const JobKey& b) {
    return std::tie(a.tenant, a.job_id) < std::tie(b.tenant, b.job_id);
  }
  template <typename H>
  friend H AbslHashValue(H h, const JobKey& key) {
    return H::combine(std::move(h), key.tenant, key.job_id);
  }
};

/// How far a job has come. The numbers are stored and those of millrace.v1.JobState: never change them.
enum class JobState : int32_t {
  kCreated = 1,
  kInProgress = 2,
  kPaused = 3,
  kClosed = 4,
  kClosedByTimeout = 5,
  kCompleted = 6,
  kCompletedByTimeout = 7,
  kFailed = 8,
  kCancelled = 9,
};

/// How a completed job ended. Not stored: it follows from the counters. The numbers are millrace.v1.Outcome's.
enum class Outcome : int32_t { kNone = 0, kSucceeded = 1, kPartial = 2, kFailedAll = 3 };

/// What cancel does with chunks that run at that moment. Stored: never change the numbers.
enum class CancelMode : int32_t { kNone = 0, kDrain = 1, kForce = 2 };

struct JobMetadata {
  std::string name;
  std::string description;
  std::string project;
  std::vector<std::string> tags;
  std::string source_system;
  std::string correlation_id;
  std::string call_purpose;
};

/// How often a chunk is tried, and how long it waits in between. See millrace.v1.RetryPolicy.
struct RetryPolicy {
  int32_t max_attempts = kAttemptsDefault;
  absl::Duration initial_backoff = kRetryBackoffDefault;
  absl::Duration max_backoff = kRetryBackoffMaxDefault;
};

/// Holds a job back. Zero: not by this measure. See millrace.v1.Throttle.
struct Throttle {
  double records_per_second = 0;
  absl::Duration delay_between_chunks = absl::ZeroDuration();
};

/// Who is told of what happens to a job. See millrace.v1.Webhook.
struct Webhook {
  /// Empty: nobody.
  std::string url;
  /// The name of a secret of the server; empty: what is sent is not signed.
  std::string secret;
  bool tells_end = false;
  bool tells_pause = false;
  bool tells_first_exception = false;

  friend bool operator==(const Webhook&, const Webhook&) = default;
};

/// Limits and switches of a job, defaults filled in. See millrace.v1.JobOptions.
struct JobOptions {
  int32_t max_workers = 1;
  int64_t input_buffer_bytes = kInputBufferBytesDefault;
  int64_t output_buffer_bytes = kOutputBufferBytesDefault;
  absl::Duration record_timeout = kRecordTimeoutDefault;
  std::string unique_key;
  int32_t initial_workers = 1;
  RetryPolicy retry;
  double max_failed_ratio = 1.0;
  int64_t min_records_for_ratio = 0;
  bool stop_on_error = false;
  /// Zero: never.
  absl::Duration idle_timeout = kIdleTimeoutDefault;
  Throttle throttle;
  int32_t priority = 0;
  int32_t weight = kWeightDefault;
  bool order_results = false;
  /// The field of a record that holds its ordering key; empty: no order by key.
  std::string ordering_key;
  absl::Duration target_chunk_time = kTargetChunkTimeDefault;
  /// Labels that a worker must have to run the job, all of them.
  WorkerLabels worker_selector;
  Webhook webhook;
  /// How long a job that has ended is kept. Zero: for ever. See retention_rules.h.
  absl::Duration retention = absl::ZeroDuration();
  bool drop_unresolved_exceptions = false;
};

/// Sums over the life of a job. Each only grows, but those of records by what became of them: a record that is run again
/// counts by its latest outcome alone.
struct JobCounters {
  int64_t chunks_completed = 0;
  int64_t chunks_failed = 0;
  int64_t records_submitted = 0;
  int64_t records_completed = 0;
  int64_t records_failed = 0;
  int64_t input_bytes = 0;
  int64_t output_bytes = 0;
  int64_t compute_nanos = 0;
  int64_t chunks_retried = 0;
  int64_t records_retried = 0;
  int64_t records_discarded = 0;
  /// Records of committed chunks that stand for records of earlier ones.
  int64_t records_rerun = 0;
  /// Of `records_failed`: those about which a person was asked. They do not count against the error budget.
  int64_t records_held = 0;
  /// Of `records_rerun`: those that had succeeded.
  int64_t records_repeated = 0;
};

/// The record of a bulk run for which a job runs.
struct ParentRecord {
  /// The bulk run, and when that was created: its id may come to name another one. Empty: the job runs for none.
  std::string job_id;
  absl::Time job_create_time = absl::InfinitePast();
  /// The chunk of the record, and its index there.
  int64_t sequence = 0;
  int32_t index = 0;
  /// 1 for the first job that ran for this record, and one more each time it was tried again under the same chunk.
  int32_t attempt = 0;
  /// How many bulk runs stand above the job.
  int32_t depth = 0;

  friend bool operator==(const ParentRecord&, const ParentRecord&) = default;
};

struct Job {
  std::string tenant;
  std::string id;

  std::string service;
  std::string service_version;
  std::string service_id;
  std::string version_id;
  std::string config_hash;

  JobState state = JobState::kCreated;
  CancelMode cancel_mode = CancelMode::kNone;
  std::string state_reason;
  /// While the job is paused: the state that resuming leads back to (0: IN_PROGRESS), when it was paused, and why. Of
  /// any other job: 0, InfinitePast and empty.
  JobState resume_state{};
  absl::Time pause_time = absl::InfinitePast();
  std::string pause_reason;
  /// How often the job was resumed gradually: whoever sees it grow begins the ramp of the job anew.
  int64_t ramps = 0;

  JobMetadata metadata;
  JobOptions options;
  /// A JSON object; `{}` when there are none.
  std::string parameters_json = "{}";
  std::vector<std::string> selected_outputs;
  /// Empty when the creator gave none. `request_hash` tells whether it was the same request.
  std::string request_id;
  std::string request_hash;
  /// Kind kNone: callers push the records. `source_position` stays where it began then.
  JobSource source;
  ParentRecord parent;

  SourcePosition source_position;
  JobCounters counters;
  /// Chunks are numbered from 1 in push order; this is the newest.
  int64_t last_sequence = 0;
  /// Every chunk up to this one is committed. Dispatch after a restart begins behind it.
  int64_t watermark = 0;
  /// No chunk behind this one is committed; those between may be.
  int64_t highest_committed = 0;
  /// Pushed bytes that are not committed yet.
  int64_t input_buffer_used_bytes = 0;

  /// Results are numbered from 1 in commit order; this is the newest.
  int64_t last_result = 0;
  int64_t acknowledged_result = 0;
  /// Sums over the results that are not acknowledged yet.
  int64_t output_buffer_used_bytes = 0;
  int64_t unacknowledged_records = 0;

  std::string created_by;
  absl::Time create_time = absl::InfinitePast();
  absl::Time update_time = absl::InfinitePast();
  /// InfinitePast: has not happened.
  absl::Time start_time = absl::InfinitePast();
  absl::Time first_commit_time = absl::InfinitePast();
  absl::Time input_close_time = absl::InfinitePast();
  absl::Time complete_time = absl::InfinitePast();
  /// Events are numbered from 1; this is the newest. See job_event.h.
  int64_t last_event = 0;
  /// When retention took all rows away but those of the job itself and its events.
  absl::Time drop_time = absl::InfinitePast();
  /// The server instance that owns the job and the epoch of its run.
  std::string owner;
  int64_t owner_epoch = 0;

  JobKey key() const { return {tenant, id}; }
};

/// A job as it was at one moment. Shared between threads, never changed.
using JobPtr = std::shared_ptr<const Job>;

}  // namespace millrace::model
