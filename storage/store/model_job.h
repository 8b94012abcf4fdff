// One job of the model store with all that belongs to it. Not thread-safe: ModelJobStore guards it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/model/job_event.h"
#include "storage/store/job_store.h"

namespace millrace::store {

/// The verbs of JobStore that concern one job, with their errors. A verb that changes nothing leaves `job()` the same
/// pointer.
class ModelJob {
 public:
  /// Says whether the job may become what it would be.
  using MayBe = absl::FunctionRef<absl::Status(const model::Job&)>;

  explicit ModelJob(model::Job job);

  const model::JobPtr& job() const { return job_; }

  absl::StatusOr<PushReceipt> Push(std::vector<model::NewChunk> chunks,
                                   const std::optional<model::SourcePosition>& position, absl::Time now);
  absl::Status Commit(model::ChunkCommit commit, int64_t store_epoch, absl::Time now);
  absl::Status Close(absl::Time now);
  absl::Status Cancel(std::string_view reason, bool force, absl::Time now);
  absl::Status Fail(std::string_view reason, absl::Time now);
  absl::Status CloseIdle(const model::JobPtr& seen, absl::Time now);
  absl::Status Resolve(store::ResolveExceptions request, int64_t store_epoch, absl::Time now, MayBe may_be);
  absl::Status Pause(std::string_view reason, absl::Time now);
  absl::Status Resume(bool ramp, absl::Time now);
  absl::Status Continue(absl::Time now, MayBe may_be);
  absl::Status TakeUp(const model::Job& seen, absl::Time now, MayBe may_be);
  /// False, and nothing is done, where `request` has not seen all repeats.
  absl::StatusOr<bool> Repeat(store::RepeatRecords request, absl::Time now, MayBe may_be);
  absl::Status Update(const model::JobUpdate& update, absl::Time now);
  absl::Status Acknowledge(int64_t cursor, std::string_view cursor_field, absl::Time now);

  /// See Expiration::kDropped.
  void Drop(absl::Time now);

  /// Adds an event under the next number.
  void AddEvent(model::JobEvent event);

  absl::StatusOr<model::Chunk> FindChunk(int64_t sequence) const;
  std::vector<model::JobEvent> ListEvents(int64_t after, int32_t events_max) const;
  ChunkList ListChunks(const ListChunksQuery& query) const;
  absl::StatusOr<model::ChunkInput> ReadChunk(int64_t sequence) const;
  absl::StatusOr<std::vector<model::Chunk>> ListRepeats(int64_t sequence) const;
  std::vector<model::ChunkResult> ReadResults(int64_t after, int32_t results_max, int64_t bytes_max) const;
  const model::RunStatistics& statistics() const { return statistics_; }
  absl::StatusOr<model::RecordException> GetException(const model::RecordPlace& place) const;
  absl::StatusOr<Page<model::RecordException>> ListExceptions(const ListExceptionsQuery& query) const;
  std::vector<model::ExceptionGroup> ListExceptionGroups() const;

 private:
  struct StoredChunk {
    model::Chunk row;
    /// Absent once it is discarded.
    std::optional<std::string> payload;
  };

  /// Changes a job, and tells whether it did.
  using Rule = absl::FunctionRef<absl::StatusOr<bool>(model::Job&)>;

  /// Makes the job what the rule makes of a copy, where it changes something and `may_be` lets it.
  absl::Status Apply(Rule rule, MayBe may_be = Always);
  static absl::Status Always(const model::Job& /*job*/) { return absl::OkStatus(); }
  void Replace(model::Job job) { job_ = std::make_shared<const model::Job>(std::move(job)); }
  void KeepException(model::RecordException exception);
  /// Of the exceptions that a chunk replaces, in its order.
  std::vector<model::Resolution> ReplacedBy(const model::Chunk& chunk) const;
  void SettleReplaced(const model::Chunk& chunk);
  void Store(model::Chunk row, std::string payload);
  /// With the state that the job gives it.
  model::RecordException Shown(model::RecordException exception) const;

  model::JobPtr job_;
  /// By number.
  std::map<int64_t, model::JobEvent> events_;
  std::map<int64_t, StoredChunk> chunks_;
  std::map<std::string, int64_t> sequence_by_chunk_id_;
  /// The chunks that repeat records of a chunk, by its sequence.
  std::map<int64_t, std::vector<int64_t>> repeats_;
  /// See AdvanceWatermark.
  std::set<int64_t> committed_ahead_;
  std::map<int64_t, model::ChunkResult> results_;
  std::map<model::RecordPlace, model::RecordException> exceptions_;
  std::map<std::string, model::ExceptionGroup> groups_;
  model::RunStatistics statistics_;
};

}  // namespace millrace::store
