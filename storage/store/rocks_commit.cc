#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "storage/format/keys.h"
#include "storage/format/payload.h"
#include "storage/format/rows.h"
#include "storage/model/commit_rules.h"
#include "storage/model/job_rules.h"
#include "storage/store/rocks_exceptions.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/rocks_rows.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using format::Family;
using model::Chunk;
using model::Job;
using model::JobPtr;

/// An outcome in the form in which it is stored, as far as that does not depend on its place among the results.
struct PreparedCommit {
  model::ChunkCommit commit;
  /// As the push left it.
  Chunk chunk;
  std::string result_body;
  PreparedExceptions exceptions;
};

PreparedCommit Prepare(model::ChunkCommit commit, Chunk chunk, absl::Time now) {
  // The rows speak of the chunk as its commit leaves it. What a job adds to a result comes later: see WriteResult.
  Chunk committed = chunk;
  committed.commit_time = now;
  committed.config_hash = commit.config_hash;
  committed.attempts = commit.attempt;
  PreparedExceptions exceptions(model::ExceptionsOf(committed, commit.outcome));
  const std::string payload = format::EncodePayload(commit.outcome.json_lines);
  model::ChunkResult result = model::MakeResult(Job{}, committed, commit.outcome);
  std::string body = format::EncodeResultBody(result, payload);
  // The rules of the commit count its bytes.
  commit.outcome.json_lines = std::move(result.json_lines);
  return {std::move(commit), std::move(chunk), std::move(body), std::move(exceptions)};
}

void WriteResult(Group& group, LaneJob* job, const Chunk& chunk, std::string_view body) {
  model::ChunkOutcome written_already;
  const model::ChunkResult result = model::MakeResult(*job->job, chunk, written_already);
  const std::string place = format::EncodeResultPlace(result);
  group.PutUnread(Family::kResults, format::ResultKey(job->job->key(), result.number),
                  std::array<std::string_view, 2>{body, place});
  job->new_results.emplace(result.number,
                           format::ResultPlace{result.cumulative_output_bytes, result.cumulative_records});
}

absl::StatusOr<JobPtr> Commit(Group& group, PreparedCommit& prepared, int64_t epoch, absl::Time now) {
  const model::ChunkCommit& commit = prepared.commit;
  const absl::StatusOr<LaneJob*> found = group.FindJob(commit.job);
  if (!found.ok()) return found.status();
  LaneJob* const job = *found;
  const absl::StatusOr<std::set<int64_t>*> ahead = group.Ahead(job);
  if (!ahead.ok()) return ahead.status();
  const absl::StatusOr<model::NodeStatisticsMap*> statistics = group.Statistics(job);
  if (!statistics.ok()) return statistics.status();
  GroupMap* groups = nullptr;
  if (!prepared.exceptions.empty()) {
    const absl::StatusOr<GroupMap*> loaded = group.ExceptionGroups(job);
    if (!loaded.ok()) return loaded.status();
    groups = *loaded;
  }

  Chunk chunk = prepared.chunk;
  if (commit.sequence <= job->job->watermark || (*ahead)->contains(commit.sequence)) {
    chunk.state = model::ChunkState::kCommitted;
  }
  auto changed = std::make_shared<Job>(*job->job);
  if (absl::Status applied = model::ApplyCommit(*changed, chunk, commit, epoch, now); !applied.ok()) return applied;
  model::AdvanceWatermark(*changed, **ahead, commit.sequence);
  group.ChangeJob(job, std::move(changed));

  WriteResult(group, job, chunk, prepared.result_body);
  group.PutUnread(Family::kChunks, format::ChunkKey(commit.job, commit.sequence), format::EncodeChunk(chunk));
  model::MergeNodeStatistics(**statistics, commit.outcome.nodes);
  job->statistics_changed = true;
  if (groups != nullptr) prepared.exceptions.Write(group, job, groups);
  return job->job;
}

}  // namespace

void RocksJobStore::CommitChunk(model::ChunkCommit commit, Completion<JobPtr> done) {
  const absl::StatusOr<Chunk> chunk = FindChunk(commit.job, commit.sequence);
  if (!chunk.ok()) {
    lane_.Submit<JobPtr>(
        {}, [refused = chunk.status()](Group&) -> absl::StatusOr<JobPtr> { return refused; }, std::move(done));
    return;
  }
  const absl::Time now = clock_->Now();
  PreparedCommit prepared = Prepare(std::move(commit), *chunk, now);
  const Passage passage{prepared.result_body.size() + prepared.exceptions.bytes()};
  lane_.Submit<JobPtr>(
      passage,
      [prepared = std::move(prepared), epoch = epoch_, now](Group& group) mutable {
        return Commit(group, prepared, epoch, now);
      },
      std::move(done));
}

}  // namespace millrace::store
