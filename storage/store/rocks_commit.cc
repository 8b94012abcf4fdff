#include "storage/store/rocks_commit.h"

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
#include "storage/store/first_exception.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/rocks_rows.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using format::Family;
using model::Chunk;
using model::Job;
using model::JobPtr;

void WriteResult(Group& group, LaneJob* job, const Chunk& chunk, std::string_view body) {
  model::ChunkOutcome written_already;
  const model::ChunkResult result = model::MakeResult(*job->job, chunk, written_already);
  const std::string place = format::EncodeResultPlace(result);
  group.PutUnread(Family::kResults, format::ResultKey(job->job->key(), result.number),
                  std::array<std::string_view, 2>{body, place});
  job->new_results.emplace(result.number,
                           format::ResultPlace{result.cumulative_output_bytes, result.cumulative_records});
}

void WriteReplaced(Group& group, LaneJob* job, const Chunk& chunk, const PreparedCommit& prepared, CommitRows& rows) {
  if (rows.replaced.empty()) return;
  std::set<int32_t> failed;
  for (const model::RecordFailure& failure : prepared.commit.outcome.failures) failed.insert(failure.index);
  for (size_t i = 0; i < rows.replaced.size(); ++i) {
    model::Resolution& resolution = rows.replaced[i];
    const bool was_settled = model::IsSettled(resolution.state);
    const auto index = static_cast<int32_t>(i);
    model::SettleRerun(resolution, {chunk.sequence, index}, failed.contains(index));
    group.Put(Family::kExceptions, format::ResolutionKey(prepared.commit.job, chunk.replaces[i]),
              format::EncodeResolution(resolution));
    if (!was_settled) CountSettled(job, *rows.groups, resolution.fingerprint);
  }
}

}  // namespace

PreparedCommit PrepareCommit(model::ChunkCommit commit, Chunk chunk, absl::Time now) {
  // The rows speak of the chunk as its commit leaves it. What a job adds to a result comes later: see WriteResult.
  Chunk committed = chunk;
  committed.commit_time = now;
  committed.config_hash = commit.config_hash;
  committed.attempts = commit.attempt;
  PreparedExceptions exceptions(model::ExceptionsOf(committed, commit.outcome));
  model::RunStatistics statistics = model::StatisticsOf(committed, commit, now);
  const std::string payload = format::EncodePayload(commit.outcome.json_lines);
  model::ChunkResult result = model::MakeResult(Job{}, committed, commit.outcome);
  std::string body = format::EncodeResultBody(result, payload);
  // The rules of the commit count its bytes.
  commit.outcome.json_lines = std::move(result.json_lines);
  return {std::move(commit), std::move(chunk), std::move(body), std::move(exceptions), std::move(statistics)};
}

absl::StatusOr<std::vector<model::Resolution>> ReadReplaced(const Group& group, const model::JobKey& job,
                                                            const Chunk& chunk) {
  std::vector<model::Resolution> replaced;
  replaced.reserve(chunk.replaces.size());
  for (const model::RecordPlace& place : chunk.replaces) {
    const auto row = group.Get(Family::kExceptions, format::ResolutionKey(job, place));
    if (!row.ok()) return row.status();
    absl::StatusOr<model::Resolution> resolution = format::DecodeResolution(row->value_or(""));
    if (!resolution.ok()) return resolution.status();
    replaced.push_back(*std::move(resolution));
  }
  return replaced;
}

absl::StatusOr<CommitRows> ReadForCommit(Group& group, LaneJob* job, const PreparedCommit& prepared) {
  const absl::StatusOr<std::set<int64_t>*> ahead = group.Ahead(job);
  if (!ahead.ok()) return ahead.status();
  const absl::StatusOr<model::RunStatistics*> statistics = group.Statistics(job);
  if (!statistics.ok()) return statistics.status();
  CommitRows rows{.ahead = *ahead, .statistics = *statistics, .groups = nullptr, .replaced = {}, .event = {}};
  if (prepared.exceptions.empty() && prepared.chunk.replaces.empty()) return rows;
  const absl::StatusOr<GroupMap*> groups = group.ExceptionGroups(job);
  if (!groups.ok()) return groups.status();
  rows.groups = *groups;
  return rows;
}

absl::Status Commit(Group& group, LaneJob* job, std::shared_ptr<Job> changed, PreparedCommit& prepared, CommitRows rows,
                    int64_t epoch, absl::Time now) {
  const model::ChunkCommit& commit = prepared.commit;
  Chunk chunk = prepared.chunk;
  if (commit.sequence <= job->job->watermark || rows.ahead->contains(commit.sequence)) {
    chunk.state = model::ChunkState::kCommitted;
  }
  if (absl::Status applied = model::ApplyCommit(*changed, chunk, commit, epoch, now, model::DiscardsIn(rows.replaced));
      !applied.ok()) {
    return applied;
  }
  model::AdvanceWatermark(*changed, *rows.ahead, commit.sequence);
  if (rows.event.has_value()) group.AddEvent(*changed, *rows.event);
  const bool is_first = job->job->counters.records_failed == 0;
  group.ChangeJob(job, std::move(changed), rows.event.has_value() ? rows.event->by : "",
                  is_first ? FirstExceptionDetail(commit.sequence, commit.outcome.failures) : "");

  WriteResult(group, job, chunk, prepared.result_body);
  group.PutUnread(Family::kChunks, format::ChunkKey(commit.job, commit.sequence), format::EncodeChunk(chunk));
  rows.statistics->Merge(prepared.statistics);
  job->statistics_changed = true;
  if (!prepared.exceptions.empty()) prepared.exceptions.Write(group, job, rows.groups);
  WriteReplaced(group, job, chunk, prepared, rows);
  return absl::OkStatus();
}

void RocksJobStore::CommitChunk(model::ChunkCommit commit, Completion<JobPtr> done) {
  const absl::StatusOr<Chunk> chunk = FindChunk(commit.job, commit.sequence);
  if (!chunk.ok()) {
    lane_.Submit<JobPtr>(
        {}, [refused = chunk.status()](Group&) -> absl::StatusOr<JobPtr> { return refused; }, std::move(done));
    return;
  }
  const absl::Time now = clock_->Now();
  PreparedCommit prepared = PrepareCommit(std::move(commit), *chunk, now);
  const Passage passage{prepared.bytes()};
  lane_.Submit<JobPtr>(
      passage,
      [prepared = std::move(prepared), epoch = epoch_, now](Group& group) mutable -> absl::StatusOr<JobPtr> {
        const absl::StatusOr<LaneJob*> job = group.FindJob(prepared.commit.job);
        if (!job.ok()) return job.status();
        absl::StatusOr<CommitRows> rows = ReadForCommit(group, *job, prepared);
        if (!rows.ok()) return rows.status();
        absl::StatusOr<std::vector<model::Resolution>> replaced =
            ReadReplaced(group, prepared.commit.job, prepared.chunk);
        if (!replaced.ok()) return replaced.status();
        rows->replaced = *std::move(replaced);
        auto changed = std::make_shared<Job>(*(*job)->job);
        absl::Status committed = Commit(group, *job, std::move(changed), prepared, *std::move(rows), epoch, now);
        if (!committed.ok()) return committed;
        return (*job)->job;
      },
      std::move(done));
}

}  // namespace millrace::store
