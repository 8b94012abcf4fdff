#include "server/handlers/rerun_chunks.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/record_lines.h"
#include "server/handlers/record_lister.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"
#include "storage/model/repeats.h"

namespace millrace::handlers {
namespace {

constexpr int32_t kChunksAtATime = 1'000;

/// Which records of a chunk are to be run again.
struct Repeatable {
  std::vector<int32_t> indexes;
  /// How many wait to be run again already.
  int64_t waiting = 0;
};

/// Those that succeeded in the chunk, and whose outcome there is still the latest.
Repeatable RepeatableIn(const model::ChunkResult& result, const std::vector<model::Chunk>& repeats) {
  Repeatable repeatable;
  for (const model::Chunk& repeat : repeats) {
    if (repeat.state == model::ChunkState::kPending) repeatable.waiting += repeat.record_count;
  }
  const std::vector<std::optional<model::RecordPlace>> repeated = model::RepeatsOf(repeats, result.record_count);
  auto error = result.errors.begin();
  for (int32_t i = 0; i < result.record_count; ++i) {
    if (error != result.errors.end() && error->index == i) {
      ++error;
    } else if (repeated.empty() || !repeated[static_cast<size_t>(i)].has_value()) {
      repeatable.indexes.push_back(i);
    }
  }
  return repeatable;
}

std::vector<model::RecordPlace> PlacesOf(int64_t sequence, const std::vector<int32_t>& indexes) {
  std::vector<model::RecordPlace> places;
  places.reserve(indexes.size());
  for (const int32_t index : indexes) places.push_back({sequence, index});
  return places;
}

/// These records of a chunk, in its order, as a chunk of its own, with all that came with them.
model::NewChunk ChunkOf(model::ChunkInput input, const std::vector<int32_t>& indexes) {
  model::NewChunk chunk;
  chunk.record_count = static_cast<int32_t>(indexes.size());
  chunk.repeats = model::RunsOf(PlacesOf(input.chunk.sequence, indexes));
  for (model::RecordAnswer& answer : input.chunk.answers) {
    const auto found = std::ranges::lower_bound(indexes, answer.index);
    if (found == indexes.end() || *found != answer.index) continue;
    answer.index = static_cast<int32_t>(found - indexes.begin());
    chunk.answers.push_back(std::move(answer));
  }
  chunk.parameters_json = std::move(input.chunk.parameters_json);
  chunk.summary = std::move(input.chunk.summary);
  chunk.part = input.chunk.part;
  if (chunk.record_count == input.chunk.record_count) {
    chunk.json_lines = std::move(input.json_lines);
    return chunk;
  }
  const std::vector<std::string_view> lines = core::LinesOf(input.json_lines);
  for (const int32_t index : indexes) chunk.json_lines.append(lines[static_cast<size_t>(index)]).append("\n");
  return chunk;
}

}  // namespace

ChunkRerun::ChunkRerun(const model::Job& job, store::ListChunksQuery which, const RerunOptions& options,
                       const Call& call, const Deps& deps, Rerun& failed)
    : job_(job),
      which_(std::move(which)),
      options_(options),
      call_(call),
      deps_(deps),
      failed_(failed),
      reached_(options.after_sequence),
      done_(options.after_sequence) {
  which_.job = job.key();
  which_.after = options.after_sequence;
  which_.chunks_max = kChunksAtATime;
}

absl::StatusOr<bool> ChunkRerun::Run() {
  const absl::StatusOr<store::ChunkList> list = deps_.store.ListChunks(which_);
  if (!list.ok()) return list.status();
  for (const model::Chunk& chunk : list->chunks) {
    if (chunk.sequence > options_.up_to_sequence) break;
    if (count_ + failed_.taken() >= model::kReprocessRecordsMax) return false;
    // No code ran where a person gave the outputs.
    if (!chunk.config_hash.empty()) {
      if (absl::Status taken = Take(chunk); !taken.ok()) return taken;
    }
    reached_ = chunk.sequence;
    if (failed_.stored_all()) done_ = reached_;
  }
  const bool is_last = list->next_after == 0 || list->next_after >= options_.up_to_sequence;
  reached_ = is_last ? options_.up_to_sequence : list->next_after;
  return is_last;
}

absl::Status ChunkRerun::Take(const model::Chunk& chunk) {
  const absl::StatusOr<std::optional<model::ChunkResult>> result = ReadResult(job_.key(), chunk.result_number, deps_);
  if (!result.ok()) return result.status();
  if (!result->has_value()) {
    passed_over_ += chunk.record_count;
    return absl::OkStatus();
  }
  const absl::StatusOr<std::vector<model::Chunk>> repeats = deps_.store.ListRepeats(job_.key(), chunk.sequence);
  if (!repeats.ok()) return repeats.status();
  const Repeatable repeatable = RepeatableIn(**result, *repeats);
  passed_over_ += repeatable.waiting;
  if (options_.preview) {
    count_ += static_cast<int64_t>(repeatable.indexes.size());
  } else if (!repeatable.indexes.empty()) {
    absl::Status repeated = Repeat(chunk, repeatable.indexes, static_cast<int64_t>(repeats->size()));
    if (!repeated.ok()) return repeated;
  }
  return (*result)->errors.empty() ? absl::OkStatus() : failed_.AddChunk(chunk.sequence);
}

absl::Status ChunkRerun::Repeat(const model::Chunk& chunk, const std::vector<int32_t>& indexes, int64_t repeats_seen) {
  const auto count = static_cast<int64_t>(indexes.size());
  absl::StatusOr<model::ChunkInput> input = deps_.store.ReadChunk(job_.key(), chunk.sequence);
  if (model::HasReason(input.status(), model::Reason::kPipelineNotFound)) {
    passed_over_ += count;
    return absl::OkStatus();
  }
  if (!input.ok()) return input.status();
  store::RepeatRecords repeat{.job = job_.key(),
                              .job_create_time = job_.create_time,
                              .repeats_seen = repeats_seen,
                              .chunk = ChunkOf(*std::move(input), indexes)};
  repeat.chunk.id = deps_.ids.Next();
  absl::StatusOr<std::string> event = EventOnce();
  if (!event.ok()) return event.status();
  repeat.event = *std::move(event);
  repeat.by = call_.principal.user;
  const absl::StatusOr<model::JobPtr> stored = deps_.store.RepeatRecords(std::move(repeat));
  if (!stored.ok()) return stored.status();
  // Another call was faster with the same chunk: what it took waits now.
  (*stored == nullptr ? passed_over_ : count_) += count;
  is_told_ = is_told_ || *stored != nullptr;
  return absl::OkStatus();
}

/// One event tells of a whole job that is run again, however many calls and chunks that takes. Empty: it is told.
absl::StatusOr<std::string> ChunkRerun::EventOnce() {
  if (!is_told_) {
    const absl::StatusOr<bool> was_told = WasTold();
    if (!was_told.ok()) return was_told.status();
    is_told_ = *was_told;
  }
  if (is_told_) return "";
  std::string event = which_.config_hash.empty()
                          ? "records that ran under other code than the job has now are run again"
                          : absl::StrCat("records that ran under ", which_.config_hash, " are run again");
  if (!options_.note.empty()) absl::StrAppend(&event, ": ", options_.note);
  return event;
}

/// Whether an earlier call, which this one goes on from, has stored something: it lies behind what they are to take, and
/// stands for what they have taken. Looked for among some chunks alone, for it comes first there unless much is pushed:
/// better one event too many.
absl::StatusOr<bool> ChunkRerun::WasTold() const {
  if (options_.after_sequence == 0) return false;
  store::ListChunksQuery query;
  query.job = job_.key();
  query.after = options_.up_to_sequence;
  query.chunks_max = kChunksAtATime;
  const absl::StatusOr<store::ChunkList> list = deps_.store.ListChunks(query);
  if (!list.ok()) return list.status();
  return std::ranges::any_of(list->chunks, [&](const model::Chunk& chunk) {
    return !chunk.repeats.empty() && chunk.repeats.front().sequence <= options_.after_sequence;
  });
}

}  // namespace millrace::handlers
