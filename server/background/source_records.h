// The records of a source, one after the other, from where the reading had come to.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/core/source_folders.h"
#include "storage/model/job.h"

namespace millrace::background {

/// Reads one source. Not thread-safe. Errors whose code is RESOURCE_EXHAUSTED or UNAVAILABLE are the server's own and may
/// pass; any other means that the source is broken, and its message is for whoever looks at the job.
class SourceRecords {
 public:
  /// What Next came upon.
  enum class Found {
    kRecord,
    /// A record that the sample leaves out.
    kLeftOut,
    kEnd,
  };

  virtual ~SourceRecords() = default;

  /// Reads the next record into `line`, without line end. What cannot be read as a record is one that becomes an exception.
  virtual absl::StatusOr<Found> Next(std::string& line) = 0;

  /// An error where what was read cannot be trusted, because the source is not what it was when the job was created.
  virtual absl::Status CheckUnchanged() { return absl::OkStatus(); }

  /// Behind the last record. `chunks` is left to whoever cuts them.
  const model::SourcePosition& position() const { return position_; }

 protected:
  explicit SourceRecords(const model::SourcePosition& position) : position_(position) {}

  /// Counts a record that was read, and says whether the sample takes it.
  Found Count(const model::SourceSample& sample) {
    return model::TakesRecord(sample, position_.records++) ? Found::kRecord : Found::kLeftOut;
  }

  model::SourcePosition position_;
};

/// Opens the source of `job`, which must have one, at its position. Both must outlive what is returned.
absl::StatusOr<std::unique_ptr<SourceRecords>> OpenSourceRecords(const model::Job& job,
                                                                 const core::SourceFolders& folders);

/// True for errors that are the server's own and may pass.
bool MayPass(const absl::Status& status);

}  // namespace millrace::background
