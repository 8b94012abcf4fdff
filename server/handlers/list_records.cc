#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/core/page_token.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1);
    lines.push_back(text.substr(0, text[end] == '\n' ? end : end + 1));
    text.remove_prefix(end + 1);
  }
  return lines;
}

/// Reads the records of a job chunk by chunk, each with its latest outcome.
class RecordLister {
 public:
  RecordLister(const v1::ListRecordsRequest& request, model::JobPtr job, const Deps& deps)
      : request_(request), job_(std::move(job)), key_(job_->key()), deps_(deps) {}

  /// Adds the records of a chunk that the request asks for. Nothing for a chunk whose records stand for others.
  absl::Status AddChunk(int64_t sequence, v1::ListRecordsResponse& response) {
    absl::StatusOr<model::Chunk> chunk = deps_.store.FindChunk(key_, sequence);
    if (!chunk.ok()) return chunk.status();
    if (!chunk->replaces.empty()) return absl::OkStatus();
    std::vector<v1::Record> records(static_cast<size_t>(chunk->record_count));
    for (int32_t i = 0; i < chunk->record_count; ++i) {
      v1::Record& record = records[static_cast<size_t>(i)];
      record.set_sequence(sequence);
      record.set_index(i);
      record.set_chunk_id(chunk->id);
    }
    if (absl::Status filled = FillOutcomes(*chunk, records); !filled.ok()) return filled;
    if (absl::Status filled = FillInputs(sequence, records); !filled.ok()) return filled;
    for (v1::Record& record : records) {
      if (IsWanted(record.state())) *response.add_records() = std::move(record);
    }
    return absl::OkStatus();
  }

 private:
  bool IsWanted(v1::RecordState state) const {
    return request_.states().empty() ||
           std::find(request_.states().begin(), request_.states().end(), state) != request_.states().end();
  }

  absl::Status FillOutcomes(const model::Chunk& chunk, std::vector<v1::Record>& records) {
    if (chunk.state != model::ChunkState::kCommitted) {
      const bool skipped = model::ChunksSkipped(*job_) > 0;
      for (v1::Record& record : records) {
        record.set_state(skipped ? v1::RECORD_STATE_SKIPPED : v1::RECORD_STATE_PENDING);
      }
      return absl::OkStatus();
    }
    absl::StatusOr<std::optional<model::ChunkResult>> result = ReadResult(chunk.result_number);
    if (!result.ok()) return result.status();
    if (!result->has_value()) {
      for (v1::Record& record : records) record.set_state(v1::RECORD_STATE_LOST);
      return absl::OkStatus();
    }
    const std::vector<std::string_view> lines = LinesOf((*result)->json_lines);
    auto error = (*result)->errors.begin();
    for (size_t i = 0; i < records.size() && i < lines.size(); ++i) {
      if (error != (*result)->errors.end() && error->index == static_cast<int32_t>(i)) {
        ++error;
        absl::Status followed = Follow({chunk.sequence, static_cast<int32_t>(i)}, records[i]);
        if (!followed.ok()) return followed;
      } else {
        Complete(**result, lines[i], records[i]);
      }
    }
    return absl::OkStatus();
  }

  /// From the exception of a record to what became of it.
  absl::Status Follow(model::RecordPlace place, v1::Record& record) {
    for (;;) {
      absl::StatusOr<model::RecordException> exception = deps_.store.GetException(key_, place);
      if (!exception.ok()) return exception.status();
      const model::Resolution& resolution = exception->resolution;
      if (resolution.state == model::ExceptionState::kReplaced) {
        place = resolution.rerun;
        continue;
      }
      if (resolution.state == model::ExceptionState::kResolved) return CompleteFrom(resolution.rerun, record);
      const bool discarded = resolution.state == model::ExceptionState::kDiscarded;
      record.set_state(discarded ? v1::RECORD_STATE_DISCARDED : v1::RECORD_STATE_FAILED);
      record.set_exception_id(model::ExceptionId(place.sequence, place.index));
      record.set_node(exception->node);
      record.set_code(exception->code);
      record.set_message(exception->message);
      record.set_config_hash(exception->config_hash);
      return absl::OkStatus();
    }
  }

