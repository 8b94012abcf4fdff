#include "server/handlers/rerun.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/handlers/validate.h"
#include "storage/model/built_in.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

using model::ExceptionState;
using model::RecordException;

/// What is stored waits no longer than this for the rest of its call.
constexpr int64_t kKeptBackNanosMax = 1'000'000'000;
/// The index of no record, but of the end of its chunk.
constexpr int32_t kBehindTheChunk = std::numeric_limits<int32_t>::max();

/// In a job that failed or was cancelled, such a record is unresolved.
bool WaitsInVain(const RecordException& exception) {
  return exception.resolution.state == ExceptionState::kUnresolved && exception.resolution.rerun.sequence > 0;
}

std::vector<model::RecordAnswer> AnswersOf(const std::vector<model::RecordAnswer>& answers, int32_t index) {
  std::vector<model::RecordAnswer> own;
  std::copy_if(answers.begin(), answers.end(), std::back_inserter(own),
               [&](const model::RecordAnswer& answer) { return answer.index == index; });
  return own;
}

}  // namespace

absl::Status CheckPlace(std::string_view field, int64_t sequence) {
  if (sequence >= 0) return absl::OkStatus();
  return model::FieldError(field, absl::StrCat("expected 0 or the place of a chunk, got ", sequence));
}

Rerun::Rerun(const model::Job& job, const RerunOptions& options, const Call& call, const Deps& deps)
    : options_(options),
      call_(call),
      deps_(deps),
      key_(job.key()),
      create_time_(job.create_time),
      begin_nanos_(deps.clock.SteadyNanos()),
      records_max_(model::IsBulkRun(job) ? 1 : static_cast<size_t>(model::kRerunChunkRecordsMax)),
      chunk_bytes_max_(std::clamp<size_t>(static_cast<size_t>(job.options.input_buffer_bytes) / 4, 1,
                                          model::kRerunChunkBytesTarget)) {
  if (!options.preview && model::IsFinal(job.state)) kept_back_.emplace(deps.leases, job);
}

absl::StatusOr<bool> Rerun::AddIds(const v1::ExceptionIds& ids) {
  const int count = ids.ids_size();
  if (count < 1 || count > model::kReprocessIdsMax) {
    return model::FieldError("ids.ids", absl::StrCat("expected 1 to ", model::kReprocessIdsMax, ", got ", count));
  }
  std::set<model::RecordPlace> places;
  for (int i = 0; i < count; ++i) {
    const auto place = ReadExceptionId(absl::StrCat("ids.ids[", i, "]"), ids.ids(i));
    if (!place.ok()) return place.status();
    places.insert(*place);
  }
  std::vector<RecordException> exceptions;
  for (const model::RecordPlace& place : places) {
    absl::StatusOr<RecordException> exception = deps_.store.GetException(key_, place);
    if (!exception.ok()) return exception.status();
    exceptions.push_back(*std::move(exception));
  }
  for (const RecordException& exception : exceptions) {
    if (absl::Status added = Add(exception); !added.ok()) return added;
  }
  return true;
}

absl::StatusOr<bool> Rerun::AddUnresolved(const std::string& fingerprint) {
  store::ListExceptionsQuery query{.job = key_, .fingerprint = fingerprint};
  query.states = {ExceptionState::kUnresolved};
  query.after = {options_.after_sequence, kBehindTheChunk};
  return AddFrom(std::move(query), options_.up_to_sequence, model::kReprocessRecordsMax);
}

absl::Status Rerun::AddChunk(int64_t sequence) {
  store::ListExceptionsQuery query{.job = key_};
  // What has a newer outcome belongs to the chunk of that.
  query.states = {ExceptionState::kUnresolved, ExceptionState::kReprocessing, ExceptionState::kDiscarded};
  query.after = {sequence - 1, kBehindTheChunk};
  return AddFrom(std::move(query), sequence, std::numeric_limits<int64_t>::max()).status();
}

absl::StatusOr<bool> Rerun::AddFrom(store::ListExceptionsQuery query, int64_t up_to_sequence, int64_t records_max) {
  do {
    const absl::StatusOr<store::Page<RecordException>> page = deps_.store.ListExceptions(query);
    if (!page.ok()) return page.status();
    for (const RecordException& exception : page->items) {
      if (exception.sequence > up_to_sequence) return true;
      if (taken_ >= records_max) return false;
      if (absl::Status added = Add(exception); !added.ok()) return added;
    }
    query.token = page->next_token;
  } while (!query.token.empty());
  return true;
}

