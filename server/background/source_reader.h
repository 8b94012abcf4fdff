// Reads the sources of jobs: JobService.SubmitJob. A piece at a time becomes chunks, and how far that went is stored in the
// same unit of work; so whoever reads on, after whatever killed this server, loses and repeats nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "server/background/source_records.h"
#include "storage/model/job.h"
#include "storage/store/job_store.h"

namespace millrace::background {

/// What is to be done next about the source of a job.
enum class SourceNext {
  /// Read on.
  kMore,
  /// Read on when the input buffer has room for SourceRun::needed_bytes.
  kRoom,
  /// Try again in a while: the store or the server is in trouble.
  kLater,
  /// Nothing: the source is exhausted and the input closed, or the job takes no more input.
  kNothing,
};

/// What one run did.
struct SourceRun {
  SourceNext next = SourceNext::kNothing;
  int64_t needed_bytes = 0;
  int64_t records = 0;
  int64_t chunks = 0;
};

/// A source that is kept open between two pieces.
struct OpenSource {
  std::unique_ptr<SourceRecords> records;
  /// Of the job: another one may come to have its id.
  absl::Time create_time;
};

/// Thread-safe, without a thread of its own and without memory of what it read: see SourceThreads. One job at a time must
/// be in the hands of one caller.
class SourceReader {
 public:
  /// The store must outlive the object.
  SourceReader(store::JobStore& store, const SourcePlaces& places) : store_(store), places_(places) {}

  /// Reads one piece of the source of a job (model::kSourcePieceBytes) and stores it; the end of the source closes the
  /// input. A source that is broken fails the job. Waits for disk and store.
  SourceRun RunOnce(const model::JobKey& job);

  /// As RunOnce; where opening the source costs much, up to kTurnPieces pieces of it, as long as nothing is to be waited for.
  /// Nothing stays open. `stop` ends the turn after the piece that is at hand, or within it where a database does not answer.
  SourceRun RunTurn(const model::JobKey& job, std::stop_token stop);

  static constexpr int kTurnPieces = 16;

 private:
  SourceRun ReadPiece(const model::JobKey& job, OpenSource& open, std::stop_token stop);
  /// Opens the source of `job` at its position, or goes back to that.
  absl::Status GoTo(const model::Job& job, OpenSource& open, std::stop_token stop);
  /// Stores what was read, with how far that went.
  SourceRun Store(const model::JobKey& job, std::vector<model::NewChunk> chunks, const model::SourcePosition& reached);
  SourceRun OnError(const model::Job& job, const absl::Status& error);
  SourceRun Fail(const model::Job& job, std::string_view why);

  store::JobStore& store_;
  const SourcePlaces places_;
};

}  // namespace millrace::background
