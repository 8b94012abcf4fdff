#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "storage/model/job_rules.h"
#include "tests/simulation/world/fault.h"
#include "tests/simulation/world/world.h"

namespace millrace::simulation {

using model::Job;
using model::JobState;

void World::WatchWaiting() {
  waiting_.clear();
  const std::vector<model::JobPtr> active = store_->ActiveJobs();
  for (const model::JobPtr& job : active) {
    const model::JobKey key = job->key();
    const model::JobOptions& options = job->options;
    // Only where there is no doubt: there is a chunk that was never handed out, and nothing at all in its way.
    const auto given = newest_given_.find(key);
    const int64_t newest = given == newest_given_.end() ? job->highest_committed : given->second;
    const bool waits = model::MayDispatch(job->state) && newest < job->last_sequence &&
                       job->output_buffer_used_bytes < options.output_buffer_bytes &&
                       scheduler_->in_flight(key) < options.max_workers &&
                       (options.max_workers > 1 || !IsBackingOff(key.job_id)) &&
                       options.throttle.delay_between_chunks == absl::ZeroDuration() && options.ordering_key.empty();
    if (waits) waiting_.emplace(key, Shares::Stay{options.priority, options.weight});
  }
  shares_->SetWaiting(waiting_);
}

std::vector<uint64_t> World::KeysOf(const std::string& chunk_id) {
  // One or two of six.
  uint64_t hash = 7;
  for (const char c : chunk_id) hash = hash * 31 + static_cast<unsigned char>(c);
  const uint64_t first = hash % 6;
  const uint64_t second = hash / 6 % 6;
  if (first == second) return {first};
  return {first, second};
}

void World::HoldKeys(const model::JobKey& job, int64_t sequence, const std::vector<uint64_t>& keys) {
  for (const uint64_t key : keys) {
    const auto [held, is_new] = keys_running_.emplace(std::pair(job, key), sequence);
    if (!is_new) Fault("chunks ", held->second, " and ", sequence, " of ", job.job_id, " run at once with one key");
  }
}

void World::CheckGrant(const core::Grant& grant) {
  const model::JobKey key = grant.job->key();
  const absl::StatusOr<model::JobPtr> found = store_->GetJob(key);
  if (!found.ok()) return Fault("a chunk of no job was handed out");
  const Job& job = **found;
  if (leases_.contains({key.job_id, grant.sequence})) {
    Fault("chunk ", grant.sequence, " of ", key.job_id, " was handed out twice");
  }
  if (grant.sequence < 1 || grant.sequence > job.last_sequence) {
    Fault("chunk ", grant.sequence, " of ", key.job_id, " was handed out; there are ", job.last_sequence);
  }
  if (!model::MayDispatch(job.state)) {
    Fault("a chunk of ", key.job_id, " was handed out, which is ", std::string(model::JobStateName(job.state)));
  }
  if (job.output_buffer_used_bytes >= job.options.output_buffer_bytes) {
    Fault("a chunk of ", key.job_id, " was handed out while its output buffer is full");
  }
  if (scheduler_->running(key) > job.options.max_workers) Fault("job ", key.job_id, " has too many workers");
  if (job.options.max_workers == 1 && scheduler_->in_flight(key) != 1) {
    Fault("job ", key.job_id, " runs in order and has more than one chunk on its way");
  }
  const auto backoff = backing_off_.find({key.job_id, grant.sequence});
  if (backoff != backing_off_.end()) {
    if (clock_.SteadyNanos() < backoff->second) Fault("chunk ", grant.sequence, " of ", key.job_id, " ran too early");
    backing_off_.erase(backoff);
  }
  if (waiting_.size() > 1) ++tally_.contested;
  for (const auto& [other, stay] : waiting_) {
    if (other.tenant == key.tenant && stay.priority > job.options.priority) {
      Fault("job ", other.job_id, " could run and was passed over for ", key.job_id, " of a lower priority");
    }
  }
  int64_t& newest = newest_given_[key];
  newest = std::max(newest, grant.sequence);
}

void World::CheckJob(const ClientJob& client) {
  const absl::StatusOr<model::JobPtr> found = store_->GetJob(client.key);
  if (!found.ok()) return Fault("job ", client.key.job_id, " is gone");
  const Job& job = **found;
  const model::JobCounters& counters = job.counters;
  const int64_t records_over = counters.records_completed + counters.records_failed + model::RecordsSkipped(job);
  if (records_over > counters.records_submitted) Fault("job ", job.id, " ended more records than it took");
  if (job.input_buffer_used_bytes < 0 || job.input_buffer_used_bytes > job.options.input_buffer_bytes) {
    Fault("the input buffer of ", job.id, " holds ", job.input_buffer_used_bytes, " bytes");
  }
  if (job.output_buffer_used_bytes < 0) Fault("the output buffer of ", job.id, " is negative");
  if (job.unacknowledged_records < 0) Fault("job ", job.id, " has unacknowledged records below 0");
  if (job.watermark > job.highest_committed || job.highest_committed > job.last_sequence) {
    Fault("the watermark of ", job.id, " is ahead of its chunks");
  }
  if (job.last_result != counters.chunks_completed) Fault("job ", job.id, " has other results than committed chunks");
  if (job.acknowledged_result > job.last_result) Fault("job ", job.id, " acknowledged results that do not exist");
  if (job.acknowledged_result < client.acknowledged) {
    Fault("job ", job.id, " has forgotten that ", client.acknowledged, " was acknowledged");
  }
}

void World::CheckEnd(const ClientJob& client) {
  CheckJob(client);
  const absl::StatusOr<model::JobPtr> found = store_->GetJob(client.key);
  if (!found.ok()) return;
  const Job& job = **found;
  if (!model::IsFinal(job.state)) return Fault("job ", job.id, " does not end");
  if (client.cancelled && job.state != JobState::kCancelled && !client.asked_take_up) {
    Fault("job ", job.id, " was cancelled and is not");
  }
  if (model::ChunksPending(job) != 0) Fault("job ", job.id, " has chunks pending at its end");
  if (job.state == JobState::kCompleted && model::ChunksSkipped(job) != 0) Fault("job ", job.id, " skipped chunks");
  tally_.skipped += model::RecordsSkipped(job);
  if (job.state == JobState::kFailed) ++tally_.failed_jobs;
  // A job that was taken up with its budget spent may have had nothing left to run.
  if (job.cancel_mode == model::CancelMode::kNone && !client.asked_take_up) CheckBudget(job);
  CheckResults(client, job);
}

void World::CheckBudget(const Job& job) {
  const int64_t failed = job.counters.records_failed;
  const int64_t through = failed + job.counters.records_completed;
  const bool too_many = through >= job.options.min_records_for_ratio && failed > 0 &&
                        static_cast<double>(failed) / static_cast<double>(through) > job.options.max_failed_ratio;
  const bool spent = too_many || (job.options.stop_on_error && failed > 0);
  // The commit that spends the budget is the last one.
  if (spent != (job.state == JobState::kFailed)) {
    Fault("job ", job.id, " with ", failed, " of ", through, " records failed is ",
          std::string(model::JobStateName(job.state)));
  }
}

void World::CheckResults(const ClientJob& client, const Job& job) {
  const auto results =
      store_->ReadResults(client.key, 0, std::numeric_limits<int32_t>::max(), std::numeric_limits<int64_t>::max());
  if (!results.ok()) return Fault("the results of ", job.id, " cannot be read");
  std::map<std::string, const ClientChunk*> chunks;
  for (const ClientChunk& chunk : client.chunks) chunks.emplace(chunk.content.id, &chunk);
  // One worker runs a chunk when the one before it is committed.
  // A job that was taken up fills its gaps behind what ran out a cancel.
  const bool in_order = (job.options.order_results && !client.asked_take_up) || job.options.max_workers == 1;
  const bool discarded = job.cancel_mode == model::CancelMode::kForce;

  std::set<std::string> done;
  int64_t records = 0;
  int64_t failed = 0;
  int64_t newest = 0;
  std::map<uint64_t, int64_t> by_key;
  for (const model::ChunkResult& result : *results) {
    const auto chunk = chunks.find(result.chunk_id);
    if (chunk == chunks.end()) return Fault("job ", job.id, " has a result of a chunk that nobody pushed");
    if (!done.insert(result.chunk_id).second) return Fault("chunk ", result.chunk_id, " of ", job.id, " ran twice");
    if (result.number != static_cast<int64_t>(done.size())) Fault("the results of ", job.id, " have a gap");
    const ClientChunk& pushed = *chunk->second;
    if (pushed.sequence != 0 && pushed.sequence != result.sequence) Fault("a chunk of ", job.id, " moved");
    if (result.record_count != pushed.content.record_count ||
        result.errors.size() != static_cast<size_t>(pushed.failing)) {
      Fault("chunk ", result.chunk_id, " of ", job.id, " has the outcome of another");
    }
    records += result.record_count;
    failed += pushed.failing;
    if (in_order && result.sequence <= newest) Fault("results of ", job.id, " are out of order");
    newest = result.sequence;
    if (job.options.ordering_key.empty()) continue;
    const std::vector<uint64_t> keys = KeysOf(result.chunk_id);
    for (const uint64_t key : keys) {
      int64_t& newest_of_key = by_key[key];
      if (result.sequence < newest_of_key) Fault("chunks of one key of ", job.id, " are out of order");
      newest_of_key = result.sequence;
    }
  }
  if (discarded) return;
  if (records != job.counters.records_completed + job.counters.records_failed ||
      failed != job.counters.records_failed) {
    Fault("the counters of ", job.id, " are not the sums of its results");
  }
  for (const ClientChunk& chunk : client.chunks) {
    if (chunk.sequence == 0 || done.contains(chunk.content.id)) continue;
    if (job.state != JobState::kCancelled && job.state != JobState::kFailed)
      Fault("chunk ", chunk.content.id, " of ", job.id, " is lost");
  }
  CheckExceptions(client, failed);
}

void World::CheckExceptions(const ClientJob& client, int64_t failed) {
  store::ListExceptionsQuery query{.job = client.key};
  query.page_size = std::numeric_limits<int32_t>::max();
  const auto exceptions = store_->ListExceptions(query);
  if (!exceptions.ok()) return Fault("the exceptions of ", client.key.job_id, " cannot be read");
  std::set<std::pair<int64_t, int32_t>> places;
  for (const model::RecordException& exception : exceptions->items) places.emplace(exception.sequence, exception.index);
  if (static_cast<int64_t>(places.size()) != failed || exceptions->items.size() != places.size()) {
    Fault("job ", client.key.job_id, " has ", exceptions->items.size(), " exceptions for ", failed, " failed records");
  }
}

}  // namespace millrace::simulation
