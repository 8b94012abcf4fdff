#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/format/keys.h"
#include "storage/format/payload.h"
#include "storage/format/rows.h"
#include "storage/model/commit_rules.h"
#include "storage/model/job_rules.h"
#include "storage/model/retention_rules.h"
#include "storage/store/rocks_commit.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using format::Family;
using model::Chunk;
using model::Job;
using model::JobPtr;
using model::Resolution;
using model::ResolutionKind;

/// A request with all that can be made of it before its turn comes.
struct PreparedResolve {
  store::ResolveExceptions request;
  /// Of the exceptions.
  std::vector<ExceptionTraits> traits;
  std::string input_row;
  int64_t input_bytes = 0;
  size_t bytes = 0;
};

PreparedResolve Prepare(store::ResolveExceptions request, std::vector<ExceptionTraits> traits) {
  PreparedResolve prepared{.request = std::move(request), .traits = std::move(traits)};
  model::NewChunk& chunk = prepared.request.chunk;
  if (prepared.request.kind != ResolutionKind::kDiscard) {
    chunk.replaces = prepared.request.exceptions;
    chunk.replaces_held = static_cast<int32_t>(std::ranges::count(prepared.traits, true, &ExceptionTraits::held));
    prepared.input_bytes = static_cast<int64_t>(chunk.json_lines.size());
    prepared.input_row = format::EncodeInput(format::EncodePayload(chunk.json_lines), chunk.parameters_json,
                                             chunk.summary, chunk.answers);
  }
  prepared.bytes = prepared.input_row.size() + prepared.request.outputs_json_lines.size() +
                   prepared.traits.size() * (prepared.request.note.size() + 100);
  return prepared;
}

/// OK when all of them are unresolved.
absl::Status CheckUnresolved(const Group& group, const Job& job, const std::vector<model::RecordPlace>& exceptions) {
  for (const model::RecordPlace& place : exceptions) {
    const auto row = group.Get(Family::kExceptions, format::ResolutionKey(job.key(), place));
    if (!row.ok()) return row.status();
    if (!row->has_value()) continue;
    absl::StatusOr<Resolution> resolution = format::DecodeResolution(**row);
    if (!resolution.ok()) return resolution.status();
    resolution->state = model::StateOf(job, *resolution);
    if (resolution->state != model::ExceptionState::kUnresolved) {
      return ExceptionSettled(job.key(), place, *resolution);
    }
  }
  return absl::OkStatus();
}

std::vector<Resolution> MakeResolutions(const PreparedResolve& prepared, int64_t sequence, absl::Time now) {
  std::vector<Resolution> resolutions;
  resolutions.reserve(prepared.traits.size());
  for (size_t i = 0; i < prepared.traits.size(); ++i) {
    const ExceptionTraits& exception = prepared.traits[i];
    Resolution& resolution = resolutions.emplace_back(model::MakeResolution(
        prepared.request.kind, {sequence, static_cast<int32_t>(i)}, exception.fingerprint, exception.held, now));
    resolution.resolved_by = prepared.request.resolved_by;
    resolution.note = prepared.request.note;
    resolution.answer = prepared.request.answer;
  }
  return resolutions;
}

void WriteResolutions(Group& group, const PreparedResolve& prepared, const std::vector<Resolution>& resolutions) {
  for (size_t i = 0; i < resolutions.size(); ++i) {
    group.Put(Family::kExceptions, format::ResolutionKey(prepared.request.job, prepared.request.exceptions[i]),
              format::EncodeResolution(resolutions[i]));
  }
}

model::JobEvent EventOf(const store::ResolveExceptions& request, absl::Time now) {
  const auto count = static_cast<int64_t>(request.exceptions.size());
  model::JobEvent event = model::ResolutionEvent(request.kind, count, request.note, now);
  event.by = request.resolved_by;
  return event;
}