absl::StatusOr<bool> Rerun::Finish(absl::StatusOr<bool> all_taken, int64_t also_stored) {
  if (all_taken.ok()) {
    if (absl::Status flushed = Flush(); !flushed.ok()) all_taken = flushed;
  }
  const bool is_full = model::HasReason(all_taken.status(), model::Reason::kInputBufferFull);
  // What is stored is stored: the rest is for the next call.
  if (is_full && count() + also_stored > 0) return true;
  if (!all_taken.ok()) return all_taken.status();
  return !*all_taken;
}

absl::Status Rerun::Add(const RecordException& exception) {
  // What was lost with its chunk has no input, and nothing can be run.
  if (exception.resolution.state != ExceptionState::kUnresolved || exception.input.empty() ||
      (options_.takes_up && WaitsInVain(exception))) {
    passed_over_ += 1;
    return absl::OkStatus();
  }
  if (!options_.preview) {
    if (absl::Status status = MakeRoom(exception); !status.ok()) return status;
    records_.push_back({exception.place(), exception.input + "\n", AnswersOf(source_answers_, exception.index)});
    bytes_ += exception.input.size() + 1;
  }
  taken_ += 1;
  return absl::OkStatus();
}

absl::Status Rerun::Flush() {
  absl::Status stored;
  // Another call may have been faster with some of them; the others are still to be run.
  do {
    stored = records_.empty() ? absl::OkStatus() : Store();
  } while (model::HasReason(stored, model::Reason::kExceptionSettled) && DropSettled());
  // What is not stored stays, so that the next call begins in front of it.
  if (!stored.ok()) return stored;
  stored_ += static_cast<int64_t>(records_.size());
  records_.clear();
  bytes_ = 0;
  if (deps_.clock.SteadyNanos() - begin_nanos_ > kKeptBackNanosMax) kept_back_.reset();
  return absl::OkStatus();
}

absl::Status Rerun::Store() {
  store::ResolveExceptions resolve{
      .job = key_, .job_create_time = create_time_, .kind = model::ResolutionKind::kReprocess};
  for (size_t i = 0; i < records_.size(); ++i) {
    resolve.exceptions.push_back(records_[i].place);
    resolve.chunk.json_lines += records_[i].line;
    for (model::RecordAnswer answer : records_[i].answers) {
      answer.index = static_cast<int32_t>(i);
      resolve.chunk.answers.push_back(std::move(answer));
    }
  }
  resolve.chunk.id = deps_.ids.Next();
  resolve.chunk.record_count = static_cast<int32_t>(records_.size());
  resolve.chunk.parameters_json = parameters_;
  resolve.resolved_by = call_.principal.user;
  resolve.note = options_.note;
  return deps_.store.ResolveExceptions(std::move(resolve)).status();
}

/// Passes over those that are settled by now. False where there are none.
bool Rerun::DropSettled() {
  const auto dropped = static_cast<int64_t>(std::erase_if(records_, [&](const Record& record) {
    const absl::StatusOr<RecordException> exception = deps_.store.GetException(key_, record.place);
    return exception.ok() && exception->resolution.state != ExceptionState::kUnresolved;
  }));
  passed_over_ += dropped;
  taken_ -= dropped;
  return dropped > 0;
}

/// Sees to it that the records of this chunk can join: those that were taken before may have come with other parameters.
absl::Status Rerun::OpenSource(int64_t sequence) {
  if (sequence == source_) return absl::OkStatus();
  absl::StatusOr<model::ChunkInput> source = deps_.store.ReadChunk(key_, sequence);
  if (!source.ok()) return source.status();
  if (source->chunk.parameters_json != parameters_) {
    if (absl::Status flushed = Flush(); !flushed.ok()) return flushed;
    parameters_ = std::move(source->chunk.parameters_json);
  }
  source_ = sequence;
  source_answers_ = std::move(source->chunk.answers);
  return absl::OkStatus();
}

/// Begins another chunk where this record does not fit in.
absl::Status Rerun::MakeRoom(const RecordException& exception) {
  if (absl::Status opened = OpenSource(exception.sequence); !opened.ok()) return opened;
  const bool is_full =
      records_.size() == records_max_ || (!records_.empty() && bytes_ + exception.input.size() + 1 > chunk_bytes_max_);
  return is_full ? Flush() : absl::OkStatus();
}

}  // namespace millrace::handlers
