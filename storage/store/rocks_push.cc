#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/format/keys.h"
#include "storage/format/payload.h"
#include "storage/format/rows.h"
#include "storage/model/commit_rules.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/store/rocks_job_store_impl.h"
#include "storage/store/store_errors.h"

namespace millrace::store {
namespace {

using format::Family;
using model::NewChunk;

/// A chunk as it will be stored, whatever sequence it gets.
struct PreparedChunk {
  std::string id;
  int32_t record_count = 0;
  int64_t bytes = 0;
  std::string content_hash;
  std::string chunk_row;
  std::string input_row;
};

PreparedChunk Prepare(NewChunk pushed, absl::Time now) {
  const model::Chunk chunk = model::MakeChunk(pushed, 0, now);
  PreparedChunk prepared;
  prepared.record_count = chunk.record_count;
  prepared.bytes = chunk.input_bytes;
  prepared.content_hash = chunk.content_hash;
  prepared.chunk_row = format::EncodeChunk(chunk);
  prepared.input_row =
      format::EncodeInput(format::EncodePayload(pushed.json_lines), pushed.parameters_json, pushed.summary);
  prepared.id = std::move(pushed.id);
  return prepared;
}

/// What an earlier push stored under the id of `chunk`; nullopt when there was none.
absl::StatusOr<std::optional<format::IndexedChunk>> FindEarlier(const Group& group, const model::JobKey& job,
                                                                const PreparedChunk& chunk) {
  const auto row = group.Get(Family::kIndex, format::ChunkIdKey(job, chunk.id));
  if (!row.ok()) return row.status();
  if (!row->has_value()) return std::nullopt;
  absl::StatusOr<format::IndexedChunk> earlier = format::DecodeIndexedChunk(**row);
  if (!earlier.ok()) return earlier.status();
  if (earlier->content_hash == chunk.content_hash) return *std::move(earlier);
  model::Chunk stored;
  stored.id = chunk.id;
  stored.sequence = earlier->sequence;
  return ChunkIdTaken(stored);
}

absl::StatusOr<PushReceipt> Push(Group& group, const model::JobKey& key, const std::vector<PreparedChunk>& chunks,
                                 const std::optional<model::SourcePosition>& position, absl::Time now) {
  const absl::StatusOr<LaneJob*> found = group.FindJob(key);
  if (!found.ok()) return found.status();
  LaneJob* const job = *found;

  PushReceipt receipt;
  receipt.chunks.reserve(chunks.size());
  model::PushSize size;
  for (const PreparedChunk& chunk : chunks) {
    const auto earlier = FindEarlier(group, key, chunk);
    if (!earlier.ok()) return earlier.status();
    if (earlier->has_value()) {
      receipt.chunks.push_back({chunk.id, (*earlier)->sequence, chunk.record_count, true});
      continue;
    }
    size.chunks += 1;
    size.records += chunk.record_count;
    size.bytes += chunk.bytes;
    receipt.chunks.push_back({chunk.id, job->job->last_sequence + size.chunks, chunk.record_count, false});
  }

  auto changed = std::make_shared<model::Job>(*job->job);
  const absl::StatusOr<bool> applied = model::ApplyPush(*changed, size, now, position);
  if (!applied.ok()) return applied.status();
  if (*applied) group.ChangeJob(job, std::move(changed));
  for (size_t i = 0; i < chunks.size(); ++i) {
    const model::PushedChunk& pushed = receipt.chunks[i];
    if (pushed.duplicate) continue;
    const std::string chunk_key = format::ChunkKey(key, pushed.sequence);
    group.PutUnread(Family::kInputs, chunk_key, chunks[i].input_row);
    group.PutUnread(Family::kChunks, chunk_key, chunks[i].chunk_row);
    group.Put(Family::kIndex, format::ChunkIdKey(key, pushed.id),
              format::EncodeIndexedChunk({pushed.sequence, chunks[i].content_hash}));
  }
  receipt.job = job->job;
  return receipt;
}

}  // namespace

void RocksJobStore::PushChunks(store::PushChunks request, Completion<PushReceipt> done) {
  const absl::Time now = clock_->Now();
  std::vector<PreparedChunk> chunks;
  chunks.reserve(request.chunks.size());
  Passage passage;
  for (NewChunk& pushed : request.chunks) {
    const PreparedChunk& chunk = chunks.emplace_back(Prepare(std::move(pushed), now));
    passage.bytes += chunk.input_row.size() + chunk.chunk_row.size();
  }
  lane_.Submit<PushReceipt>(
      passage,
      [key = std::move(request.job), chunks = std::move(chunks), order = std::move(request.order),
       position = request.source_position, now](Group& group) -> absl::StatusOr<PushReceipt> {
        if (order != nullptr && order->broken) return PushOutOfOrder();
        absl::StatusOr<PushReceipt> receipt = Push(group, key, chunks, position, now);
        if (order != nullptr) NoteOutcome(*order, receipt.status());
        return receipt;
      },
      std::move(done));
}

}  // namespace millrace::store
