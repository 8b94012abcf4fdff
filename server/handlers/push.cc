#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/core/record_lines.h"
#include "server/handlers/chunk_content.h"
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

absl::StatusOr<std::vector<model::NewChunk>> CutInputs(v1::PushRequest& request) {
  const auto chunk_size =
      InRange("chunk_size", request.chunk_size(), 1, model::kChunkRecordsMax, model::kChunkRecordsDefault);
  if (!chunk_size.ok()) return chunk_size.status();
  absl::StatusOr<core::RecordLines> lines = TakeRecords("inputs", *request.mutable_inputs());
  if (!lines.ok()) return lines.status();
  if (lines->count > model::kChunksPerPushMax * *chunk_size) {
    return model::FieldError("inputs", absl::StrCat("expected at most ", model::kChunksPerPushMax, " chunks of ",
                                                    *chunk_size, " records in one push, got ", lines->count,
                                                    " records; push in parts or raise chunk_size"));
  }
  std::vector<model::NewChunk> chunks;
  for (core::RecordLines& part : core::CutEvenly(*std::move(lines), *chunk_size)) {
    if (absl::Status status = CheckChunkSize("inputs", part); !status.ok()) return status;
    model::NewChunk& chunk = chunks.emplace_back();
    chunk.record_count = static_cast<int32_t>(part.count);
    chunk.json_lines = std::move(part.bytes);
  }
  return chunks;
}

absl::StatusOr<std::vector<model::NewChunk>> TakeChunks(v1::PushRequest& request) {
  if (request.has_inputs()) return CutInputs(request);
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
  absl::StatusOr<std::vector<model::NewChunk>> chunks = TakeChunks(request);
  if (!chunks.ok()) return chunks.status();
  FillIds(request, deps.ids, *chunks);

  if (deps.activity != nullptr) deps.activity->OnUse(call.job(request.pipeline_id()));
  store::PushChunks push{.job = call.job(request.pipeline_id()), .chunks = *std::move(chunks)};
  absl::StatusOr<store::PushReceipt> receipt =
      store::Await<store::PushReceipt>([&](auto done) { deps.store.PushChunks(std::move(push), std::move(done)); });
  if (!receipt.ok()) return receipt.status();

  v1::PushResponse response;
  for (model::PushedChunk& chunk : receipt->chunks) *response.add_chunks() = ToProto(std::move(chunk));
  *response.mutable_status() =
      core::ToStatusProto(*receipt->job, deps.leases.running(receipt->job->key()), call.request_time, deps.clock.Now());
  return response;
}

}  // namespace millrace::handlers
