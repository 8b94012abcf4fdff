// Records that are run again: what ReprocessExceptions and RetryJob share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "millrace/v1/exception_service.pb.h"
#include "server/handlers/call.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/store/job_requests.h"

namespace millrace::handlers {

/// FIELD_INVALID of `field` unless it is the place of a chunk in push order, or 0.
absl::Status CheckPlace(std::string_view field, int64_t sequence);

struct RerunOptions {
  /// Kept with what is run again.
  std::string note;
  /// Only counts.
  bool preview = false;
  /// Preview: the job is taken up in the same breath, so that what waited in it is run anyway.
  bool takes_up = false;
  /// Chunks behind the first, up to the second, in push order.
  int64_t after_sequence = 0;
  int64_t up_to_sequence = 0;
};

/// Puts records of a job that failed, as they are, into chunks, and stores these to be run. Used by one thread.
class Rerun {
 public:
  /// All must outlive this.
  Rerun(const model::Job& job, const RerunOptions& options, const Call& call, const Deps& deps);

  /// Some, by their ids, and then always all: true. EXCEPTION_NOT_FOUND, and nothing is run; FIELD_INVALID.
  absl::StatusOr<bool> AddIds(const v1::ExceptionIds& ids);

  /// Those that are unresolved; of one group, unless `fingerprint` is empty. False when the call has taken all that it may.
  absl::StatusOr<bool> AddUnresolved(const std::string& fingerprint);

  /// Those of one chunk.
  absl::Status AddChunk(int64_t sequence);

  /// Ends the call, in which `all_taken` came of what was to be taken and `also_stored` records were stored elsewhere: stores
  /// what is left, and says whether there is more for the next call. An input buffer that is full is an error only where nothing
  /// at all was stored. What could not be stored is still left.
  absl::StatusOr<bool> Finish(absl::StatusOr<bool> all_taken, int64_t also_stored);

  /// Records that are in a chunk which was stored; of a preview, that would be.
  int64_t count() const { return options_.preview ? taken_ : stored_; }
  int64_t passed_over() const { return passed_over_; }
  /// With those that are not stored yet.
  int64_t taken() const { return taken_; }
  bool stored_all() const { return records_.empty(); }

 private:
  struct Record {
    model::RecordPlace place;
    /// With its line end.
    std::string line;
    /// Their index says nothing yet.
    std::vector<model::RecordAnswer> answers;
  };

  /// What the query finds, up to this chunk. False when as many records are taken as there may be.
  absl::StatusOr<bool> AddFrom(store::ListExceptionsQuery query, int64_t up_to_sequence, int64_t records_max);
  absl::Status Add(const model::RecordException& exception);
  /// Stores what is left. Where that fails, it is still left.
  absl::Status Flush();
  absl::Status Store();
  bool DropSettled();
  absl::Status OpenSource(int64_t sequence);
  absl::Status MakeRoom(const model::RecordException& exception);

  const RerunOptions& options_;
  const Call& call_;
  const Deps& deps_;
  const model::JobKey key_;
  const absl::Time create_time_;
  const int64_t begin_nanos_;
  /// A job that had ended would end anew behind each chunk that is stored.
  std::optional<core::LeaseHub::KeptBack> kept_back_;

  /// One where each record is a job, so that they run side by side.
  const size_t records_max_;
  /// No larger than the job takes in one piece, unless a single record is.
  const size_t chunk_bytes_max_;

  // The chunk in the making.
  std::vector<Record> records_;
  size_t bytes_ = 0;
  std::string parameters_;
  /// The chunk that was looked at last, and what it has besides records.
  int64_t source_ = 0;
  std::vector<model::RecordAnswer> source_answers_;

  int64_t taken_ = 0;
  int64_t stored_ = 0;
  int64_t passed_over_ = 0;
};

}  // namespace millrace::handlers
