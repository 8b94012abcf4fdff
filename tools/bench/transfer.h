// Chunks through a pipeline and back: pushed on one connection, pulled on another, each result checked as it comes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/bench/stand.h"

namespace millrace::bench {

enum class Pace {
  /// While the SDK's window has room.
  kWindow,
  /// When the one before is acknowledged as durable.
  kAfterAcknowledgement,
  /// When the result of the one before is in hand.
  kAfterResult,
};

struct TransferOptions {
  /// How many chunks are sent; `chunks` are taken in turn.
  int64_t count = 0;
  /// When the next chunk is sent.
  Pace pace = Pace::kWindow;
  /// What the sum of output `total` over all results must be; not asked for when there is none.
  bool check_total = false;
  double expected_total = 0;
};

struct TransferReport {
  int64_t records = 0;
  /// From the first push to the last result in hand.
  double seconds = 0;
  /// Until the last chunk was acknowledged as durable.
  double push_seconds = 0;
  /// From the push of each chunk to its result in hand.
  std::vector<double> latencies;
};

/// Pushes, closes and reads everything. Fails when a single result is missing, doubled or wrong.
absl::StatusOr<TransferReport> Transfer(Stand& stand, client::Pipeline& pipeline,
                                        const std::vector<std::string>& chunks, const TransferOptions& options);

/// Reads every result once more, from the first, and returns the seconds that took.
absl::StatusOr<double> ReadAgain(Stand& stand, const client::Pipeline& pipeline, int64_t records);

/// A job of formula A with `records` records, through a pipeline of its own.
absl::StatusOr<TransferReport> TransferFormulaA(Stand& stand, const std::vector<std::string>& chunks, int64_t records);

/// The microseconds of a chunk in such a job.
absl::StatusOr<double> MicrosOfAChunk(Stand& stand, const std::vector<std::string>& chunks, int64_t records);

}  // namespace millrace::bench
