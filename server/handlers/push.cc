#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/core/record_lines.h"
#include "server/handlers/chunk_content.h"
#include "server/handlers/cut_inputs.h"
#include "server/handlers/pipeline_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

absl::Status CheckForm(const v1::PushRequest& request) {
  const int forms = (request.has_inputs() ? 1 : 0) + (request.has_data() ? 1 : 0) + (request.chunks_size() > 0 ? 1 : 0);
  if (forms != 1) {
    return model::MakeError(
        model::Reason::kPushFormInvalid,
        absl::StrCat("expected exactly one of inputs, data and chunks, got ", forms == 0 ? "none" : "more than one"));
  }
  if (request.chunk_size() != 0 && !request.has_inputs()) {
    return model::FieldError("chunk_size", "goes with inputs only; the other forms cut their chunks themselves");
  }
  if (request.chunks_size() > model::kChunksPerPushMax) {
    return model::FieldError(
        "chunks", absl::StrCat("expected at most ", model::kChunksPerPushMax, ", got ", request.chunks_size()));
  }
  return absl::OkStatus();
}

/// The chunks of the forms `data` and `chunks`.
absl::StatusOr<std::vector<model::NewChunk>> TakeChunks(v1::PushRequest& request) {
  std::vector<model::NewChunk> chunks;
  if (request.has_data()) {
    absl::StatusOr<model::NewChunk> chunk = TakeChunkData("data", *request.mutable_data());
    if (!chunk.ok()) return chunk.status();
    chunks.push_back(*std::move(chunk));
    return chunks;
  }
  absl::flat_hash_set<std::string> ids;
  for (int i = 0; i < request.chunks_size(); ++i) {
    v1::Chunk& given = *request.mutable_chunks(i);
    const std::string field = absl::StrCat("chunks[", i, "]");
    if (!given.id().empty() && !ids.insert(given.id()).second) {
      return model::FieldError(field + ".id", absl::StrCat("'", given.id(), "' stands twice in this push"));
    }
    absl::StatusOr<model::NewChunk> chunk = TakeChunk(field, given);
    if (!chunk.ok()) return chunk.status();
    chunks.push_back(*std::move(chunk));
  }
  return chunks;
}

/// Names the chunks that came without id: after the request id, so that a second call names them alike.
void FillIds(const v1::PushRequest& request, model::IdGenerator& ids, std::vector<model::NewChunk>& chunks) {
  int number = 0;
  for (model::NewChunk& chunk : chunks) {
    ++number;
    if (!chunk.id.empty()) continue;
    chunk.id = request.request_id().empty() ? ids.Next() : absl::StrCat(request.request_id(), "-", number);
  }
}

absl::StatusOr<CutInputs> TakeInputs(v1::PushRequest& request, const model::JobKey& key, const Deps& deps) {
  if (request.has_inputs()) {
    const absl::StatusOr<model::JobPtr> job = deps.store.GetJob(key);
    if (!job.ok()) return job.status();
    return CutRecords(request, **job);
  }
  absl::StatusOr<std::vector<model::NewChunk>> chunks = TakeChunks(request);
  if (!chunks.ok()) return chunks.status();
  return CutInputs{.chunks = *std::move(chunks), .uncut = {}};
}

absl::StatusOr<store::PushReceipt> Store(const v1::PushRequest& request, const model::JobKey& key,
                                         std::vector<model::NewChunk> chunks, const Deps& deps) {
  FillIds(request, deps.ids, chunks);
  store::PushChunks push{.job = key, .chunks = std::move(chunks)};
  return store::Await<store::PushReceipt>([&](auto done) { deps.store.PushChunks(std::move(push), std::move(done)); });
}

}  // namespace

absl::StatusOr<v1::PushResponse> Push(v1::PushRequest& request, const Call& call, const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("pipeline_id", request.pipeline_id()); !status.ok()) return status;
  if (!request.request_id().empty()) {
    if (absl::Status status = model::ValidateId("request_id", request.request_id(), model::kPushRequestIdBytesMax);
        !status.ok()) {
      return status;
    }
  }
  if (absl::Status status = CheckForm(request); !status.ok()) return status;
  const model::JobKey key = call.job(request.pipeline_id());
  if (deps.activity != nullptr) deps.activity->OnUse(key);
  absl::StatusOr<CutInputs> inputs = TakeInputs(request, key, deps);
  if (!inputs.ok()) return inputs.status();
  absl::StatusOr<store::PushReceipt> receipt = Store(request, key, std::move(inputs->chunks), deps);
  if (inputs->uncut.has_value() && model::HasReason(receipt.status(), model::Reason::kChunkIdTaken)) {
    // The same push, cut otherwise than the first time?
    std::vector<model::NewChunk> again = CutAsStored(*inputs->uncut, receipt.status(), request.request_id(), key, deps);
    if (!again.empty()) receipt = Store(request, key, std::move(again), deps);
  }
  if (!receipt.ok()) return receipt.status();

  v1::PushResponse response;
  for (model::PushedChunk& chunk : receipt->chunks) *response.add_chunks() = ToProto(std::move(chunk));
  *response.mutable_status() =
      core::ToStatusProto(*receipt->job, deps.leases.running(receipt->job->key()), call.request_time, deps.clock.Now());
  return response;
}

}  // namespace millrace::handlers
