#include "client/cpp/pipeline.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "client/cpp/chunker.h"
#include "client/cpp/errors.h"

namespace millrace::client {
namespace {

Pipeline::State StateOf(v1::JobState job, v1::PipelineState pipeline) {
  if (job == v1::JOB_STATE_CANCELLED) return Pipeline::State::kCancelled;
  return pipeline == v1::PIPELINE_STATE_CLOSED ? Pipeline::State::kClosed : Pipeline::State::kOpen;
}

}  // namespace

struct Pipeline::Shared {
  Shared(Client c, v1::Job j)
      : client(std::move(c)),
        id(j.id()),
        job(std::move(j)),
        state(StateOf(job.state(), job.pipeline_state())),
        state_reason(job.state_reason()) {}

  // An end is for good: a reply that was under way at the time says nothing against it.
  void SetState(State next) ABSL_LOCKS_EXCLUDED(mutex) {
    absl::MutexLock lock(&mutex);
    if (next > state) state = next;
  }

  void SetReason(const std::string& reason) ABSL_LOCKS_EXCLUDED(mutex) {
    absl::MutexLock lock(&mutex);
    if (!reason.empty()) state_reason = reason;
  }

  /// What to say to a push that is refused without asking the server.
  std::string WhyRefused(bool cancelled) const ABSL_LOCKS_EXCLUDED(mutex) {
    absl::MutexLock lock(&mutex);
    const std::string text = cancelled ? "the pipeline is cancelled" : "the pipeline is closed";
    return state_reason.empty() ? text : text + ": " + state_reason;
  }

  const Client client;
  const std::string id;

