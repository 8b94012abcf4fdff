// The records of a job as a file, piece by piece: what a stream of ExportJob sends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "millrace/v1/job_service.pb.h"
#include "server/handlers/call.h"
#include "server/handlers/export_rows.h"
#include "server/handlers/record_lister.h"

namespace millrace::handlers {

/// Holds the records of one chunk at most, and what it writes is no larger than a piece. Used by one thread at a time.
class JobExporter {
 public:
  /// Checks the request and finds where to begin. `deps` must outlive the exporter. FIELD_INVALID, PAGE_TOKEN_INVALID,
  /// PIPELINE_NOT_FOUND, JOB_EXPIRED.
  static absl::StatusOr<std::unique_ptr<JobExporter>> Begin(const v1::ExportJobRequest& request, const Call& call,
                                                            const Deps& deps);

  /// The next piece; none follows the one that says so. PIPELINE_NOT_FOUND, JOB_EXPIRED: the job, or what it held, was
  /// deleted meanwhile.
  absl::StatusOr<v1::ExportJobResponse> Next();

 private:
  /// How far the export is. What a resume token holds.
  struct Position {
    /// The next record, and how many there are before it.
    int64_t sequence = 1;
    int64_t index = 0;
    int64_t records = 0;
    int64_t rows = 0;
    /// What there was when the export began.
    int64_t last_sequence = 0;
    int64_t records_total = 0;
  };

  JobExporter(const v1::ExportJobRequest& request, model::JobKey key, const Deps& deps)
      : request_(request), key_(std::move(key)), deps_(deps) {}

  /// Whether an export that begins now could have come to this position, or to one that it has passed by then.
  static bool IsWithin(const Position& position, const Position& began);

  absl::Status MakeRows(const model::Job& job);
  absl::Status Resume(const std::string& token);
  /// Reads the records of the chunk at the position.
  absl::Status ReadChunk(RecordLister& lister);
  /// Appends rows up to the end of the chunk or of the piece.
  void AppendRows(std::string& data);

  const v1::ExportJobRequest request_;
  const model::JobKey key_;
  const Deps& deps_;
  std::unique_ptr<ExportRows> rows_;
  /// Names the file to a token: the same job, options and columns.
  std::string file_;
  Position position_;
  bool began_ = false;
  /// Of the chunk at the position, if `has_chunk_`.
  std::vector<RecordLister::Listed> chunk_;
  bool has_chunk_ = false;
};

}  // namespace millrace::handlers
