// A handle on one pipeline: the usual way to use Millrace.
//
//   absl::StatusOr<Client> client = Client::Connect();
//   absl::StatusOr<Pipeline> pipeline = Pipeline::Create(*client, "aviation/strike-severity");
//   std::thread reader([&] { ReadAll(**pipeline->NewPuller()); });
//   auto pusher = pipeline->NewPusher();
//   for (v1::Chunk& chunk : chunks) (*pusher)->Push(std::move(chunk));
//   (*pusher)->Flush();
//   pipeline->Close();
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cpp/client.h"
#include "client/cpp/puller.h"
#include "client/cpp/pusher.h"
#include "millrace/v1/job.pb.h"
#include "millrace/v1/pipeline_service.pb.h"

namespace millrace::client {

/// One pipeline. Fills in every id that makes a call safe to repeat, so that each call outlasts a restart of the
/// server. Cheap to copy (copies share their state) and thread-safe.
class Pipeline {
 public:
  /// What this handle knows about the input end.
  enum class State {
    /// Takes chunks.
    kOpen,
    /// Takes no more: closed by Close, by another client or by timeout, or the job ended. Results can still be pulled.
    kClosed,
    /// Cancelled, by this handle or by anyone.
    kCancelled,
  };

  /// Creates a pipeline. Fills in `request_id` when it is empty. Errors are those of CreatePipeline.
  static absl::StatusOr<Pipeline> Create(Client client, v1::CreatePipelineRequest request,
                                         const CallOptions& options = {});
  /// Creates a pipeline on a service (`folder/name`, `folder/name[version]` or a version id), all else at its default.
  static absl::StatusOr<Pipeline> Create(Client client, std::string_view service, const CallOptions& options = {});

  /// A handle on a pipeline that exists. NOT_FOUND (PIPELINE_NOT_FOUND) when it does not.
  static absl::StatusOr<Pipeline> Attach(Client client, std::string_view pipeline_id, const CallOptions& options = {});

  const std::string& id() const;
  /// The job as the last call that returned one saw it.
  v1::Job job() const;
  State state() const;
  /// Record count of each chunk that was stored through this handle and its pushers, by chunk id. Costs about 100
  /// bytes a chunk.
  std::map<std::string, int32_t> stats() const;

  /// Stores chunks, at most 1,000 and all or none, and waits until they are durable. Gives ids to chunks without one
  /// and resolves ids that collide (ChunkNamer); the answer names every chunk in the order given.
  /// FAILED_PRECONDITION (PIPELINE_CLOSED, PIPELINE_CANCELLED), without a call, when state() is not kOpen. A Pusher is
  /// faster for many chunks.
  absl::StatusOr<v1::PushResponse> Push(std::vector<v1::Chunk> chunks, const CallOptions& options = {});

  /// Stores records given as JSON Lines, which the server cuts evenly into chunks of at most `chunk_size` records; 0 lets
  /// it choose by what the records of the job cost (docs/SCHEDULING.md).
  absl::StatusOr<v1::PushResponse> PushLines(std::string json_lines, int chunk_size = 0,
                                             const CallOptions& options = {});

  /// Pushes in the background with a bounded window. INVALID_ARGUMENT when the options are not valid.
  absl::StatusOr<std::unique_ptr<Pusher>> NewPusher(PusherOptions options = {});

  /// Reads results in commit order. INVALID_ARGUMENT when the options are not valid.
  absl::StatusOr<std::unique_ptr<Puller>> NewPuller(PullerOptions options = {}) const;

  /// Closes the input; what was pushed is still processed and can be pulled. Flush a pusher first.
  absl::StatusOr<v1::Job> Close(const CallOptions& options = {});

  /// Stops the job for good; see CancelPipelineRequest for `force`.
  absl::StatusOr<v1::Job> Cancel(std::string_view reason, bool force = false, const CallOptions& options = {});

  absl::StatusOr<v1::PipelineStatus> Status(const CallOptions& options = {});

 private:
  friend class Pusher;
  struct Shared;

  explicit Pipeline(std::shared_ptr<Shared> shared);

  // Gives the chunk its final id; Forget frees the id of one that was refused.
  void Name(v1::Chunk& chunk);
  void Forget(const std::string& chunk_id);
  // Pushes chunks whose ids are final into this pipeline, and keeps the state and the stats.
  absl::StatusOr<v1::PushResponse> PushNamed(v1::PushRequest& request, const CallOptions& options);
  std::unique_ptr<PushStreamCall> OpenPushStream(const CallOptions& options);
  // Keeps what a reply tells about the pipeline.
  void Learn(const v1::PushResponse& stored);
  void Learn(const v1::PipelineStatus& status);
  absl::StatusOr<v1::Job> Learn(absl::StatusOr<v1::Job> job);

  std::shared_ptr<Shared> shared_;
};

}  // namespace millrace::client