  mutable absl::Mutex mutex;
  v1::Job job ABSL_GUARDED_BY(mutex);
  State state ABSL_GUARDED_BY(mutex);
  /// Why the job failed, was cancelled or closed by timeout, as far as it was told.
  std::string state_reason ABSL_GUARDED_BY(mutex);
  std::map<std::string, int32_t> stats ABSL_GUARDED_BY(mutex);
  ChunkNamer namer ABSL_GUARDED_BY(mutex);
};

Pipeline::Pipeline(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

absl::StatusOr<Pipeline> Pipeline::Create(Client client, v1::CreatePipelineRequest request,
                                          const CallOptions& options) {
  if (request.request_id().empty()) request.set_request_id(RandomId());
  absl::StatusOr<v1::Job> job = client.CreatePipeline(request, options);
  if (!job.ok()) return job.status();
  return Pipeline(std::make_shared<Shared>(std::move(client), *std::move(job)));
}

absl::StatusOr<Pipeline> Pipeline::Create(Client client, std::string_view service, const CallOptions& options) {
  v1::CreatePipelineRequest request;
  request.set_service(std::string(service));
  return Create(std::move(client), std::move(request), options);
}

absl::StatusOr<Pipeline> Pipeline::Attach(Client client, std::string_view pipeline_id, const CallOptions& options) {
  v1::GetJobRequest request;
  request.set_job_id(std::string(pipeline_id));
  absl::StatusOr<v1::Job> job = client.GetJob(request, options);
  if (!job.ok()) return job.status();
  return Pipeline(std::make_shared<Shared>(std::move(client), *std::move(job)));
}

const std::string& Pipeline::id() const { return shared_->id; }

v1::Job Pipeline::job() const {
  absl::MutexLock lock(&shared_->mutex);
  return shared_->job;
}

Pipeline::State Pipeline::state() const {
  absl::MutexLock lock(&shared_->mutex);
  return shared_->state;
}

std::map<std::string, int32_t> Pipeline::stats() const {
  absl::MutexLock lock(&shared_->mutex);
  return shared_->stats;
}

void Pipeline::Name(v1::Chunk& chunk) {
  absl::MutexLock lock(&shared_->mutex);
  shared_->namer.Name(chunk);
}

void Pipeline::Forget(const std::string& chunk_id) {
  absl::MutexLock lock(&shared_->mutex);
  shared_->namer.Forget(chunk_id);
}

absl::StatusOr<v1::PushResponse> Pipeline::Push(std::vector<v1::Chunk> chunks, const CallOptions& options) {
  v1::PushRequest request;
  for (v1::Chunk& chunk : chunks) {
    Name(chunk);
    request.mutable_chunks()->Add(std::move(chunk));
  }
  absl::StatusOr<v1::PushResponse> response = PushNamed(request, options);
  if (absl::IsInvalidArgument(response.status())) {
    for (const v1::Chunk& chunk : request.chunks()) Forget(chunk.id());
  }
  return response;
}

absl::StatusOr<v1::PushResponse> Pipeline::PushLines(std::string json_lines, int chunk_size,
                                                     const CallOptions& options) {
  v1::PushRequest request;
  request.set_request_id(RandomId());
  request.mutable_inputs()->set_json_lines(std::move(json_lines));
  request.set_chunk_size(chunk_size);
  return PushNamed(request, options);
}

absl::StatusOr<v1::PushResponse> Pipeline::PushNamed(v1::PushRequest& request, const CallOptions& options) {
  if (const State known = state(); known != State::kOpen) {
    const bool cancelled = known == State::kCancelled;
    return MakeServerError(absl::StatusCode::kFailedPrecondition, shared_->WhyRefused(cancelled),
                           {.reason = cancelled ? v1::PIPELINE_CANCELLED : v1::PIPELINE_CLOSED});
  }
  request.set_pipeline_id(id());
  absl::StatusOr<v1::PushResponse> response = shared_->client.Push(request, options);
  if (response.ok()) {
    Learn(*response);
    return response;
  }
  const v1::ErrorReason reason = ErrorReasonOf(response.status());
  if (reason == v1::PIPELINE_CLOSED) shared_->SetState(State::kClosed);
  if (reason == v1::PIPELINE_CANCELLED) shared_->SetState(State::kCancelled);
  return response;
}

std::unique_ptr<PushStreamCall> Pipeline::OpenPushStream(const CallOptions& options) {
  return shared_->client.PushStream(options);
}

void Pipeline::Learn(const v1::PushResponse& stored) {
  if (stored.has_status()) Learn(stored.status());
  absl::MutexLock lock(&shared_->mutex);
  for (const v1::PushedChunk& chunk : stored.chunks()) shared_->stats[chunk.id()] = chunk.record_count();
}

void Pipeline::Learn(const v1::PipelineStatus& status) {
  shared_->SetState(StateOf(status.state(), status.pipeline_state()));
  shared_->SetReason(status.state_reason());
}

absl::StatusOr<v1::Job> Pipeline::Learn(absl::StatusOr<v1::Job> job) {
  if (!job.ok()) return job;
  shared_->SetState(StateOf(job->state(), job->pipeline_state()));
  shared_->SetReason(job->state_reason());
  absl::MutexLock lock(&shared_->mutex);
  shared_->job = *job;
  return job;
}

absl::StatusOr<std::unique_ptr<Pusher>> Pipeline::NewPusher(PusherOptions options) {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  return Pusher::Make(*this, std::move(options));
}

absl::StatusOr<std::unique_ptr<Puller>> Pipeline::NewPuller(PullerOptions options) const {
  if (absl::Status status = Validate(options); !status.ok()) return status;
  return std::make_unique<Puller>(shared_->client, id(), std::move(options));
}

absl::StatusOr<v1::Job> Pipeline::Close(const CallOptions& options) {
  v1::ClosePipelineRequest request;
  request.set_pipeline_id(id());
  return Learn(shared_->client.ClosePipeline(request, options));
}

absl::StatusOr<v1::Job> Pipeline::Cancel(std::string_view reason, bool force, const CallOptions& options) {
  v1::CancelPipelineRequest request;
  request.set_pipeline_id(id());
  request.set_reason(std::string(reason));
  request.set_force(force);
  return Learn(shared_->client.CancelPipeline(request, options));
}

absl::StatusOr<v1::PipelineStatus> Pipeline::Status(const CallOptions& options) {
  v1::GetPipelineStatusRequest request;
  request.set_pipeline_id(id());
  absl::StatusOr<v1::PipelineStatus> status = shared_->client.GetPipelineStatus(request, options);
  if (status.ok()) Learn(*status);
  return status;
}

}  // namespace millrace::client