  absl::Status CompleteFrom(const model::RecordPlace& rerun, v1::Record& record) {
    // Records that are run again together lie together.
    if (rerun.sequence != rerun_sequence_) {
      const absl::StatusOr<model::Chunk> chunk = deps_.store.FindChunk(key_, rerun.sequence);
      if (!chunk.ok()) return chunk.status();
      absl::StatusOr<std::optional<model::ChunkResult>> result = ReadResult(chunk->result_number);
      if (!result.ok()) return result.status();
      rerun_result_ = *std::move(result);
      rerun_lines_ = rerun_result_.has_value() ? LinesOf(rerun_result_->json_lines) : std::vector<std::string_view>();
      rerun_sequence_ = rerun.sequence;
    }
    const auto index = static_cast<size_t>(rerun.index);
    if (index < rerun_lines_.size()) {
      Complete(*rerun_result_, rerun_lines_[index], record);
    } else {
      record.set_state(v1::RECORD_STATE_LOST);
    }
    return absl::OkStatus();
  }

  static void Complete(const model::ChunkResult& result, std::string_view outputs, v1::Record& record) {
    record.set_state(v1::RECORD_STATE_COMPLETED);
    record.set_outputs(std::string(outputs));
    record.set_config_hash(result.config_hash);
    record.set_result_number(result.number);
  }

  /// nullopt where a forced cancel has discarded it.
  absl::StatusOr<std::optional<model::ChunkResult>> ReadResult(int64_t number) const {
    absl::StatusOr<std::vector<model::ChunkResult>> results =
        deps_.store.ReadResults(key_, number - 1, 1, std::numeric_limits<int64_t>::max());
    if (!results.ok()) return results.status();
    if (results->empty() || results->front().number != number) return std::nullopt;
    return std::move(results->front());
  }

  absl::Status FillInputs(int64_t sequence, std::vector<v1::Record>& records) {
    if (!request_.with_input()) return absl::OkStatus();
    const absl::StatusOr<model::ChunkInput> input = deps_.store.ReadChunk(key_, sequence);
    if (model::HasReason(input.status(), model::Reason::kPipelineNotFound)) return absl::OkStatus();
    if (!input.ok()) return input.status();
    const std::vector<std::string_view> lines = LinesOf(input->json_lines);
    for (size_t i = 0; i < records.size() && i < lines.size(); ++i) records[i].set_input(std::string(lines[i]));
    return absl::OkStatus();
  }

  const v1::ListRecordsRequest& request_;
  const model::JobPtr job_;
  const model::JobKey key_;
  const Deps& deps_;
  // The chunk of records that were run again which was read last.
  int64_t rerun_sequence_ = 0;
  std::optional<model::ChunkResult> rerun_result_;
  std::vector<std::string_view> rerun_lines_;
};

absl::Status CheckStates(const v1::ListRecordsRequest& request) {
  for (int i = 0; i < request.states_size(); ++i) {
    if (v1::RecordState_IsValid(request.states(i)) && request.states(i) != v1::RECORD_STATE_UNSPECIFIED) continue;
    return model::FieldError(absl::StrCat("states[", i, "]"), "expected a state of a record");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::ListRecordsResponse> ListRecords(const v1::ListRecordsRequest& request, const Call& call,
                                                    const Deps& deps) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  const absl::StatusOr<int32_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  if (absl::Status status = CheckStates(request); !status.ok()) return status;
  const std::string list = absl::StrCat("ListRecords/", call.principal.tenant, "/", request.job_id(), "/",
                                        absl::StrJoin(request.states(), ","), "/", request.with_input());
  const absl::StatusOr<std::string> token = core::OpenPageToken(list, request.page_token());
  if (!token.ok()) return token.status();
  int64_t sequence = 1;
  if (!token->empty() && !absl::SimpleAtoi(*token, &sequence)) {
    return model::MakeError(model::Reason::kPageTokenInvalid, "page_token was not made by this method");
  }

  absl::StatusOr<model::JobPtr> job = deps.store.GetJob(call.job(request.job_id()));
  if (!job.ok()) return job.status();
  const int64_t last = (*job)->last_sequence;
  RecordLister lister(request, *std::move(job), deps);
  v1::ListRecordsResponse response;
  // So many chunks are looked at for one page, however few of their records are wanted.
  const int64_t end = std::min(last + 1, sequence + model::kListedChunksMax);
  for (size_t bytes = 0; sequence < end; ++sequence) {
    const int before = response.records_size();
    if (absl::Status added = lister.AddChunk(sequence, response); !added.ok()) return added;
    for (int i = before; i < response.records_size(); ++i) bytes += response.records(i).ByteSizeLong();
    if (response.records_size() >= *page_size || bytes >= static_cast<size_t>(model::kReplyBytesTarget)) {
      ++sequence;
      break;
    }
  }
  if (sequence <= last) response.set_next_page_token(core::SealPageToken(list, absl::StrCat(sequence)));
  return response;
}

}  // namespace millrace::handlers
