// Records that a list is asked for one by one: by their ids, or because they took longest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "millrace/v1/job_service.pb.h"
#include "server/handlers/call.h"
#include "server/handlers/record_lister.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"

namespace millrace::handlers {

/// What a request asks for.
struct RecordNames {
  /// In the order of the request; where they stand for others, not looked up yet.
  std::vector<model::RecordPlace> ids;
  bool slowest = false;

  /// False: the request asks for all records of the job.
  bool any() const { return slowest || !ids.empty(); }
};

/// FIELD_INVALID of `ids` and `order`.
absl::StatusOr<RecordNames> ReadNames(const v1::ListRecordsRequest& request);

/// Lists records that are named. Used by one thread.
class NamedRecords {
 public:
  /// `request`, `lister` and `deps` must outlive it.
  NamedRecords(const v1::ListRecordsRequest& request, const model::Job& job, RecordLister& lister, const Deps& deps)
      : request_(request), key_(job.key()), last_sequence_(job.last_sequence), lister_(lister), deps_(deps) {}

  /// Finds the records of the job that are meant, in the order of the list. FIELD_INVALID where the job has none of an id.
  absl::Status Find(const RecordNames& names);

  /// Adds a page of them, from the one at `begin` on. Returns where the next page begins; nullopt at the end.
  absl::StatusOr<std::optional<size_t>> AddPage(size_t begin, int32_t page_size, v1::ListRecordsResponse& response);

 private:
  struct Named {
    model::RecordPlace place;
    /// Of the slowest: how long that took.
    std::optional<int64_t> process_nanos;
  };

  /// The record as it was pushed for which the one at `place` stands, if need be that one itself; nullopt where the job has
  /// none there.
  absl::StatusOr<std::optional<model::RecordPlace>> OriginOf(model::RecordPlace place) const;
  absl::Status FindSlowest();
  /// Reads the chunk of a record, unless that was read last.
  absl::Status ReadChunkOf(const model::RecordPlace& place);

  const v1::ListRecordsRequest& request_;
  const model::JobKey key_;
  const int64_t last_sequence_;
  RecordLister& lister_;
  const Deps& deps_;
  std::vector<Named> named_;
  int64_t read_sequence_ = 0;
  std::vector<RecordLister::Listed> read_;
};

}  // namespace millrace::handlers
