#include "server/rpc/pull_reactor.h"

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/alarm.h"
#include "server/handlers/pipeline_handlers.h"
#include "server/rpc/status.h"
#include "storage/model/job_rules.h"

namespace millrace::rpc {
namespace {

/// The life of one call: attempts on the executor until there is something to return; between attempts a watcher on
/// the job and an alarm. Whoever comes first, result, alarm or cancellation, finishes the call, once.
/// Attempts, watchers and the alarm hold a reference, so the reactor lives until the last of them is through.
class PullReactor final : public grpc::ServerUnaryReactor, public std::enable_shared_from_this<PullReactor> {
 public:
  PullReactor(const v1::PullRequest* request, v1::PullResponse* response, const Environment& environment)
      : request_(*request), response_(response), environment_(environment), call_(environment.NewCall()) {}

  void Start() {
    self_ = shared_from_this();
    if (environment_.draining) return Complete(ToGrpcStatus(ShuttingDown()), {});
    const absl::StatusOr<absl::Duration> wait = handlers::PullWait(request_);
    if (!wait.ok()) return Complete(ToGrpcStatus(wait.status()), {});
    wait_ = *wait;
    if (!SubmitAttempt()) Complete(BusyStatus(), {});
  }

  void OnCancel() override { Complete(grpc::Status::CANCELLED, {}); }

  void OnDone() override { self_.reset(); }

 private:
  bool SubmitAttempt() {
    return environment_.executor.TrySubmit([self = shared_from_this()] { self->Attempt(); });
  }

  void Attempt() {
    {
      absl::MutexLock lock(&mutex_);
      if (finished_) return;
      attempting_ = true;
    }
    absl::StatusOr<v1::PullResponse> pulled = handlers::Pull(request_, call_, environment_.deps);
    bool over = !pulled.ok() || !handlers::ShouldWait(*pulled) || wait_ == absl::ZeroDuration();
    int64_t cursor = 0;
    {
      absl::MutexLock lock(&mutex_);
      attempting_ = false;
      over = over || expired_;
      if (!over) {
        cursor = pulled->cursor();
        nothing_yet_ = std::move(*pulled);
      }
    }
    if (!over) return Wait(cursor);
    if (!pulled.ok()) return Complete(ToGrpcStatus(pulled.status()), {});
    Complete(grpc::Status::OK, *std::move(pulled));
  }

  /// True when a Pull behind `cursor` has something to say.
  bool HasNews(const model::Job& job, int64_t cursor) const {
    return job.last_result > cursor || model::IsDrained(job, cursor, environment_.deps.leases.in_flight(job.key()));
  }

  void Wait(int64_t cursor) {
    if (!EnsureAlarm()) return;
    const model::JobKey key = call_.job(request_.pipeline_id());
    const core::ProgressFeed::WatchId id = environment_.feed.Watch(
        key,
        [weak = weak_from_this(), cursor](const model::JobPtr& job) {
          const std::shared_ptr<PullReactor> self = weak.lock();
          // Where the executor has no room, the next change or the alarm ends the wait.
          return self == nullptr || (self->HasNews(*job, cursor) && self->SubmitAttempt());
        },
        [weak = weak_from_this()] {
          // The server drains: nothing more will come, so the caller is sent home with what there is.
          if (const std::shared_ptr<PullReactor> self = weak.lock()) self->EndWait();
        });
    // What happened between the attempt and Watch was seen by neither. If the watcher has fired meanwhile, an attempt
    // is on its way already.
    const absl::StatusOr<model::JobPtr> job = environment_.deps.store.GetJob(key);
    if (job.ok() && HasNews(**job, cursor) && environment_.feed.Unwatch(key, id)) Attempt();
  }

  /// False when the call is finished already.
  bool EnsureAlarm() {
    absl::MutexLock lock(&mutex_);
    if (finished_) return false;
    if (alarm_set_) return true;
    alarm_set_ = true;
    // gRPC keeps the function until the alarm is destroyed, so the reference is moved out of it: otherwise reactor and
    // alarm would keep each other for ever.
    alarm_.Set(gpr_time_from_micros(absl::ToInt64Microseconds(wait_), GPR_TIMESPAN),
               [self = shared_from_this()](bool fired) mutable {
                 const std::shared_ptr<PullReactor> reactor = std::move(self);
                 reactor->OnAlarm(fired);
               });
    return true;
  }

  void OnAlarm(bool fired) {
    if (fired) EndWait();
  }

  void EndWait() {
    v1::PullResponse response;
    {
      absl::MutexLock lock(&mutex_);
      if (finished_) return;
      expired_ = true;
      // An attempt that runs may hold results that are acknowledged already: it must be the one to answer.
      if (attempting_) return;
      response = nothing_yet_;
    }
    Complete(grpc::Status::OK, std::move(response));
  }

  void Complete(const grpc::Status& status, v1::PullResponse response) {
    {
      absl::MutexLock lock(&mutex_);
      if (finished_) return;
      finished_ = true;
    }
    *response_ = std::move(response);
    const std::shared_ptr<PullReactor> alive = shared_from_this();
    // Finish may run OnDone at once, which is why no lock is held and `alive` holds a reference.
    Finish(status);
    absl::MutexLock lock(&mutex_);
    if (alarm_set_) alarm_.Cancel();
  }

  /// A copy: an attempt may still read it after a cancellation has ended the call and freed gRPC's own.
  const v1::PullRequest request_;
  v1::PullResponse* const response_;
  const Environment& environment_;
  const handlers::Call call_;
  absl::Duration wait_ = absl::ZeroDuration();
  /// Keeps the reactor until gRPC is through with it.
  std::shared_ptr<PullReactor> self_;

  absl::Mutex mutex_;
  grpc::Alarm alarm_ ABSL_GUARDED_BY(mutex_);
  bool alarm_set_ ABSL_GUARDED_BY(mutex_) = false;
  bool attempting_ ABSL_GUARDED_BY(mutex_) = false;
  bool expired_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  /// The answer if nothing happens until the alarm.
  v1::PullResponse nothing_yet_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

grpc::ServerUnaryReactor* ServePull(const v1::PullRequest* request, v1::PullResponse* response,
                                    const Environment& environment) {
  const auto reactor = std::make_shared<PullReactor>(request, response, environment);
  reactor->Start();
  return reactor.get();
}

}  // namespace millrace::rpc
