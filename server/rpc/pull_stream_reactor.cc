#include "server/rpc/pull_stream_reactor.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/handlers/validate.h"
#include "server/rpc/stream_reactor.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"

namespace millrace::rpc {
namespace {

/// A message that is ready to go, or a result that goes in parts.
struct Ready {
  v1::PullStreamResponse response;
  /// What is read ahead is counted by this.
  int64_t bytes = 0;
  /// The result as bytes, where it is too large for one message, and how much of it has gone.
  std::string serialised;
  size_t gone = 0;
};

/// Reads a little ahead of the client, never beyond its window, and waits for the job or for the client: whichever is
/// behind. An acknowledgement opens the window when it comes and is stored when Work gets to it; of several only the
/// last counts.
class PullStreamReactor final : public StreamReactor<v1::PullStreamRequest, v1::PullStreamResponse> {
 public:
  using StreamReactor::StreamReactor;

 protected:
  void OnMessage(v1::PullStreamRequest& request) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    absl::Status status = started_ ? TakeAcknowledgement(request) : TakeStart(request);
    if (!status.ok()) SetEnd(std::move(status));
    ScheduleWork();
  }

  void OnInputEnd() override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!started_) SetEnd(model::FieldError("start", "is required as the first message"));
    input_ended_ = true;
    ScheduleWork();
  }

  bool WantsMessage() const override ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !end_.has_value(); }

  bool HasResponse() const override ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return !ready_.empty(); }

  bool NextResponse(v1::PullStreamResponse& response) override ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ready_.empty()) return false;
    Ready& next = ready_.front();
    if (next.serialised.empty()) {
      response.Swap(&next.response);
    } else if (!NextPart(next, response)) {
      return true;
    }
    ready_bytes_ -= next.bytes;
    ready_.pop_front();
    if (ready_bytes_ < model::kStreamReadAheadBytes / 2) ScheduleWork();
    return true;
  }

  std::optional<absl::Status> End() const override ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return end_; }

  void Work() override {
    if (!Position()) return;
    do {
      if (absl::Status status = ReadAhead(); !status.ok()) return Fail(std::move(status));
      Advance();
    } while (StoreAcknowledgement());
  }

  void OnGone() override {
    std::optional<core::ProgressFeed::WatchId> watch;
    {
      absl::MutexLock lock(&mutex_);
      watch = std::exchange(watch_, std::nullopt);
      SetWaits(false);
    }
    if (watch.has_value()) environment_.feed.Unwatch(key_, *watch);
  }

 private:
  std::shared_ptr<PullStreamReactor> Self() { return std::static_pointer_cast<PullStreamReactor>(shared_from_this()); }

  absl::Status TakeStart(v1::PullStreamRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!request.has_start()) return model::FieldError("start", "is required as the first message");
    start_.Swap(request.mutable_start());
    if (absl::Status id = handlers::ValidateRequiredId("start.pipeline_id", start_.pipeline_id()); !id.ok()) return id;
    if (!v1::ResultEncoding_IsValid(start_.encoding())) {
      return model::FieldError("start.encoding", "expected RESULT_ENCODING_JSON_LINES or RESULT_ENCODING_STRUCT");
    }
    const auto window =
        handlers::InRange("start.window", start_.window(), 1, model::kStreamWindowMax, model::kStreamWindowDefault);
    if (!window.ok()) return window.status();
    if (start_.max_message_bytes() != 0 && start_.max_message_bytes() < model::kStreamPartBytesMin) {
      return model::FieldError(
          "start.max_message_bytes",
          absl::StrCat("expected 0 or at least ", model::kStreamPartBytesMin, ", got ", start_.max_message_bytes()));
    }
    started_ = true;
    window_ = *window;
    key_ = call_.job(start_.pipeline_id());
    return absl::OkStatus();
  }

  absl::Status TakeAcknowledgement(const v1::PullStreamRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (request.content_case() != v1::PullStreamRequest::kAcknowledge) {
      return model::FieldError("acknowledge", "is required in every message but the first");
    }
    if (request.acknowledge() < 0) {
      return model::FieldError("acknowledge", absl::StrCat("expected 0 or more, got ", request.acknowledge()));
    }
    to_acknowledge_ = std::max(to_acknowledge_, request.acknowledge());
    acknowledged_ = std::max(acknowledged_, std::min(request.acknowledge(), read_));
    return absl::OkStatus();
  }

  void SetEnd(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!end_.has_value()) end_ = std::move(status);
  }

  void Fail(absl::Status status) {
    absl::MutexLock lock(&mutex_);
    SetEnd(std::move(status));
  }

  /// Finds, once, behind which result to read. False when there is nothing to read.
  bool Position() {
    {
      absl::MutexLock lock(&mutex_);
      if (!started_ || end_.has_value()) return false;
      if (std::exchange(positioned_, true)) return true;
    }
    NoteUse();
    const absl::StatusOr<model::JobPtr> job =
        start_.has_after() ? environment_.deps.store.Acknowledge(key_, start_.after(), "start.after")
                           : environment_.deps.store.GetJob(key_);
    absl::MutexLock lock(&mutex_);
    if (!job.ok()) {
      SetEnd(job.status());
      return false;
    }
    read_ = acknowledged_ = start_.has_after() ? start_.after() : (*job)->acknowledged_result;
    return true;
  }

  /// How many results may be read now.
  int32_t Room() {
    absl::MutexLock lock(&mutex_);
    if (over() || end_.has_value() || ready_bytes_ >= model::kStreamReadAheadBytes) return 0;
    const int64_t room = window_ - (read_ - acknowledged_);
    return static_cast<int32_t>(std::max<int64_t>(room, 0));
  }

  absl::Status ReadAhead() {
    for (int32_t room = Room(); room > 0; room = Room()) {
      const int64_t behind = read_;
      absl::StatusOr<std::vector<model::ChunkResult>> results =
          environment_.deps.store.ReadResults(key_, behind, room, model::kStreamReadAheadBytes);
      if (!results.ok()) return results.status();
      const int64_t running = environment_.deps.leases.in_flight(key_);
      // Read behind the results: those that were committed since the first look may be among them.
      const absl::StatusOr<model::JobPtr> job = environment_.deps.store.GetJob(key_);
      if (!job.ok()) return job.status();
      if (results->empty()) {
        if (model::IsDrained(**job, behind, running)) return Finish(**job, /*drained=*/true);
        if (!start_.follow()) return Finish(**job, /*drained=*/false);
        if (!AwaitNews(behind)) return absl::OkStatus();
        continue;
      }
      if (absl::Status added = AddResults(*std::move(results), **job); !added.ok()) return added;
    }
    if (!WindowStaysFull()) return absl::OkStatus();
    const absl::StatusOr<model::JobPtr> job = environment_.deps.store.GetJob(key_);
    return job.ok() ? Finish(**job, /*drained=*/false) : job.status();
  }

  /// A client that has half-closed opens the window no more.
  bool WindowStaysFull() {
    absl::MutexLock lock(&mutex_);
    return input_ended_ && !end_.has_value() && read_ - acknowledged_ >= window_;
  }

  /// Also what changes nothing keeps the pipeline from being closed as idle.
  void NoteUse() const {
    if (core::PipelineActivity* const activity = environment_.deps.activity) activity->OnUse(key_);
  }

  /// A client that waits for results uses the pipeline; one that does not take those that are there does not.
  void SetWaits(bool waits) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    core::PipelineActivity* const activity = environment_.deps.activity;
    if (activity == nullptr || waits == waits_) return;
    waits_ = waits && activity->BeginWait(key_);
    if (!waits) activity->EndWait(key_);
  }

  /// Makes messages of the results and lets them go at once.
  absl::Status AddResults(std::vector<model::ChunkResult> results, const model::Job& job) {
    const int64_t last = results.back().number;
    std::deque<Ready> ready;
    for (model::ChunkResult& result : results) {
      absl::StatusOr<v1::ChunkResult> proto = core::ToProto(std::move(result), start_.encoding());
      if (!proto.ok()) return proto.status();
      Ready& next = ready.emplace_back();
      next.bytes = static_cast<int64_t>(proto->ByteSizeLong());
      if (start_.max_message_bytes() > 0 && next.bytes > start_.max_message_bytes() - kMessageMarginBytes) {
        next.serialised = proto->SerializeAsString();
      } else {
        next.response.mutable_result()->Swap(&*proto);
      }
    }
    *ready.back().response.mutable_status() = StatusOf(job);
    {
      absl::MutexLock lock(&mutex_);
      read_ = last;
      for (Ready& next : ready) {
        ready_bytes_ += next.bytes;
        ready_.push_back(std::move(next));
      }
    }
    Advance();
    return absl::OkStatus();
  }

  absl::Status Finish(const model::Job& job, bool drained) {
    Ready last;
    *last.response.mutable_status() = StatusOf(job);
    last.response.set_drained(drained);
    absl::MutexLock lock(&mutex_);
    ready_.push_back(std::move(last));
    SetEnd(absl::OkStatus());
    return absl::OkStatus();
  }

  v1::PipelineStatus StatusOf(const model::Job& job) const {
    return core::ToStatusProto(job, environment_.deps.leases.running(key_), call_.request_time,
                               environment_.deps.clock.Now());
  }

  /// True when the message holds the last part.
  bool NextPart(Ready& next, v1::PullStreamResponse& response) const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    const auto part = static_cast<size_t>(start_.max_message_bytes() - kMessageMarginBytes);
    response.set_result_part(next.serialised.substr(next.gone, part));
    next.gone += response.result_part().size();
    if (next.gone < next.serialised.size()) return false;
    response.set_result_ends(true);
    if (next.response.has_status()) response.mutable_status()->Swap(next.response.mutable_status());
    return true;
  }

  /// Has Work run again when something can be said behind `cursor`; true when that is so already.
  bool AwaitNews(int64_t cursor) {
    {
      absl::MutexLock lock(&mutex_);
      if (watch_.has_value()) return false;
      heard_ = false;
    }
    const std::weak_ptr<PullStreamReactor> weak = Self();
    const core::ProgressFeed::WatchId id = environment_.feed.Watch(key_, [weak, cursor](const model::JobPtr& job) {
      const std::shared_ptr<PullStreamReactor> self = weak.lock();
      return self == nullptr || (self->HasNews(*job, cursor) && self->OnNews());
    });
    bool is_over = false;
    {
      absl::MutexLock lock(&mutex_);
      if (heard_) return false;
      is_over = over();
      if (!is_over) {
        watch_ = id;
        SetWaits(true);
      }
    }
    if (is_over) {
      // OnGone may have been and gone.
      environment_.feed.Unwatch(key_, id);
      return false;
    }
    const absl::StatusOr<model::JobPtr> job = environment_.deps.store.GetJob(key_);
    if (job.ok() && !HasNews(**job, cursor)) return false;
    if (environment_.feed.Unwatch(key_, id)) {
      absl::MutexLock lock(&mutex_);
      watch_.reset();
      SetWaits(false);
    }
    return true;
  }

  bool HasNews(const model::Job& job, int64_t cursor) const {
    return job.last_result > cursor || model::IsDrained(job, cursor, environment_.deps.leases.in_flight(key_));
  }

  bool OnNews() {
    bool scheduled = false;
    {
      absl::MutexLock lock(&mutex_);
      heard_ = true;
      watch_.reset();
      SetWaits(false);
      scheduled = ScheduleWork();
    }
    if (!scheduled) Advance();
    return true;
  }

  /// False when there was none to store.
  bool StoreAcknowledgement() {
    int64_t cursor = 0;
    {
      absl::MutexLock lock(&mutex_);
      if (to_acknowledge_ <= stored_acknowledgement_ || over()) return false;
      cursor = stored_acknowledgement_ = to_acknowledge_;
    }
    NoteUse();
    absl::Status status = environment_.deps.store.Acknowledge(key_, cursor, "acknowledge").status();
    if (status.ok()) return true;
    Fail(std::move(status));
    return false;
  }

  /// Room in a message for what is not the part of a result: status and tags.
  static constexpr int64_t kMessageMarginBytes = 4 * 1024;

  // Set by `start`, constant from then on.
  v1::PullStreamStart start_;
  model::JobKey key_;
  int64_t window_ = 0;

  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  bool positioned_ ABSL_GUARDED_BY(mutex_) = false;
  bool input_ended_ ABSL_GUARDED_BY(mutex_) = false;
  /// How the call ends behind what is ready; set when nothing more is read from the store.
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
  std::deque<Ready> ready_ ABSL_GUARDED_BY(mutex_);
  int64_t ready_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  /// Number of the last result that is read from the store. Written under the lock by Work alone, which so may read it
  /// without.
  int64_t read_ = 0;
  /// Where the window begins.
  int64_t acknowledged_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t to_acknowledge_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t stored_acknowledgement_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<core::ProgressFeed::WatchId> watch_ ABSL_GUARDED_BY(mutex_);
  bool heard_ ABSL_GUARDED_BY(mutex_) = false;
  /// Whether PipelineActivity counts this stream as one that waits.
  bool waits_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace

grpc::ServerBidiReactor<v1::PullStreamRequest, v1::PullStreamResponse>* ServePullStream(
    grpc::CallbackServerContext* context, const Environment& environment) {
  const auto reactor = std::make_shared<PullStreamReactor>(context, environment);
  reactor->Start();
  return reactor.get();
}

}  // namespace millrace::rpc
