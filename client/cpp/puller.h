// Reads the results of a pipeline in commit order, to the last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/client.h"
#include "millrace/v1/pipeline_service.pb.h"

namespace millrace::client {
namespace internal {
class ResultFeed;
}

/// When results count as taken, and so free the output buffer of the pipeline.
enum class AcknowledgeMode {
  /// When the first result of the page behind them is asked for: a caller that dies loses nothing, and sees the results
  /// of its last page again.
  kAutomatic,
  /// When the caller says so with Puller::Acknowledge, at the latest before the next page.
  kExplicit,
};

/// How a Puller works. Validated by Pipeline::NewPuller.
struct PullerOptions {
  AcknowledgeMode acknowledge = AcknowledgeMode::kAutomatic;
  /// Starts behind this result: 0 reads from the first. Results up to it are acknowledged by that. Not set: starts
  /// behind the acknowledged ones, so that a program that was interrupted goes on where it was.
  std::optional<int64_t> after;
  /// The most results in a page, 1 to 1,000.
  int page_size = 100;
  /// How long to wait for a result before the status is asked for, 1 ms to 60 s. Next waits for ever; this is how often
  /// `on_status` hears.
  absl::Duration wait = absl::Seconds(10);
  v1::ResultEncoding encoding = v1::RESULT_ENCODING_JSON_LINES;
  /// Called after each page and each wait, on the thread that calls Next. Empty: not wanted.
  std::function<void(const v1::PipelineStatus&)> on_status;
  /// Ends a waiting Next with CANCELLED.
  std::stop_token stop;
};

/// OK, or INVALID_ARGUMENT that names the option that is wrong.
absl::Status Validate(const PullerOptions& options);

/// Reads results one by one, through a PullStream that is read ahead of Next by some megabytes; where the server has
/// none or the stream breaks, through calls of Pull, which are as patient as RetryOptions say. So it outlasts a restart of
/// the server. A page is what was there when the one before was read to its end. After an error, Next goes on where it was. Not
/// thread-safe.
///
///   for (;;) {
///     absl::StatusOr<std::optional<v1::ChunkResult>> result = puller.Next();
///     if (!result.ok()) return result.status();
///     if (!result->has_value()) break;  // the pipeline is drained
///     Store(**result);
///     if (puller.buffered() == 0) SyncToDisk();  // the next call of Next acknowledges what was read
///   }
class Puller {
 public:
  /// REQUIRES: Validate(options) is OK. Pipeline::NewPuller checks it.
  Puller(Client client, std::string pipeline_id, PullerOptions options);
  ~Puller();
  Puller(Puller&&) noexcept;

  /// Returns the next result, waiting for it if need be, and nothing when none will ever follow: the pipeline is closed
  /// or has ended, and all its results were read. In automatic mode the last results are then acknowledged too.
  /// FAILED_PRECONDITION in explicit mode when a new page is needed and results of the last one are not acknowledged.
  absl::StatusOr<std::optional<v1::ChunkResult>> Next();

  /// Acknowledges every result that Next has returned so far.
  absl::Status Acknowledge();

  /// Number of the last result that Next returned, or that it started behind; 0 before the first call.
  int64_t cursor() const { return cursor_; }
  /// How many results Next returns without a call.
  std::size_t buffered() const { return page_.size(); }
  /// The status in the last reply.
  const v1::PipelineStatus& status() const { return status_; }

 private:
  absl::Status LoadPage();
  // One page out of the stream. False when the stream cannot go on, and a call must tell why.
  absl::StatusOr<bool> LoadStreamedPage();
  absl::Status LoadPulledPage();
  void Heard(v1::PipelineStatus status);
  CallOptions Call() const;

  Client client_;
  std::string pipeline_id_;
  PullerOptions options_;

  std::deque<v1::ChunkResult> page_;
  v1::PipelineStatus status_;
  int64_t cursor_ = 0;
  // As far as is known to be stored; what went through the stream may be on its way.
  int64_t acknowledged_ = 0;
  // False until a reply has said behind which number was read.
  bool positioned_ = false;
  bool drained_ = false;
  // False for a server without streams.
  bool streams_ = true;
  std::unique_ptr<internal::ResultFeed> feed_;
};

}  // namespace millrace::client
