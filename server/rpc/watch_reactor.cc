#include "server/rpc/watch_reactor.h"

#include <memory>
#include <utility>

#include "server/handlers/job_handlers.h"
#include "server/rpc/turn_reactor.h"
#include "storage/model/limits.h"

namespace millrace::rpc {
namespace {

/// A message is wanted whenever the job has changed. What changes meanwhile is told by the next one: a slow client gets fewer
/// messages, never old ones.
class WatchReactor final : public TurnReactor<v1::WatchJobResponse> {
 public:
  WatchReactor(grpc::CallbackServerContext* context, v1::WatchJobRequest request, const Environment& environment)
      : TurnReactor(context, environment, model::kWatchPause), request_(std::move(request)) {}

  /// Before Start, so that no change is missed. On an object that a shared_ptr holds.
  void Watch() {
    watch_ = environment_.feed.Watch(call_.job(request_.job_id()), [weak = weak_from_this()](const model::JobPtr&) {
      const auto self = weak.lock();
      if (self != nullptr) self->Want();
      return self == nullptr;
    });
  }

 private:
  absl::StatusOr<bool> Make(v1::WatchJobResponse& response) override {
    absl::StatusOr<v1::WatchJobResponse> news = handlers::WatchJob(request_, call_, environment_.deps);
    if (!news.ok()) return news.status();
    request_.set_after_event(news->last_event());
    response.Swap(&*news);
    return !response.ended();
  }

  void OnGone() override { environment_.feed.Unwatch(call_.job(request_.job_id()), watch_); }

  /// `after_event` moves on with what was told.
  v1::WatchJobRequest request_;
  core::ProgressFeed::WatchId watch_ = 0;
};

}  // namespace

grpc::ServerWriteReactor<v1::WatchJobResponse>* ServeWatchJob(grpc::CallbackServerContext* context,
                                                              const v1::WatchJobRequest* request,
                                                              const Environment& environment) {
  const auto reactor = std::make_shared<WatchReactor>(context, *request, environment);
  reactor->Watch();
  reactor->Start();
  return reactor.get();
}

}  // namespace millrace::rpc
