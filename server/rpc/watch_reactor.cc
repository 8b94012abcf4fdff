#include "server/rpc/watch_reactor.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/alarm.h"
#include "grpcpp/server_context.h"
#include "server/handlers/job_handlers.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/status.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::rpc {
namespace {

/// Between two messages: one of three things is under way, or nothing is and the job has not changed.
///
///   asking   the executor reads the job
///   writing  gRPC takes the message
///   resting  an alarm keeps the next message from following at once
///
/// What changes meanwhile is told by the next message: a slow client gets fewer messages, never old ones. Whatever is
/// under way holds a reference, gRPC holds one until OnDone.
class WatchReactor final : public grpc::ServerWriteReactor<v1::WatchJobResponse>,
                           public OpenStreams::Member,
                           public std::enable_shared_from_this<WatchReactor> {
 public:
  WatchReactor(grpc::CallbackServerContext* context, v1::WatchJobRequest request, const Environment& environment)
      : context_(context), request_(std::move(request)), environment_(environment), call_(environment.NewCall()) {}

  void Start() {
    self_ = shared_from_this();
    environment_.streams.Add(this);
    watch_ = environment_.feed.Watch(call_.job(request_.job_id()), [weak = weak_from_this()](const model::JobPtr&) {
      const std::shared_ptr<WatchReactor> self = weak.lock();
      if (self != nullptr) self->OnChange();
      return self == nullptr;
    });
    OnChange();
  }

  /// The watcher comes back to whoever serves next.
  void Close() override {
    End(model::MakeError(model::Reason::kServerNotReady, "the server is shutting down; watch on elsewhere"));
  }
  void Cancel() override { context_->TryCancel(); }

  void OnCancel() override { End(absl::CancelledError("the client has gone")); }

  void OnWriteDone(bool ok) override {
    const auto alive = shared_from_this();
    {
      absl::MutexLock lock(&mutex_);
      under_way_ = false;
    }
    if (!ok) return End(absl::CancelledError("the client has gone"));
    Rest();
  }

  void OnDone() override {
    const auto alive = std::move(self_);
    environment_.feed.Unwatch(call_.job(request_.job_id()), watch_);
    environment_.streams.Remove(this);
  }

 private:
  void OnChange() {
    {
      absl::MutexLock lock(&mutex_);
      changed_ = true;
    }
    Advance();
  }

  void End(absl::Status status) {
    {
      absl::MutexLock lock(&mutex_);
      if (!end_.has_value()) end_ = std::move(status);
    }
    Advance();
  }

  /// Begins what is next, unless something is under way.
  void Advance() {
    const auto alive = shared_from_this();
    std::optional<absl::Status> end;
    {
      absl::MutexLock lock(&mutex_);
      if (under_way_ || finished_) return;
      end = end_;
      finished_ = end.has_value();
      if (!finished_ && !changed_) return;
      under_way_ = true;
    }
    // gRPC may be done with the call before Finish returns.
    if (end.has_value()) return Finish(ToGrpcStatus(*end));
    if (environment_.executor.TrySubmit([self = shared_from_this()] { self->Ask(); })) return;
    {
      absl::MutexLock lock(&mutex_);
      finished_ = true;
    }
    Finish(BusyStatus());
  }

  void Ask() {
    {
      absl::MutexLock lock(&mutex_);
      changed_ = false;
    }
    absl::StatusOr<v1::WatchJobResponse> news = handlers::WatchJob(request_, call_, environment_.deps);
    if (!news.ok()) {
      {
        absl::MutexLock lock(&mutex_);
        under_way_ = false;
      }
      return End(news.status());
    }
    request_.set_after_event(news->last_event());
    if (news->ended()) {
      absl::MutexLock lock(&mutex_);
      if (!end_.has_value()) end_ = absl::OkStatus();
    }
    response_.Swap(&*news);
    StartWrite(&response_);
  }

  void Rest() {
    {
      absl::MutexLock lock(&mutex_);
      if (!end_.has_value()) {
        under_way_ = true;
        // gRPC keeps the function until the alarm is destroyed, so the reference is moved out of it.
        alarm_.Set(gpr_time_from_micros(absl::ToInt64Microseconds(model::kWatchPause), GPR_TIMESPAN),
                   [self = shared_from_this()](bool) mutable {
                     const std::shared_ptr<WatchReactor> reactor = std::move(self);
                     {
                       absl::MutexLock lock(&reactor->mutex_);
                       reactor->under_way_ = false;
                     }
                     reactor->Advance();
                   });
        return;
      }
    }
    Advance();
  }

  grpc::CallbackServerContext* const context_;
  /// `after_event` moves on with what was told. Of whoever is under way.
  v1::WatchJobRequest request_;
  const Environment& environment_;
  const handlers::Call call_;
  core::ProgressFeed::WatchId watch_ = 0;
  /// Keeps the reactor until gRPC is through with it.
  std::shared_ptr<WatchReactor> self_;
  /// gRPC's while it is written.
  v1::WatchJobResponse response_;

  absl::Mutex mutex_;
  grpc::Alarm alarm_ ABSL_GUARDED_BY(mutex_);
  bool under_way_ ABSL_GUARDED_BY(mutex_) = false;
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  /// How the call ends, as soon as nothing is under way.
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

grpc::ServerWriteReactor<v1::WatchJobResponse>* ServeWatchJob(grpc::CallbackServerContext* context,
                                                              const v1::WatchJobRequest* request,
                                                              const Environment& environment) {
  const auto reactor = std::make_shared<WatchReactor>(context, *request, environment);
  reactor->Start();
  return reactor.get();
}

}  // namespace millrace::rpc
