#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/handlers/job_handlers.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {
namespace {

using model::ExceptionState;
using model::RecordException;

/// Puts records that failed into chunks, and has them run again.
class Rerun {
 public:
  Rerun(const v1::ReprocessExceptionsRequest& request, const model::Job& job, const Call& call, const Deps& deps)
      : request_(request),
        call_(call),
        deps_(deps),
        key_(job.key()),
        chunk_bytes_max_(std::clamp<size_t>(static_cast<size_t>(job.options.input_buffer_bytes) / 4, 1,
                                            model::kRerunChunkBytesTarget)) {}

  /// False when the call has taken all that it may.
  absl::StatusOr<bool> Add(const RecordException& exception) {
    // What was lost with its chunk has no input, and nothing can be run.
    if (exception.resolution.state != ExceptionState::kUnresolved || exception.input.empty()) {
      skipped_ += 1;
      return true;
    }
    if (taken_ == model::kReprocessRecordsMax) return false;
    if (request_.preview()) {
      taken_ += 1;
      return true;
    }
    if (absl::Status status = MakeRoom(exception); !status.ok()) return status;
    records_.push_back({exception.place(), exception.input + "\n"});
    bytes_ += exception.input.size() + 1;
    taken_ += 1;
    return true;
  }

  /// Stores what is left.
  absl::Status Flush() {
    bytes_ = 0;
    std::vector<Record> records = std::exchange(records_, {});
    absl::Status stored;
    // Another call may have been faster with some of them; the others are still to be run.
    do {
      if (records.empty()) return absl::OkStatus();
      stored = Store(records);
    } while (model::HasReason(stored, model::Reason::kExceptionSettled) && DropSettled(records));
    const auto count = static_cast<int64_t>(records.size());
    (stored.ok() ? stored_ : taken_) += stored.ok() ? count : -count;
    return stored;
  }

  int64_t taken() const { return taken_; }
  int64_t stored() const { return stored_; }
  int64_t skipped() const { return skipped_; }

 private:
  struct Record {
    model::RecordPlace place;
    /// With its line end.
    std::string line;
  };

  absl::Status Store(const std::vector<Record>& records) {
    store::ResolveExceptions resolve{.job = key_, .kind = model::ResolutionKind::kReprocess};
    for (const Record& record : records) {
      resolve.exceptions.push_back(record.place);
      resolve.chunk.json_lines += record.line;
    }
    resolve.chunk.id = deps_.ids.Next();
    resolve.chunk.record_count = static_cast<int32_t>(records.size());
    resolve.chunk.parameters_json = parameters_;
    resolve.resolved_by = call_.principal.user;
    resolve.note = request_.note();
    return deps_.store.ResolveExceptions(std::move(resolve)).status();
  }

  /// Passes over those that are settled by now. False where there are none.
  bool DropSettled(std::vector<Record>& records) {
    const auto dropped = static_cast<int64_t>(std::erase_if(records, [&](const Record& record) {
      const absl::StatusOr<RecordException> exception = deps_.store.GetException(key_, record.place);
      return exception.ok() && exception->resolution.state != ExceptionState::kUnresolved;
    }));
    skipped_ += dropped;
    taken_ -= dropped;
    return dropped > 0;
  }

  /// Begins another chunk where this record does not fit in.
  absl::Status MakeRoom(const RecordException& exception) {
    if (exception.sequence != source_) {
      absl::StatusOr<model::ChunkInput> source = deps_.store.ReadChunk(key_, exception.sequence);
      if (!source.ok()) return source.status();
      source_ = exception.sequence;
      if (source->chunk.parameters_json != parameters_) {
        if (absl::Status flushed = Flush(); !flushed.ok()) return flushed;
        parameters_ = std::move(source->chunk.parameters_json);
      }
    }
    const bool is_full = records_.size() == static_cast<size_t>(model::kRerunChunkRecordsMax) ||
                         (!records_.empty() && bytes_ + exception.input.size() + 1 > chunk_bytes_max_);
    return is_full ? Flush() : absl::OkStatus();
  }

  const v1::ReprocessExceptionsRequest& request_;
  const Call& call_;
  const Deps& deps_;
  const model::JobKey key_;

  /// No larger than the job takes in one piece, unless a single record is.
  const size_t chunk_bytes_max_;

  // The chunk in the making.
  std::vector<Record> records_;
  size_t bytes_ = 0;
  std::string parameters_;
  /// The chunk whose parameters were looked at last.
  int64_t source_ = 0;

