// What can be read of one job of the model store.
#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "storage/model/commit_rules.h"
#include "storage/store/job_filter.h"
#include "storage/store/model_job.h"
#include "storage/store/store_errors.h"

namespace millrace::store {

using model::Chunk;
using model::ChunkInput;
using model::ChunkResult;
using model::ExceptionGroup;
using model::RecordException;
using model::RecordPlace;

std::vector<model::JobEvent> ModelJob::ListEvents(int64_t after, int32_t events_max) const {
  std::vector<model::JobEvent> events;
  for (auto at = events_.upper_bound(after); at != events_.end() && events.size() < static_cast<size_t>(events_max);
       ++at) {
    events.push_back(at->second);
  }
  return events;
}

absl::StatusOr<Chunk> ModelJob::FindChunk(int64_t sequence) const {
  const auto found = chunks_.find(sequence);
  if (found == chunks_.end()) return ChunkNotFound(job_->key(), sequence);
  Chunk chunk = found->second.row;
  chunk.parameters_json.clear();
  chunk.summary = {};
  chunk.answers.clear();
  return chunk;
}

ChunkList ModelJob::ListChunks(const ListChunksQuery& query) const {
  ChunkList list;
  int64_t looked_at = 0;
  for (auto at = chunks_.upper_bound(query.after); at != chunks_.end(); ++at) {
    ++looked_at;
    if (Matches(query, at->second.row)) list.chunks.push_back(*FindChunk(at->first));
    const bool is_full = list.chunks.size() == static_cast<size_t>(query.chunks_max);
    if ((is_full || looked_at == kChunksLookedAtMax) && at->first < job_->last_sequence) {
      list.next_after = at->first;
      break;
    }
  }
  return list;
}

absl::StatusOr<ChunkInput> ModelJob::ReadChunk(int64_t sequence) const {
  const auto found = chunks_.find(sequence);
  if (found == chunks_.end() || !found->second.payload) return ChunkNotFound(job_->key(), sequence);
  const std::string& payload = *found->second.payload;
  ChunkInput input;
  input.chunk = found->second.row;
  input.json_lines.reserve(payload.size() + model::kPayloadPadding);
  input.json_lines.append(payload);
  return input;
}

std::vector<ChunkResult> ModelJob::ReadResults(int64_t after, int32_t results_max, int64_t bytes_max) const {
  std::vector<ChunkResult> results;
  int64_t bytes = 0;
  for (auto at = results_.upper_bound(after); at != results_.end(); ++at) {
    bytes += static_cast<int64_t>(at->second.json_lines.size());
    if (results.size() == static_cast<size_t>(results_max) || (!results.empty() && bytes > bytes_max)) break;
    results.push_back(at->second);
  }
  return results;
}

RecordException ModelJob::Shown(RecordException exception) const {
  exception.resolution.state = model::StateOf(*job_, exception.resolution);
  return exception;
}

absl::StatusOr<RecordException> ModelJob::GetException(const RecordPlace& place) const {
  const auto found = exceptions_.find(place);
  if (found == exceptions_.end()) return ExceptionNotFound(job_->key(), place);
  return Shown(found->second);
}

absl::StatusOr<Page<RecordException>> ModelJob::ListExceptions(const ListExceptionsQuery& query) const {
  RecordPlace behind = query.after;
  if (!query.token.empty()) {
    const std::vector<std::string> parts = absl::StrSplit(query.token, '-');
    if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &behind.sequence) ||
        !absl::SimpleAtoi(parts[1], &behind.index)) {
      return PageTokenInvalid();
    }
  }
  Page<RecordException> page;
  int64_t bytes = 0;
  for (auto at = exceptions_.upper_bound(behind); at != exceptions_.end(); ++at) {
    RecordException exception = Shown(at->second);
    if (!query.Wants(exception)) continue;
    bytes += static_cast<int64_t>(exception.input.size());
    const bool full = page.items.size() == static_cast<size_t>(query.page_size);
    if (full || (!page.items.empty() && bytes > query.bytes_max)) {
      page.next_token = model::ExceptionId(page.items.back().sequence, page.items.back().index);
      break;
    }
    page.items.push_back(std::move(exception));
  }
  return page;
}

std::vector<ExceptionGroup> ModelJob::ListExceptionGroups() const {
  std::vector<ExceptionGroup> groups;
  for (const auto& [fingerprint, group] : groups_) groups.push_back(group);
  std::sort(groups.begin(), groups.end(), model::ComesBefore);
  return groups;
}

}  // namespace millrace::store
