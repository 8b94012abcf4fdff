// Writes what became of the chunks of a run, in the order of the input.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "millrace/v1/records.pb.h"
#include "tools/millrace/chunk_ledger.h"
#include "tools/millrace/record_writer.h"
#include "tools/millrace/summary_merger.h"

namespace millrace::cli {

/// The files of a run and the sums over what went into them. Not thread-safe.
class RunOutput {
 public:
  /// `rejects` may be null. `keep_failed`: writes `null` (CSV: empty cells) for a record that failed, so that the n-th
  /// row of the output belongs to the n-th record of the input.
  RunOutput(std::unique_ptr<OutputWriter> outputs, std::unique_ptr<RejectWriter> rejects, bool keep_failed)
      : outputs_(std::move(outputs)), rejects_(std::move(rejects)), keep_failed_(keep_failed) {}

  /// Writes one chunk; call it in the order of the input. INTERNAL when the result is not that of these rows.
  absl::Status Write(const ChunkRows& rows, const v1::ChunkResult& result);

  /// Writes rows that belong to no chunk.
  absl::Status WriteSkipped(const std::vector<SkippedRow>& rows);

  /// Gives the files their names.
  absl::Status Commit();

  int64_t chunks() const { return chunks_; }
  int64_t records() const { return records_; }
  int64_t failed() const { return failed_; }
  int64_t skipped() const { return skipped_; }
  const SummaryMerger& summary() const { return summary_; }

 private:
  const std::unique_ptr<OutputWriter> outputs_;
  const std::unique_ptr<RejectWriter> rejects_;
  const bool keep_failed_;
  int64_t chunks_ = 0;
  int64_t records_ = 0;
  int64_t failed_ = 0;
  int64_t skipped_ = 0;
  SummaryMerger summary_;
};

}  // namespace millrace::cli
