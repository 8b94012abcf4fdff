// The records of a source, one after the other, from where the reading had come to.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/core/source_folders.h"
#include "server/queries/connections.h"
#include "storage/model/clock.h"
#include "storage/model/job.h"
#include "storage/store/job_store.h"

namespace millrace::background {

/// What the sources of jobs lie in. All must outlive whoever reads.
struct SourcePlaces {
  const core::SourceFolders& folders;
  const queries::Connections& connections;
  /// Measures how long a query takes.
  const model::Clock& clock;
};

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

  /// True where opening costs much, so that whoever reads on at once keeps the object, and goes back where it must.
  virtual bool is_worth_keeping() const { return false; }

  /// Goes back to a position between that at the last call, or at the opening, and the present one. False where it cannot.
  virtual bool GoBackTo(const model::SourcePosition&) { return false; }

  /// Behind the last record. `chunks` is left to whoever cuts them.
  const model::SourcePosition& position() const { return position_; }

 protected:
  explicit SourceRecords(const model::SourcePosition& position) : position_(position) {}

  /// Counts a record that was read, and says whether the sample takes it.
  Found Count(const model::SourceSample& sample) {
    return model::TakesRecord(sample, position_.records++, position_.rest) ? Found::kRecord : Found::kLeftOut;
  }

  /// True when no record that follows is taken.
  bool IsSampleOver(const model::SourceSample& sample) const {
    return model::IsSampleOver(sample, position_.records, position_.rest);
  }

  model::SourcePosition position_;
};

/// What no service takes for a record, and tells a person all: what is wrong, and the row or where it is.
std::string BadRecord(std::string_view problem, std::string_view row);

/// Opens the source of `job`, which must have one, at its position. All must outlive what is returned, but where that is worth
/// keeping, the job need not. `stop` ends what waits
/// for others, with UNAVAILABLE.
absl::StatusOr<std::unique_ptr<SourceRecords>> OpenSourceRecords(const model::Job& job, const store::JobStore& store,
                                                                 const SourcePlaces& places, std::stop_token stop);

/// True for errors that are the server's own and may pass.
bool MayPass(const absl::Status& status);

}  // namespace millrace::background
