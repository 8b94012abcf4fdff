#include "storage/store/model_job.h"

#include <algorithm>

#include "storage/model/commit_rules.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"
#include "storage/model/retention_rules.h"
#include "storage/store/store_errors.h"

namespace millrace::store {

using model::Chunk;
using model::ChunkResult;
using model::ExceptionGroup;
using model::Job;
using model::NewChunk;
using model::RecordException;
using model::RecordPlace;

ModelJob::ModelJob(Job job) : job_(std::make_shared<const Job>(std::move(job))) {
  model::JobEvent created = model::CreationEvent(*job_);
  created.number = job_->last_event;
  events_.emplace(created.number, std::move(created));
}

absl::StatusOr<PushReceipt> ModelJob::Push(std::vector<NewChunk> chunks,
                                           const std::optional<model::SourcePosition>& position, absl::Time now) {
  PushReceipt receipt;
  model::PushSize size;
  std::vector<StoredChunk> new_chunks;
  for (NewChunk& pushed : chunks) {
    const auto known = sequence_by_chunk_id_.find(pushed.id);
    if (known != sequence_by_chunk_id_.end()) {
      const Chunk& row = chunks_.at(known->second).row;
      if (row.content_hash != model::ContentHash(pushed)) return ChunkIdTaken(row);
      receipt.chunks.push_back({row.id, row.sequence, row.record_count, true});
      continue;
    }
    size.chunks += 1;
    size.records += pushed.record_count;
    size.bytes += static_cast<int64_t>(pushed.json_lines.size());
    Chunk row = model::MakeChunk(pushed, job_->last_sequence + size.chunks, now);
    receipt.chunks.push_back({row.id, row.sequence, row.record_count, false});
    new_chunks.push_back({std::move(row), std::move(pushed.json_lines)});
  }

  Job job = *job_;
  const absl::StatusOr<bool> applied = model::ApplyPush(job, size, now, position);
  if (!applied.ok()) return applied.status();
  if (*applied) Replace(std::move(job));
  for (StoredChunk& chunk : new_chunks) {
    const int64_t sequence = chunk.row.sequence;
    sequence_by_chunk_id_.emplace(chunk.row.id, sequence);
    chunks_.emplace(sequence, std::move(chunk));
  }
  receipt.job = job_;
  return receipt;
}

absl::Status ModelJob::Commit(model::ChunkCommit commit, int64_t store_epoch, absl::Time now) {
  const auto found = chunks_.find(commit.sequence);
  if (found == chunks_.end()) return ChunkNotFound(job_->key(), commit.sequence);
  Chunk& chunk = found->second.row;
  Job job = *job_;
  const model::Discards discards = model::DiscardsIn(ReplacedBy(chunk));
  if (absl::Status applied = model::ApplyCommit(job, chunk, commit, store_epoch, now, discards); !applied.ok()) {
    return applied;
  }
  model::AdvanceWatermark(job, committed_ahead_, commit.sequence);
  for (RecordException& exception : model::ExceptionsOf(chunk, commit.outcome)) KeepException(std::move(exception));
  SettleReplaced(chunk);
  statistics_.Merge(model::StatisticsOf(chunk, commit, now));
  results_.emplace(chunk.result_number, model::MakeResult(job, chunk, commit.outcome));
  Replace(std::move(job));
  return absl::OkStatus();
}

std::vector<model::Resolution> ModelJob::ReplacedBy(const Chunk& chunk) const {
  std::vector<model::Resolution> replaced;
  replaced.reserve(chunk.replaces.size());
  for (const RecordPlace& place : chunk.replaces) replaced.push_back(exceptions_.at(place).resolution);
  return replaced;
}

// What its chunk replaces is resolved, or, where the chunk has an exception of its own, replaced by that.
void ModelJob::SettleReplaced(const Chunk& chunk) {
  for (size_t i = 0; i < chunk.replaces.size(); ++i) {
    model::Resolution& resolution = exceptions_.at(chunk.replaces[i]).resolution;
    if (!model::IsSettled(resolution.state)) groups_.at(resolution.fingerprint).settled_count += 1;
    const RecordPlace rerun{chunk.sequence, static_cast<int32_t>(i)};
    model::SettleRerun(resolution, rerun, exceptions_.contains(rerun));
  }
}

absl::Status ModelJob::Resolve(store::ResolveExceptions request, int64_t store_epoch, absl::Time now, MayBe may_be) {
  if (absl::Status same = CheckSameJob(*job_, request.job_create_time); !same.ok()) return same;
  if (absl::Status kept = model::CheckNotDropped(*job_); !kept.ok()) return kept;
  for (const RecordPlace& place : request.exceptions) {
    if (!exceptions_.contains(place)) return ExceptionNotFound(job_->key(), place);
  }
  for (const RecordPlace& place : request.exceptions) {
    const model::Resolution& resolution = exceptions_.at(place).resolution;
    if (model::StateOf(*job_, resolution) != model::ExceptionState::kUnresolved) {
      return ExceptionSettled(job_->key(), place, resolution);
    }
  }
  if (absl::Status allowed = model::CheckResolution(*job_, request.kind); !allowed.ok()) return allowed;

  Job job = *job_;
  Chunk row;
  if (request.kind == model::ResolutionKind::kDiscard) {
    for (const RecordPlace& place : request.exceptions) model::ApplyDiscard(job, exceptions_.at(place).held, now);
  } else {
    request.chunk.replaces = request.exceptions;
    for (const RecordPlace& place : request.exceptions) {
      if (exceptions_.at(place).held) ++request.chunk.replaces_held;
    }
    const auto bytes = static_cast<int64_t>(request.chunk.json_lines.size());
    if (absl::Status applied = model::ApplyRerun(job, bytes, now); !applied.ok()) return applied;
    row = model::MakeChunk(request.chunk, job.last_sequence, now);
  }
  if (request.kind != model::ResolutionKind::kDiscard && request.kind != model::ResolutionKind::kOutputs) {
    if (absl::Status allowed = may_be(job); !allowed.ok()) return allowed;
  }
  for (size_t i = 0; i < request.exceptions.size(); ++i) {
    RecordException& exception = exceptions_.at(request.exceptions[i]);
    exception.resolution = model::MakeResolution(request.kind, {row.sequence, static_cast<int32_t>(i)},
                                                 exception.fingerprint, exception.held, now);
    exception.resolution.resolved_by = request.resolved_by;
    exception.resolution.note = request.note;
    exception.resolution.answer = request.answer;
    if (request.kind == model::ResolutionKind::kDiscard) groups_.at(exception.fingerprint).settled_count += 1;
  }
  Replace(std::move(job));
  if (request.kind == model::ResolutionKind::kDiscard) return absl::OkStatus();
  const int64_t sequence = row.sequence;
  Store(std::move(row), std::move(request.chunk.json_lines));
  if (request.kind != model::ResolutionKind::kOutputs) return absl::OkStatus();
  return Commit(model::MakeOutputsCommit(job_->key(), sequence, store_epoch, std::move(request.outputs_json_lines),
                                         static_cast<int32_t>(request.exceptions.size())),
                store_epoch, now);
}

void ModelJob::Store(Chunk row, std::string payload) {
  const int64_t sequence = row.sequence;
  sequence_by_chunk_id_.emplace(row.id, sequence);
  chunks_.emplace(sequence, StoredChunk{std::move(row), std::move(payload)});
}

absl::StatusOr<bool> ModelJob::Repeat(store::RepeatRecords request, absl::Time now, MayBe may_be) {
  if (absl::Status same = CheckSameJob(*job_, request.job_create_time); !same.ok()) return same;
  if (absl::Status kept = model::CheckNotDropped(*job_); !kept.ok()) return kept;
  const int64_t repeated = request.chunk.repeats.front().sequence;
  const auto known = repeats_.find(repeated);
  const size_t count = known == repeats_.end() ? 0 : known->second.size();
  if (count != static_cast<size_t>(request.repeats_seen)) return false;
  Job job = *job_;
  const auto bytes = static_cast<int64_t>(request.chunk.json_lines.size());
  if (absl::Status applied = model::ApplyRerun(job, bytes, now); !applied.ok()) return applied;
  if (absl::Status allowed = may_be(job); !allowed.ok()) return allowed;
  repeats_[repeated].push_back(job.last_sequence);
  Chunk row = model::MakeChunk(request.chunk, job.last_sequence, now);
  Store(std::move(row), std::move(request.chunk.json_lines));
  Replace(std::move(job));
  return true;
}

absl::StatusOr<std::vector<Chunk>> ModelJob::ListRepeats(int64_t sequence) const {
  std::vector<Chunk> chunks;
  const auto known = repeats_.find(sequence);
  if (known == repeats_.end()) return chunks;
  for (const int64_t repeat : known->second) chunks.push_back(*FindChunk(repeat));
  return chunks;
}

void ModelJob::Drop(absl::Time now) {
  std::vector<ExceptionGroup> groups;
  groups.reserve(groups_.size());
  for (const auto& [fingerprint, group] : groups_) groups.push_back(group);
  Job job = *job_;
  model::ApplyDrop(job, now);
  Replace(std::move(job));
  for (model::JobEvent& event : model::DropEvents(groups, now)) AddEvent(std::move(event));
  chunks_.clear();
  sequence_by_chunk_id_.clear();
  results_.clear();
  exceptions_.clear();
  groups_.clear();
  repeats_.clear();
  statistics_ = {};
}

void ModelJob::AddEvent(model::JobEvent event) {
  Job job = *job_;
  event.number = ++job.last_event;
  events_.emplace(event.number, std::move(event));
  events_.erase(job.last_event - model::kJobEventsMax);
  Replace(std::move(job));
}

void ModelJob::KeepException(RecordException exception) {
  auto group = groups_.find(exception.fingerprint);
  if (group == groups_.end()) {
    const bool full = groups_.size() >= static_cast<size_t>(model::kExceptionGroupsPerJobMax);
    if (full) exception.fingerprint = std::string(model::kOtherFingerprint);
    ExceptionGroup fresh = full ? model::MakeOtherGroup() : model::MakeGroup(exception);
    group = groups_.try_emplace(exception.fingerprint, std::move(fresh)).first;
  }
  model::AddToGroup(group->second, exception);
  exceptions_.emplace(exception.place(), std::move(exception));
}

absl::Status ModelJob::Apply(Rule rule, MayBe may_be) {
  Job job = *job_;
  const absl::StatusOr<bool> changed = rule(job);
  if (!changed.ok()) return changed.status();
  if (!*changed) return absl::OkStatus();
  if (absl::Status allowed = may_be(job); !allowed.ok()) return allowed;
  Replace(std::move(job));
  return absl::OkStatus();
}

absl::Status ModelJob::Close(absl::Time now) {
  return Apply([&](Job& job) { return model::ApplyClose(job, now); });
}

absl::Status ModelJob::Cancel(std::string_view reason, bool force, absl::Time now) {
  return Apply([&](Job& job) {
    absl::StatusOr<bool> changed = model::ApplyCancel(job, reason, force, now);
    if (force && changed.ok() && *changed) {
      for (auto& [sequence, chunk] : chunks_) chunk.payload.reset();
      results_.erase(results_.upper_bound(job.acknowledged_result), results_.end());
    }
    return changed;
  });
}

absl::Status ModelJob::Fail(std::string_view reason, absl::Time now) {
  return Apply([&](Job& job) { return model::ApplyFail(job, reason, now); });
}

absl::Status ModelJob::CloseIdle(const model::JobPtr& seen, absl::Time now) {
  return Apply([&](Job& job) { return job_ == seen && model::ApplyIdle(job, now); });
}

absl::Status ModelJob::Pause(std::string_view reason, absl::Time now) {
  return Apply([&](Job& job) { return model::ApplyPause(job, reason, now); });
}

absl::Status ModelJob::Resume(bool ramp, absl::Time now) {
  return Apply([&](Job& job) { return model::ApplyResume(job, ramp, now); });
}

absl::Status ModelJob::Continue(absl::Time now, MayBe may_be) {
  return Apply([&](Job& job) { return model::ApplyContinue(job, now); }, may_be);
}

absl::Status ModelJob::TakeUp(const Job& seen, absl::Time now, MayBe may_be) {
  if (!model::IsSameEnd(seen, *job_)) return absl::OkStatus();
  return Apply([&](Job& job) { return model::ApplyTakeUp(job, now); }, may_be);
}

absl::Status ModelJob::Update(const model::JobUpdate& update, absl::Time now) {
  return Apply([&](Job& job) { return model::ApplyUpdate(job, update, now); });
}

absl::Status ModelJob::Acknowledge(int64_t cursor, std::string_view cursor_field, absl::Time now) {
  Job job = *job_;
  if (absl::Status checked = model::CheckCursor(job, cursor, cursor_field); !checked.ok()) return checked;
  if (!model::WouldAcknowledge(job, cursor)) return absl::OkStatus();
  int64_t output_bytes = 0;
  int64_t records = 0;
  for (int64_t number = job.acknowledged_result + 1; number <= cursor; ++number) {
    const ChunkResult& result = results_.at(number);
    output_bytes += static_cast<int64_t>(result.json_lines.size());
    records += result.record_count;
  }
  model::ApplyAcknowledge(job, cursor, output_bytes, records, now);
  Replace(std::move(job));
  return absl::OkStatus();
}

}  // namespace millrace::store
