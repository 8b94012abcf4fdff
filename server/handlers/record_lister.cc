#include "server/handlers/record_lister.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/record_lines.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"

namespace millrace::handlers {

absl::Status CheckStates(const RecordStates& states) {
  for (int i = 0; i < states.size(); ++i) {
    if (v1::RecordState_IsValid(states[i]) && states[i] != v1::RECORD_STATE_UNSPECIFIED) continue;
    return model::FieldError(absl::StrCat("states[", i, "]"), "expected a state of a record");
  }
  return absl::OkStatus();
}

bool IsWanted(const RecordStates& states, v1::RecordState state) {
  return states.empty() || std::find(states.begin(), states.end(), state) != states.end();
}

absl::StatusOr<std::vector<RecordLister::Listed>> RecordLister::ReadChunk(const model::Chunk& chunk) {
  if (!chunk.replaces.empty()) return std::vector<Listed>();
  std::vector<Listed> records(static_cast<size_t>(chunk.record_count));
  for (int32_t i = 0; i < chunk.record_count; ++i) {
    v1::Record& record = records[static_cast<size_t>(i)].record;
    record.set_sequence(chunk.sequence);
    record.set_index(i);
    record.set_chunk_id(chunk.id);
  }
  if (absl::Status filled = FillOutcomes(chunk, records); !filled.ok()) return filled;
  return records;
}

absl::Status RecordLister::FillInputs(int64_t sequence, std::vector<Listed>& records) const {
  if (records.empty()) return absl::OkStatus();
  const absl::StatusOr<model::ChunkInput> input = deps_.store.ReadChunk(key_, sequence);
  if (model::HasReason(input.status(), model::Reason::kPipelineNotFound)) return absl::OkStatus();
  if (!input.ok()) return input.status();
  const std::vector<std::string_view> lines = core::LinesOf(input->json_lines);
  for (size_t i = 0; i < records.size() && i < lines.size(); ++i) records[i].record.set_input(std::string(lines[i]));
  return absl::OkStatus();
}

absl::Status RecordLister::FillOutcomes(const model::Chunk& chunk, std::vector<Listed>& records) {
  if (chunk.state != model::ChunkState::kCommitted) {
    const bool skipped = model::ChunksSkipped(*job_) > 0;
    for (Listed& listed : records) {
      listed.record.set_state(skipped ? v1::RECORD_STATE_SKIPPED : v1::RECORD_STATE_PENDING);
    }
    return absl::OkStatus();
  }
  absl::StatusOr<std::optional<model::ChunkResult>> result = ReadResult(chunk.result_number);
  if (!result.ok()) return result.status();
  if (!result->has_value()) {
    for (Listed& listed : records) listed.record.set_state(v1::RECORD_STATE_LOST);
    return absl::OkStatus();
  }
  const std::vector<std::string_view> lines = core::LinesOf((*result)->json_lines);
  auto error = (*result)->errors.begin();
  for (size_t i = 0; i < records.size() && i < lines.size(); ++i) {
    if (error != (*result)->errors.end() && error->index == static_cast<int32_t>(i)) {
      ++error;
      absl::Status followed = Follow({chunk.sequence, static_cast<int32_t>(i)}, records[i]);
      if (!followed.ok()) return followed;
    } else {
      Complete(**result, lines[i], records[i].record);
    }
  }
  return absl::OkStatus();
}

absl::Status RecordLister::Follow(model::RecordPlace place, Listed& listed) {
  v1::Record& record = listed.record;
  for (;;) {
    absl::StatusOr<model::RecordException> exception = deps_.store.GetException(key_, place);
    if (!exception.ok()) return exception.status();
    const model::Resolution& resolution = exception->resolution;
    listed.mended = listed.mended || resolution.kind == model::ResolutionKind::kCorrectedInput ||
                    resolution.kind == model::ResolutionKind::kOutputs;
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

absl::Status RecordLister::CompleteFrom(const model::RecordPlace& rerun, v1::Record& record) {
  // Records that are run again together lie together.
  if (rerun.sequence != rerun_sequence_) {
    const absl::StatusOr<model::Chunk> chunk = deps_.store.FindChunk(key_, rerun.sequence);
    if (!chunk.ok()) return chunk.status();
    absl::StatusOr<std::optional<model::ChunkResult>> result = ReadResult(chunk->result_number);
    if (!result.ok()) return result.status();
    rerun_result_ = *std::move(result);
    rerun_lines_ =
        rerun_result_.has_value() ? core::LinesOf(rerun_result_->json_lines) : std::vector<std::string_view>();
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

void RecordLister::Complete(const model::ChunkResult& result, std::string_view outputs, v1::Record& record) {
  record.set_state(v1::RECORD_STATE_COMPLETED);
  record.set_outputs(std::string(outputs));
  record.set_config_hash(result.config_hash);
  record.set_result_number(result.number);
}

absl::StatusOr<std::optional<model::ChunkResult>> RecordLister::ReadResult(int64_t number) const {
  absl::StatusOr<std::vector<model::ChunkResult>> results =
      deps_.store.ReadResults(key_, number - 1, 1, std::numeric_limits<int64_t>::max());
  if (!results.ok()) return results.status();
  if (results->empty() || results->front().number != number) return std::nullopt;
  return std::move(results->front());
}

}  // namespace millrace::handlers
