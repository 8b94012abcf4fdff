// Reads the sources of jobs: JobService.SubmitJob. A piece at a time becomes chunks, and how far that went is stored in the
// same unit of work; so whoever reads on, after whatever killed this server, loses and repeats nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/core/source_folders.h"
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

/// Thread-safe, without a thread of its own and without memory of what it read: see SourceThreads. One job at a time must
/// be in the hands of one caller.
class SourceReader {
 public:
  /// Both must outlive the object.
  SourceReader(store::JobStore& store, const core::SourceFolders& folders) : store_(store), folders_(folders) {}

  /// Reads one piece of the source of a job (model::kSourcePieceBytes) and stores it; at the end of the source, closes the
  /// input. A source that is broken fails the job. Waits for disk and store.
  SourceRun RunOnce(const model::JobKey& job);

 private:
  SourceRun Close(const model::JobKey& job);
  SourceRun OnError(const model::Job& job, const absl::Status& error);
  SourceRun Fail(const model::Job& job, std::string_view why);

  store::JobStore& store_;
  const core::SourceFolders& folders_;
};

}  // namespace millrace::background
