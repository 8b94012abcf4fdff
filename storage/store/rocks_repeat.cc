#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/format/keys.h"
#include "storage/format/payload.h"
#include "storage/format/rows.h"
#include "storage/model/commit_rules.h"
#include "storage/model/job_event.h"
#include "storage/model/job_rules.h"
#include "storage/model/retention_rules.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/rocks_rows.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using format::Family;
using model::Chunk;
using model::Job;
using model::JobKey;
using model::JobPtr;

/// A request with all that can be made of it before its turn comes.
struct PreparedRepeat {
  store::RepeatRecords request;
  /// The chunk whose records are repeated.
  int64_t sequence = 0;
  std::string input_row;
};

PreparedRepeat Prepare(store::RepeatRecords request) {
  const model::NewChunk& chunk = request.chunk;
  std::string input_row =
      format::EncodeInput(format::EncodePayload(chunk.json_lines), chunk.parameters_json, chunk.summary, chunk.answers);
  const int64_t sequence = chunk.repeats.front().sequence;
  return {std::move(request), sequence, std::move(input_row)};
}

void Write(Group& group, const PreparedRepeat& prepared, std::vector<int64_t> repeats, const Chunk& chunk) {
  const JobKey& job = prepared.request.job;
  const std::string key = format::ChunkKey(job, chunk.sequence);
  repeats.push_back(chunk.sequence);
  group.Put(Family::kIndex, format::RepeatsKey(job, prepared.sequence), format::EncodeRepeats(repeats));
  group.Put(Family::kIndex, format::ChunkIdKey(job, chunk.id),
            format::EncodeIndexedChunk({chunk.sequence, chunk.content_hash}));
  group.PutUnread(Family::kInputs, key, prepared.input_row);
  group.PutUnread(Family::kChunks, key, format::EncodeChunk(chunk));
}

absl::StatusOr<JobPtr> Repeat(Group& group, const PreparedRepeat& prepared, absl::Time now) {
  const store::RepeatRecords& request = prepared.request;
  const absl::StatusOr<LaneJob*> job = group.FindJob(request.job);
  if (!job.ok()) return job.status();
  if (absl::Status same = CheckSameJob(*(*job)->job, request.job_create_time); !same.ok()) return same;
  if (absl::Status kept = model::CheckNotDropped(*(*job)->job); !kept.ok()) return kept;
  const auto row = group.Get(Family::kIndex, format::RepeatsKey(request.job, prepared.sequence));
  if (!row.ok()) return row.status();
  absl::StatusOr<std::vector<int64_t>> repeats = format::DecodeRepeats(row->value_or(""));
  if (!repeats.ok()) return repeats.status();
  if (repeats->size() != static_cast<size_t>(request.repeats_seen)) return JobPtr();

  auto changed = std::make_shared<Job>(*(*job)->job);
  const auto bytes = static_cast<int64_t>(request.chunk.json_lines.size());
  if (absl::Status applied = model::ApplyRerun(*changed, bytes, now); !applied.ok()) return applied;
  if (absl::Status free = group.CheckAtWorkAgain(*(*job)->job, *changed); !free.ok()) return free;
  Write(group, prepared, *std::move(repeats), model::MakeChunk(request.chunk, changed->last_sequence, now));
  if (!request.event.empty()) {
    model::JobEvent event = model::RepetitionEvent(request.event, now);
    event.by = request.by;
    group.AddEvent(*changed, event);
  }
  group.ChangeJob(*job, std::move(changed), request.by);
  return (*job)->job;
}

}  // namespace

absl::StatusOr<JobPtr> RocksJobStore::RepeatRecords(store::RepeatRecords request) {
  const PreparedRepeat prepared = Prepare(std::move(request));
  const Passage passage{prepared.input_row.size()};
  return Run<JobPtr>(passage, [&prepared, now = clock_->Now()](Group& group) { return Repeat(group, prepared, now); });
}

absl::StatusOr<std::vector<Chunk>> RocksJobStore::ListRepeats(const JobKey& key, int64_t sequence) const {
  const auto row = engine_->Get(At(Family::kIndex), format::RepeatsKey(key, sequence));
  if (!row.ok()) return row.status();
  if (!row->has_value()) return Held<std::vector<Chunk>>(key, std::vector<Chunk>());
  const absl::StatusOr<std::vector<int64_t>> repeats = format::DecodeRepeats(**row);
  if (!repeats.ok()) return repeats.status();
  std::vector<Chunk> chunks;
  chunks.reserve(repeats->size());
  for (const int64_t repeat : *repeats) {
    absl::StatusOr<Chunk> chunk = FindChunk(key, repeat);
    if (!chunk.ok()) return chunk.status();
    chunks.push_back(*std::move(chunk));
  }
  return chunks;
}

}  // namespace millrace::store
