// The life of a stream that only the server writes to: by turns, one message at a time.
//
//   making   the executor makes the message
//   writing  gRPC takes it
//   resting  an alarm keeps the next one from following at once
//
// Between two turns nothing is under way, and nothing begins until a message is wanted. A client that does not read keeps the
// turn with gRPC, and costs one message of memory. Whatever is under way holds a reference, gRPC holds one until OnDone.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/alarm.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/environment.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/status.h"

namespace millrace::rpc {

template <typename Response>
class TurnReactor : public grpc::ServerWriteReactor<Response>,
                    public OpenStreams::Member,
                    public std::enable_shared_from_this<TurnReactor<Response>> {
 public:
  /// gRPC keeps `context` until OnDone. So long, at least, lies between two messages: `pause`.
  TurnReactor(grpc::CallbackServerContext* context, const Environment& environment,
              absl::Duration pause = absl::ZeroDuration())
      : environment_(environment), call_(environment.NewCall()), context_(context), pause_(pause) {}

  /// The first message is wanted at once. Call it once, on an object that a shared_ptr holds.
  void Start() {
    self_ = this->shared_from_this();
    environment_.streams.Add(this);
    Want();
  }

  /// Another message is to be made, when it is its turn.
  void Want() {
    {
      absl::MutexLock lock(&mutex_);
      wanted_ = true;
    }
    Advance();
  }

  /// The client comes back, with how far it has come, to whoever serves next.
  void Close() final { End(ShuttingDown()); }
  void Cancel() final { context_->TryCancel(); }

  void OnCancel() final { End(absl::CancelledError("the client has gone")); }

  void OnWriteDone(bool ok) final {
    const auto alive = this->shared_from_this();
    if (!ok) return EndTurn(absl::CancelledError("the client has gone"));
    if (!Rest()) EndTurn(std::nullopt);
  }

  void OnDone() final {
    const auto alive = std::move(self_);
    environment_.streams.Remove(this);
    OnGone();
  }

 protected:
  /// Fills in the next message, on the executor and never twice at once; `response` is empty. False: it is the last one. An
  /// error ends the call instead.
  virtual absl::StatusOr<bool> Make(Response& response) = 0;
  /// The call is over; nothing is told to gRPC any more. Undo what would keep the stream known elsewhere.
  virtual void OnGone() {}

  const Environment& environment_;
  const handlers::Call call_;

 private:
  /// The call ends so, as soon as nothing is under way; unless it ends otherwise already.
  void End(absl::Status status) {
    {
      absl::MutexLock lock(&mutex_);
      if (!end_.has_value()) end_ = std::move(status);
    }
    Advance();
  }

  /// The turn is over, and with `end` the call is.
  void EndTurn(std::optional<absl::Status> end) {
    {
      absl::MutexLock lock(&mutex_);
      under_way_ = false;
      if (!end_.has_value()) end_ = std::move(end);
    }
    Advance();
  }

  /// Begins what is next, unless something is under way.
  void Advance() {
    const auto alive = this->shared_from_this();
    std::optional<absl::Status> end;
    {
      absl::MutexLock lock(&mutex_);
      if (under_way_ || finished_) return;
      end = end_;
      finished_ = end.has_value();
      if (!finished_ && !wanted_) return;
      under_way_ = true;
    }
    // gRPC may be done with the call before Finish returns.
    if (end.has_value()) return this->Finish(ToGrpcStatus(*end));
    if (environment_.executor.TrySubmit([self = this->shared_from_this()] { self->RunTurn(); })) return;
    {
      absl::MutexLock lock(&mutex_);
      finished_ = true;
    }
    this->Finish(BusyStatus());
  }

  /// On the executor.
  void RunTurn() {
    {
      absl::MutexLock lock(&mutex_);
      wanted_ = false;
    }
    response_.Clear();
    const absl::StatusOr<bool> more = Make(response_);
    if (!more.ok()) return EndTurn(more.status());
    if (!*more) {
      absl::MutexLock lock(&mutex_);
      if (!end_.has_value()) end_ = absl::OkStatus();
    }
    this->StartWrite(&response_);
  }

  /// Puts the end of the turn off. False: there is nothing to wait for.
  bool Rest() {
    if (pause_ == absl::ZeroDuration()) return false;
    absl::MutexLock lock(&mutex_);
    if (end_.has_value()) return false;
    // gRPC keeps the function until the alarm is destroyed, so the reference is moved out of it.
    alarm_.Set(gpr_time_from_micros(absl::ToInt64Microseconds(pause_), GPR_TIMESPAN),
               [self = this->shared_from_this()](bool) mutable {
                 const auto reactor = std::move(self);
                 reactor->EndTurn(std::nullopt);
               });
    return true;
  }

  grpc::CallbackServerContext* const context_;
  const absl::Duration pause_;
  /// Keeps the stream until gRPC is through with it.
  std::shared_ptr<TurnReactor> self_;
  /// gRPC's while it is written, else of whoever has the turn.
  Response response_;

  absl::Mutex mutex_;
  grpc::Alarm alarm_ ABSL_GUARDED_BY(mutex_);
  bool wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool under_way_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  /// How the call ends, as soon as nothing is under way.
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace millrace::rpc
