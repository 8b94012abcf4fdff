#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/core/page_token.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"

namespace millrace::handlers {
namespace {

v1::ChunkInfo ToProto(const model::Chunk& chunk, bool skips_the_rest) {
  v1::ChunkInfo proto;
  proto.set_id(chunk.id);
  proto.set_sequence(chunk.sequence);
  proto.set_record_count(chunk.record_count);
  proto.set_input_size_bytes(chunk.input_bytes);
  *proto.mutable_push_time() = core::ToProto(chunk.push_time);
  for (const model::RecordRun& run : chunk.repeats.empty() ? model::RunsOf(chunk.replaces) : chunk.repeats) {
    *proto.add_replaces() = core::ToProto(run);
  }
  if (chunk.part.has_value()) proto.set_part(*chunk.part);
  if (chunk.state != model::ChunkState::kCommitted) {
    proto.set_state(skips_the_rest ? v1::CHUNK_STATE_SKIPPED : v1::CHUNK_STATE_PENDING);
    return proto;
  }
  proto.set_state(v1::CHUNK_STATE_COMMITTED);
  *proto.mutable_commit_time() = core::ToProto(chunk.commit_time);
  proto.set_attempts(chunk.attempts);
  proto.set_config_hash(chunk.config_hash);
  proto.set_result_number(chunk.result_number);
  return proto;
}

/// No chunk could be of such a part: that is a misunderstanding, and not an empty list.
absl::Status CheckPart(const model::Job& job, int64_t part) {
  if (job.source.sample.partitioning.rule == model::PartRule::kNone) {
    return model::FieldError("part", absl::StrCat("job ", job.id, " has no partitioning"));
  }
  return part >= 0 ? absl::OkStatus() : model::FieldError("part", absl::StrCat("expected 0 or more, got ", part));
}

}  // namespace

absl::StatusOr<v1::ListChunksResponse> ListChunks(const v1::ListChunksRequest& request, const Call& call,
                                                  const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  if (!request.config_hash().empty()) {
    if (absl::Status status = ValidateConfigHash("config_hash", request.config_hash()); !status.ok()) return status;
  }
  const absl::StatusOr<int32_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  const model::JobKey key = call.job(request.job_id());
  std::string list = absl::StrCat("ListChunks/", key.tenant, "/", key.job_id, "/", request.other_code_than_job(), "/",
                                  request.config_hash());
  if (request.has_part()) absl::StrAppend(&list, "/part/", request.part());
  const absl::StatusOr<std::string> token = core::OpenPageToken(list, request.page_token());
  if (!token.ok()) return token.status();
  const absl::StatusOr<model::JobPtr> job = deps.store.GetJob(key);
  if (!job.ok()) return job.status();

  store::ListChunksQuery query{.job = key, .chunks_max = *page_size};
  if (!token->empty() && !absl::SimpleAtoi(*token, &query.after)) query.after = 0;
  if (request.other_code_than_job()) query.other_than_hash = (*job)->config_hash;
  query.config_hash = request.config_hash();
  if (request.has_part()) {
    if (absl::Status checked = CheckPart(**job, request.part()); !checked.ok()) return checked;
    query.part = request.part();
  }
  const absl::StatusOr<store::ChunkList> found = deps.store.ListChunks(query);
  if (!found.ok()) return found.status();
  const bool skips_the_rest = model::EndedEarly(**job);
  v1::ListChunksResponse response;
  for (const model::Chunk& chunk : found->chunks) *response.add_chunks() = ToProto(chunk, skips_the_rest);
  if (found->next_after > 0) {
    response.set_next_page_token(core::SealPageToken(list, absl::StrCat(found->next_after)));
  }
  return response;
}

}  // namespace millrace::handlers
