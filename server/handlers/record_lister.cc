#include "server/handlers/record_lister.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/record_lines.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/repeats.h"

namespace millrace::handlers {
namespace {

// A record that was run again and again goes from one such chunk to the next.
constexpr size_t kRerunsKept = 3;

bool HasFailed(const model::ChunkResult& result, int32_t index) {
  return std::ranges::binary_search(result.errors, index, {}, &model::ResultError::index);
}

}  // namespace

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
  if (model::IsRerun(chunk)) return std::vector<Listed>();
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
  if (model::HasReason(input.status(), model::Reason::kPipelineNotFound)) {
    // It was discarded, unless the whole job is gone.
    const absl::StatusOr<model::JobPtr> job = deps_.store.GetJob(key_);
    return job.ok() && (*job)->create_time == job_->create_time ? absl::OkStatus() : input.status();
  }
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
  const absl::StatusOr<Outcomes> outcomes = ReadOutcomes(chunk);
  if (!outcomes.ok()) return outcomes.status();
  for (size_t i = 0; i < records.size(); ++i) {
    absl::Status followed = Follow(&*outcomes, {chunk.sequence, static_cast<int32_t>(i)}, records[i]);
    if (!followed.ok()) return followed;
  }
  return absl::OkStatus();
}

absl::StatusOr<RecordLister::Outcomes> RecordLister::ReadOutcomes(const model::Chunk& chunk) const {
  Outcomes outcomes;
  absl::StatusOr<std::optional<model::ChunkResult>> result = ReadResult(key_, chunk.result_number, deps_);
  if (!result.ok()) return result.status();
  if (result->has_value()) {
    outcomes.result = std::make_unique<const model::ChunkResult>(**std::move(result));
    outcomes.lines = core::LinesOf(outcomes.result->json_lines);
  }
  if (job_->counters.records_repeated == 0) return outcomes;
  absl::StatusOr<std::vector<model::Chunk>> repeats = deps_.store.ListRepeats(key_, chunk.sequence);
  if (!repeats.ok()) return repeats.status();
  std::erase_if(*repeats, [](const model::Chunk& repeat) { return repeat.state != model::ChunkState::kCommitted; });
  outcomes.repeats = model::RepeatsOf(*repeats, chunk.record_count);
  return outcomes;
}

absl::StatusOr<const RecordLister::Outcomes*> RecordLister::RerunOutcomes(int64_t sequence) {
  if (const auto known = reruns_.find(sequence); known != reruns_.end()) return &known->second;
  const absl::StatusOr<model::Chunk> chunk = deps_.store.FindChunk(key_, sequence);
  if (!chunk.ok()) return chunk.status();
  absl::StatusOr<Outcomes> outcomes = ReadOutcomes(*chunk);
  if (!outcomes.ok()) return outcomes.status();
  if (reruns_.size() == kRerunsKept) reruns_.clear();
  return &(reruns_[sequence] = *std::move(outcomes));
}

absl::Status RecordLister::Follow(const Outcomes* outcomes, model::RecordPlace place, Listed& listed) {
  v1::Record& record = listed.record;
  for (;;) {
    const auto index = static_cast<size_t>(place.index);
    if (index >= outcomes->lines.size()) {
      record.set_state(v1::RECORD_STATE_LOST);
      return absl::OkStatus();
    }
    std::optional<model::RecordPlace> next;
    if (HasFailed(*outcomes->result, place.index)) {
      const absl::StatusOr<std::optional<model::RecordPlace>> followed = FollowException(place, listed);
      if (!followed.ok()) return followed.status();
      if (!followed->has_value()) return absl::OkStatus();
      next = *followed;
    } else if (index < outcomes->repeats.size()) {
      next = outcomes->repeats[index];
    }
    if (!next.has_value()) {
      record.set_state(v1::RECORD_STATE_COMPLETED);
      record.set_outputs(std::string(outcomes->lines[index]));
      record.set_config_hash(outcomes->result->config_hash);
      record.set_result_number(outcomes->result->number);
      return absl::OkStatus();
    }
    place = *next;
    const absl::StatusOr<const Outcomes*> rerun = RerunOutcomes(place.sequence);
    if (!rerun.ok()) return rerun.status();
    outcomes = *rerun;
  }
}

absl::StatusOr<std::optional<model::RecordPlace>> RecordLister::FollowException(const model::RecordPlace& place,
                                                                                Listed& listed) const {
  const absl::StatusOr<model::RecordException> exception = deps_.store.GetException(key_, place);
  if (!exception.ok()) return exception.status();
  const model::Resolution& resolution = exception->resolution;
  listed.mended = listed.mended || resolution.kind == model::ResolutionKind::kCorrectedInput ||
                  resolution.kind == model::ResolutionKind::kOutputs ||
                  resolution.kind == model::ResolutionKind::kAnswer;
  if (resolution.state == model::ExceptionState::kReplaced || resolution.state == model::ExceptionState::kResolved) {
    return resolution.rerun;
  }
  v1::Record& record = listed.record;
  const bool discarded = resolution.state == model::ExceptionState::kDiscarded;
  record.set_state(discarded ? v1::RECORD_STATE_DISCARDED : v1::RECORD_STATE_FAILED);
  record.set_exception_id(model::ExceptionId(place.sequence, place.index));
  record.set_node(exception->node);
  record.set_code(exception->code);
  record.set_message(exception->message);
  record.set_config_hash(exception->config_hash);
  return std::nullopt;
}

absl::StatusOr<std::optional<model::ChunkResult>> ReadResult(const model::JobKey& job, int64_t number,
                                                             const Deps& deps) {
  absl::StatusOr<std::vector<model::ChunkResult>> results =
      deps.store.ReadResults(job, number - 1, 1, std::numeric_limits<int64_t>::max());
  if (!results.ok()) return results.status();
  if (results->empty() || results->front().number != number) return std::nullopt;
  return std::move(results->front());
}

}  // namespace millrace::handlers