  int64_t taken_ = 0;
  int64_t stored_ = 0;
  int64_t skipped_ = 0;
};

absl::Status AddByIds(const v1::ReprocessExceptionsRequest& request, const model::JobKey& key, const Deps& deps,
                      Rerun& rerun) {
  const int count = request.ids().ids_size();
  if (count < 1 || count > model::kReprocessIdsMax) {
    return model::FieldError("ids.ids", absl::StrCat("expected 1 to ", model::kReprocessIdsMax, ", got ", count));
  }
  std::set<model::RecordPlace> places;
  for (int i = 0; i < count; ++i) {
    const auto place = ReadExceptionId(absl::StrCat("ids.ids[", i, "]"), request.ids().ids(i));
    if (!place.ok()) return place.status();
    places.insert(*place);
  }
  std::vector<RecordException> exceptions;
  for (const model::RecordPlace& place : places) {
    absl::StatusOr<RecordException> exception = deps.store.GetException(key, place);
    if (!exception.ok()) return exception.status();
    exceptions.push_back(*std::move(exception));
  }
  for (const RecordException& exception : exceptions) {
    if (const auto added = rerun.Add(exception); !added.ok()) return added.status();
  }
  return absl::OkStatus();
}

/// True when all were taken.
absl::StatusOr<bool> AddFromList(const v1::ReprocessExceptionsRequest& request, const model::JobKey& key,
                                 int64_t up_to_sequence, const Deps& deps, Rerun& rerun) {
  store::ListExceptionsQuery query{.job = key, .fingerprint = request.fingerprint()};
  query.states = {ExceptionState::kUnresolved};
  do {
    const absl::StatusOr<store::Page<RecordException>> page = deps.store.ListExceptions(query);
    if (!page.ok()) return page.status();
    for (const RecordException& exception : page->items) {
      if (exception.sequence > up_to_sequence) return true;
      const absl::StatusOr<bool> added = rerun.Add(exception);
      if (!added.ok()) return added.status();
      if (!*added) return false;
    }
    query.token = page->next_token;
  } while (!query.token.empty());
  return true;
}

/// A group that is not there would be run again with 0 records: more likely it is misspelt.
absl::Status CheckGroup(const std::string& fingerprint, const model::JobKey& key, const Deps& deps) {
  if (fingerprint.empty()) return absl::OkStatus();
  const absl::StatusOr<std::vector<model::ExceptionGroup>> groups = deps.store.ListExceptionGroups(key);
  if (!groups.ok()) return groups.status();
  const bool is_there = std::any_of(groups->begin(), groups->end(), [&](const model::ExceptionGroup& group) {
    return group.fingerprint == fingerprint;
  });
  return is_there ? absl::OkStatus()
                  : model::FieldError("fingerprint", "no group of exceptions of the job has this one");
}

absl::Status CheckRequest(const v1::ReprocessExceptionsRequest& request) {
  if (absl::Status status = ValidateRequiredId("job_id", request.job_id()); !status.ok()) return status;
  if (absl::Status status = ValidateText("note", request.note(), model::kMetadataBytesMax); !status.ok()) return status;
  if (request.up_to_sequence() < 0) {
    return model::FieldError("up_to_sequence",
                             absl::StrCat("expected 0 or the place of a chunk, got ", request.up_to_sequence()));
  }
  switch (request.selection_case()) {
    case v1::ReprocessExceptionsRequest::kIds:
      return absl::OkStatus();
    case v1::ReprocessExceptionsRequest::kFingerprint:
      if (!request.fingerprint().empty()) return absl::OkStatus();
      return model::FieldError("fingerprint", "expected the fingerprint of a group");
    case v1::ReprocessExceptionsRequest::kAll:
      if (request.all()) return absl::OkStatus();
      return model::FieldError("all", "expected true");
    case v1::ReprocessExceptionsRequest::SELECTION_NOT_SET:
      break;
  }
  return model::FieldError("selection", "expected one of ids, fingerprint and all");
}

}  // namespace

absl::StatusOr<v1::ReprocessExceptionsResponse> ReprocessExceptions(const v1::ReprocessExceptionsRequest& request,
                                                                    const Call& call, const Deps& deps) {
  if (absl::Status checked = CheckRequest(request); !checked.ok()) return checked;
  const model::JobKey key = call.job(request.job_id());
  const absl::StatusOr<model::JobPtr> job = deps.store.GetJob(key);
  if (!job.ok()) return job.status();
  if (absl::Status known = CheckGroup(request.fingerprint(), key, deps); !known.ok()) return known;
  const int64_t up_to = request.up_to_sequence() > 0 ? request.up_to_sequence() : (*job)->last_sequence;

  Rerun rerun(request, **job, call, deps);
  absl::StatusOr<bool> all_taken = true;
  if (request.has_ids()) {
    if (absl::Status added = AddByIds(request, key, deps, rerun); !added.ok()) all_taken = added;
  } else {
    all_taken = AddFromList(request, key, up_to, deps, rerun);
  }
  if (all_taken.ok()) {
    if (absl::Status flushed = rerun.Flush(); !flushed.ok()) all_taken = flushed;
  }
  // What is stored is stored: the rest is for the next call.
  const bool is_full = model::HasReason(all_taken.status(), model::Reason::kInputBufferFull) && rerun.stored() > 0;
  if (!all_taken.ok() && !is_full) return all_taken.status();
  v1::ReprocessExceptionsResponse response;
  response.set_record_count(request.preview() ? rerun.taken() : rerun.stored());
  response.set_skipped_count(rerun.skipped());
  response.set_more(is_full || !*all_taken);
  response.set_up_to_sequence(up_to);
  return response;
}

}  // namespace millrace::handlers
