// A file through a pipeline: one thread cuts and pushes, another pulls and writes.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/pipeline.h"
#include "tools/millrace/chunk_cutter.h"
#include "tools/millrace/chunk_ledger.h"
#include "tools/millrace/progress.h"
#include "tools/millrace/reorder_buffer.h"
#include "tools/millrace/run_output.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

/// How a run goes.
struct RunSettings {
  /// The most records pushed a second. 0: no limit.
  double records_per_second = 0;
  /// Do not close the pipeline at the end.
  bool keep_open = false;
  /// Size of the input in bytes, where known.
  std::optional<int64_t> input_bytes;
};

/// One run of one file through one pipeline. Pushes chunks under ids that follow from their place in the file and reads
/// the results from the first, so that a run that was broken off anywhere can be repeated under the same pipeline
/// id: what was pushed is known to the server, and every result is written once.
class Run {
 public:
  /// All but the settings must outlive the run.
  Run(const Session& session, client::Client client, client::Pipeline pipeline, ChunkCutter& cutter, RunOutput& output,
      Progress& progress, RunSettings settings);

  /// Pushes all, writes all, closes the pipeline and drains it. Returns the first error of either side; CANCELLED when
  /// the user interrupts. The output is complete when it returns OK, but not committed.
  absl::Status Execute();

 private:
  // The pushing thread.
  absl::Status PushAll();
  absl::Status PushChunk(v1::Chunk chunk, client::Pusher& pusher);
  absl::Status Pace(int64_t records);

  // The pulling thread.
  absl::Status PullAll();
  absl::Status WriteWhatIsDue(ReorderBuffer<v1::ChunkResult>& waiting);
  absl::Status MissingResults(const v1::PipelineStatus& status) const;
  ProgressState State() const;

  const Session& session_;
  const client::Client client_;
  client::Pipeline pipeline_;
  ChunkCutter& cutter_;
  RunOutput& output_;
  Progress& progress_;
  const RunSettings settings_;

  ChunkLedger ledger_;
  /// Ends both sides when one fails or the user interrupts.
  std::stop_source stop_;
  /// Bytes of the input whose outcome is written.
  int64_t written_offset_ = 0;
  absl::Duration pace_start_;
  int64_t paced_records_ = 0;
};

}  // namespace millrace::cli
