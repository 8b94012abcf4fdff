// Values in which no field has its default, one for each kind of row.
#pragma once

#include <string>
#include <vector>

#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/model/job_event.h"
#include "storage/model/job_sums.h"
#include "storage/model/run_statistics.h"
#include "storage/model/schedule.h"
#include "storage/model/service_version.h"
#include "tests/support/factories.h"

namespace millrace::format {

inline model::Job SampleJob() {
  using millrace::testing::At;
  model::Job job;
  job.tenant = "tenant";
  job.id = "job-1";
  job.service = "demo/double";
  job.service_version = "1.2.0";
  job.service_id = "service-id";
  job.version_id = "version-id";
  job.config_hash = "config-hash";
  job.state = model::JobState::kClosedByTimeout;
  job.cancel_mode = model::CancelMode::kForce;
  job.state_reason = "reason";
  job.metadata = {"name", "description", "project", {"tag", "", "tag"}, "source", "correlation", "purpose"};
  job.options = {.max_workers = 7,
                 .input_buffer_bytes = 1,
                 .output_buffer_bytes = int64_t{1} << 40,
                 .record_timeout = absl::Milliseconds(1),
                 .unique_key = "unique",
                 .initial_workers = 3,
                 .retry = {9, absl::Milliseconds(2), absl::Seconds(3)},
                 .max_failed_ratio = 0.25,
                 .min_records_for_ratio = 11,
                 .stop_on_error = true,
                 .idle_timeout = absl::Seconds(4),
                 .throttle = {1.5, absl::Milliseconds(5)},
                 .priority = -6,
                 .weight = 8,
                 .order_results = true,
                 .ordering_key = "customer",
                 .target_chunk_time = absl::Milliseconds(10),
                 .worker_selector = {{"zone", "b"}}};
  job.parameters_json = R"({"rate":2})";
  job.selected_outputs = {"b", "a"};
  job.request_id = "request";
  job.request_hash = "request-hash";
  job.source = {.kind = model::SourceKind::kIds,
                .json_lines = "{\"id\":\"a\"}\n",
                .path = "/data/a.csv",
                .format = model::SourceFormat::kCsv,
                .size_bytes = 18,
                .modify_time = At(5),
                .first = -19,
                .count = 20,
                .field = "id",
                .connection = "lite",
                .query = "SELECT a, b FROM t",
                .key_columns = {"a", "b"},
                .sample = {.first = 21,
                           .every = 22,
                           .partitioning = {model::PartRule::kEvery, 80, {{0, 0}, {2, 81}}},
                           .continued = true},
                .chunk_size = 23,
                .estimated_records = 24};
  job.source_position = {.offset = 25,
                         .line = 26,
                         .key = {"i5", "t"},
                         .records = 27,
                         .chunks = 28,
                         .read_errors = 29,
                         .exhausted = true,
                         .rest = true};
  job.counters = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
  job.last_sequence = 9;
  job.watermark = 10;
  job.highest_committed = 11;
  job.input_buffer_used_bytes = 12;
  job.last_result = 13;
  job.acknowledged_result = 14;
  job.output_buffer_used_bytes = 15;
  job.unacknowledged_records = 16;
  job.created_by = "somebody";
  job.create_time = At(1);
  job.update_time = At(2) + absl::Nanoseconds(1);
  job.start_time = At(3);
  job.first_commit_time = At(4);
  job.input_close_time = absl::UnixEpoch();
  job.complete_time = absl::FromUnixNanos(-1);
  job.owner = "server-1";
  job.owner_epoch = 17;
  return job;
}

inline model::Chunk SampleChunk() {
  using millrace::testing::At;
  model::Chunk chunk;
  chunk.id = "chunk-1";
  chunk.sequence = 3;
  chunk.state = model::ChunkState::kCommitted;
  chunk.record_count = 300;
  chunk.input_bytes = 26'400;
  chunk.parameters_json = R"({"rate":3})";
  chunk.summary = {true, {{"energy", model::AggregationOperator::kMean}, {"", model::AggregationOperator::kSum}}};
  chunk.content_hash = "content-hash";
  chunk.push_time = At(1);
  chunk.commit_time = At(2);
  chunk.attempts = 2;
  chunk.config_hash = "config-hash";
  chunk.result_number = 5;
  chunk.replaces = {{1, 0}, {2, 299}};
  chunk.replaces_held = 1;
  chunk.part = 0;
  return chunk;
}

inline model::ChunkResult SampleResult() {
  model::ChunkResult result;
  result.number = 5;
  result.chunk_id = "chunk-1";
  result.sequence = 3;
  result.record_count = 4;
  result.json_lines = "{\"m\":1}\nnull\n{\"m\":2}\n{\"m\":3}\n";
  result.errors = {{1, "mass", "FAILED", "unknown size"}};
  result.warnings = {{0, "mass", "careful"}, {2, "", ""}};
  result.process_time_ns = {0, 1, int64_t{1} << 62, -1};
  result.summary = {{"m", model::AggregationOperator::kMax, true, 0.0, 3},
                    {"n", model::AggregationOperator::kMin, false, -0.0, 0},
                    {"o", model::AggregationOperator::kSum, true, -1.5e300, 3}};
  result.summary_error = "why not";
  result.config_hash = "config-hash";
  result.attempt = 2;
  result.cumulative_output_bytes = 1'000;
  result.cumulative_records = 50;
  result.part = int64_t{1} << 39;
  return result;
}

inline std::vector<model::RecordException> SampleExceptions() {
  model::RecordException exception;
  exception.sequence = 3;
  exception.index = 1;
  exception.chunk_id = "chunk-1";
  exception.input = std::string("{\"size\":\"\0\xff", 11);
  exception.node = "mass";
  exception.code = "FAILED";
  exception.message = "unknown size";
  exception.fingerprint = "0123456789abcdef";
  exception.config_hash = "config-hash";
  exception.create_time = millrace::testing::At(1);
  model::RecordException bare;
  bare.sequence = 3;
  return {bare, exception};
}

inline model::ExceptionGroup SampleGroup() {
  using millrace::testing::At;
  return {"0123456789abcdef", "mass", "FAILED", "unknown '…'", "config-hash", 12, At(1), At(2), "3-1",
          "unknown 'x'",      5};
}

inline model::JobEvent SampleEvent() {
  return {.number = 3,
          .time = millrace::testing::At(2),
          .kind = model::JobEventKind::kStateChanged,
          .by = "somebody",
          .from_state = model::JobState::kInProgress,
          .to_state = model::JobState::kPaused,
          .detail = "why"};
}

inline model::Resolution SampleResolution() {
  return {model::ExceptionState::kReplaced,
          model::ResolutionKind::kCorrectedInput,
          {9, 8},
          "somebody",
          millrace::testing::At(1),
          "note",
          "0123456789abcdef"};
}

inline model::RunStatistics SampleStatistics() {
  using millrace::testing::At;
  model::NodeStatistics busy{1, 2, 3, 4, 5, 6, 7, {}};
  for (const int64_t nanos : {int64_t{0}, int64_t{100}, int64_t{1} << 40}) busy.run_times.Add(nanos);
  return {
      .nodes = {{"mass", busy}, {"speed", {}}},
      .labels = {{"ADDED", 3}, {"UPDATED", 1}},
      .slowest = {{{3, 1}, "chunk-1", 900, "FAILED", {{"ADDED", 1}}, "server-1/thread-1"}, {{4, 0}, "", 1, "", {}, ""}},
      .workers = {{"server-1/thread-1", {1, 2, 3, 4, At(1), At(2)}}}};
}

inline model::ServiceVersion SampleVersion() {
  return {"tenant",     "demo/double", "1.0.0-rc.1",   "service-id", "version-id",
          "outputs: m", "config-hash", "what it does", "somebody",   millrace::testing::At(1)};
}

inline model::JobSums SampleSums() {
  return {.states = {{model::JobState::kCompleted, 2}, {model::JobState::kFailed, 1}},
          .outcomes = {{model::Outcome::kPartial, 2}},
          .records_submitted = 21,
          .records_pending = 1,
          .records_completed = 2,
          .records_failed = 3,
          .records_discarded = 7,
          .records_skipped = 8};
}

/// Every field of it is set.
inline model::Schedule SampleSchedule() {
  const auto at = [](int64_t seconds) { return absl::FromUnixSeconds(1'700'000'000 + seconds); };
  model::Schedule schedule;
  schedule.tenant = "acme";
  schedule.id = "nightly";
  schedule.uid = "uid";
  schedule.request_hash = "hash";
  schedule.created_by = "ann";
  schedule.create_time = at(1);
  schedule.definition = {.description = "what for",
                         .job_template = std::string("\0\xff", 2),
                         .recurrence = {.kind = model::RecurrenceKind::kCron,
                                        .cron = "0 2 * * *",
                                        .time_zone = "Europe/Berlin",
                                        .interval = absl::Minutes(5),
                                        .once = at(2),
                                        .start = at(3),
                                        .end = at(4)},
                         .overlap = model::OverlapPolicy::kQueue,
                         .catch_up = model::CatchUpPolicy::kAll};
  schedule.update_time = at(5);
  schedule.paused = true;
  schedule.pause_reason = "late";
  schedule.pause_time = at(6);
  schedule.next_fire_time = at(7);
  schedule.last_fire_time = at(8);
  schedule.last_run = 9;
  schedule.last_ended = {.number = 7,
                         .state = model::RunState::kCompleted,
                         .scheduled_time = at(9),
                         .triggered_by = "bob",
                         .missed = 3,
                         .job_id = "job",
                         .start_time = at(10),
                         .end_time = at(11),
                         .job_state = model::JobState::kCompleted,
                         .outcome = model::Outcome::kPartial,
                         .reason = model::Reason::kServiceNotFound,
                         .message = "why"};
  schedule.open = {schedule.last_ended, schedule.last_ended};
  schedule.open.front().state = model::RunState::kRunning;
  schedule.open.back().state = model::RunState::kQueued;
  schedule.counters = {.completed = 1, .skipped = 2, .refused = 3, .missed = 4};
  schedule.triggers = {{.request_id = "r", .run = 8}};
  return schedule;
}

}  // namespace millrace::format