absl::StatusOr<JobPtr> Discard(Group& group, LaneJob* job, const PreparedResolve& prepared, absl::Time now) {
  const absl::StatusOr<GroupMap*> groups = group.ExceptionGroups(job);
  if (!groups.ok()) return groups.status();
  auto changed = std::make_shared<Job>(*job->job);
  for (const ExceptionTraits& exception : prepared.traits) {
    model::ApplyDiscard(*changed, exception.held, now);
    CountSettled(job, **groups, exception.fingerprint);
  }
  WriteResolutions(group, prepared, MakeResolutions(prepared, 0, now));
  group.AddEvent(*changed, EventOf(prepared.request, now));
  group.ChangeJob(job, std::move(changed), prepared.request.resolved_by);
  return job->job;
}

void WriteChunk(Group& group, const PreparedResolve& prepared, const Chunk& chunk) {
  const std::string key = format::ChunkKey(prepared.request.job, chunk.sequence);
  group.PutUnread(Family::kInputs, key, prepared.input_row);
  group.Put(Family::kIndex, format::ChunkIdKey(prepared.request.job, chunk.id),
            format::EncodeIndexedChunk({chunk.sequence, chunk.content_hash}));
}

absl::StatusOr<JobPtr> Resolve(Group& group, PreparedResolve& prepared, int64_t epoch, absl::Time now) {
  store::ResolveExceptions& request = prepared.request;
  const absl::StatusOr<LaneJob*> found = group.FindJob(request.job);
  if (!found.ok()) return found.status();
  LaneJob* const job = *found;
  if (absl::Status same = CheckSameJob(*job->job, request.job_create_time); !same.ok()) return same;
  if (absl::Status kept = model::CheckNotDropped(*job->job); !kept.ok()) return kept;
  if (absl::Status open = CheckUnresolved(group, *job->job, request.exceptions); !open.ok()) return open;
  if (absl::Status allowed = model::CheckResolution(*job->job, request.kind); !allowed.ok()) return allowed;
  if (request.kind == ResolutionKind::kDiscard) return Discard(group, job, prepared, now);

  auto changed = std::make_shared<Job>(*job->job);
  if (absl::Status applied = model::ApplyRerun(*changed, prepared.input_bytes, now); !applied.ok()) return applied;
  const Chunk chunk = model::MakeChunk(request.chunk, changed->last_sequence, now);
  std::vector<Resolution> resolutions = MakeResolutions(prepared, chunk.sequence, now);
  if (request.kind != ResolutionKind::kOutputs) {
    if (absl::Status free = group.CheckAtWorkAgain(*job->job, *changed); !free.ok()) return free;
    WriteResolutions(group, prepared, resolutions);
    WriteChunk(group, prepared, chunk);
    group.PutUnread(Family::kChunks, format::ChunkKey(request.job, chunk.sequence), format::EncodeChunk(chunk));
    group.AddEvent(*changed, EventOf(request, now));
    group.ChangeJob(job, std::move(changed), request.resolved_by);
    return job->job;
  }

  PreparedCommit commit =
      PrepareCommit(model::MakeOutputsCommit(request.job, chunk.sequence, epoch, std::move(request.outputs_json_lines),
                                             static_cast<int32_t>(request.exceptions.size())),
                    chunk, now);
  absl::StatusOr<CommitRows> rows = ReadForCommit(group, job, commit);
  if (!rows.ok()) return rows.status();
  rows->replaced = std::move(resolutions);
  rows->event = EventOf(request, now);
  absl::Status committed = Commit(group, job, std::move(changed), commit, *std::move(rows), epoch, now);
  if (!committed.ok()) return committed;
  WriteChunk(group, prepared, chunk);
  return job->job;
}

}  // namespace

absl::StatusOr<JobPtr> RocksJobStore::ResolveExceptions(store::ResolveExceptions request) {
  auto traits = Held(request.job, ReadTraits(*engine_, request.job, request.exceptions));
  if (!traits.ok()) return traits.status();
  PreparedResolve prepared = Prepare(std::move(request), *std::move(traits));
  const Passage passage{prepared.bytes};
  return Run<JobPtr>(passage, [&prepared, epoch = epoch_, now = clock_->Now()](Group& group) {
    return Resolve(group, prepared, epoch, now);
  });
}

}  // namespace millrace::store
