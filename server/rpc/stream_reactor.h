// The written life of a stream in both directions, which each streaming method fills with its own matter.
//
// gRPC reacts on its threads to what came and went; matter is handled by Work, on the executor, one call at a time. The
// operations of gRPC are started at one place, Advance, by one thread at a time: at most one read and one write on
// their way, Finish exactly once and nothing after it. What is under way (work, completions of the store) holds a
// reference, gRPC holds one until OnDone, and with the last one the stream is gone.
#pragma once

#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/rpc/environment.h"
#include "server/rpc/open_streams.h"
#include "server/rpc/status.h"

namespace millrace::rpc {

template <typename Request, typename Response>
class StreamReactor : public grpc::ServerBidiReactor<Request, Response>,
                      public OpenStreams::Member,
                      public std::enable_shared_from_this<StreamReactor<Request, Response>> {
 public:
  /// gRPC keeps `context` until OnDone.
  StreamReactor(grpc::CallbackServerContext* context, const Environment& environment)
      : environment_(environment), call_(environment.NewCall()), context_(context) {}

  /// Begins to read. Call it once, on an object that a shared_ptr holds.
  void Start() {
    self_ = this->shared_from_this();
    environment_.streams.Add(this);
    Advance();
  }

  /// What is not answered by now never is: the client sends it again to whoever serves next.
  void Close() final {
    const auto alive = this->shared_from_this();
    {
      absl::MutexLock lock(&mutex_);
      closing_ = true;
    }
    Advance();
  }

  void Cancel() final { context_->TryCancel(); }

  void OnReadDone(bool ok) final {
    const auto alive = this->shared_from_this();
    {
      absl::MutexLock lock(&mutex_);
      reading_ = false;
      if (ok) {
        Request request;
        request.Swap(&request_);
        OnMessage(request);
      } else {
        read_ended_ = true;
        OnInputEnd();
      }
    }
    Advance();
  }

  void OnWriteDone(bool ok) final {
    const auto alive = this->shared_from_this();
    {
      absl::MutexLock lock(&mutex_);
      writing_ = false;
      // A client that cannot be written to has gone, whether gRPC has said so already or not.
      if (!ok) cancelled_ = true;
    }
    Advance();
  }

  void OnCancel() final {
    const auto alive = this->shared_from_this();
    {
      absl::MutexLock lock(&mutex_);
      cancelled_ = true;
    }
    Advance();
  }

  void OnDone() final {
    const auto alive = std::move(self_);
    environment_.streams.Remove(this);
    OnGone();
  }

 protected:
  // What a method fills in. All but Work and OnGone run under the lock and must be short.

  /// A message came.
  virtual void OnMessage(Request& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) = 0;
  /// No message will follow: the client has said so, or has gone.
  virtual void OnInputEnd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) = 0;
  /// True when there is room for another message.
  virtual bool WantsMessage() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) = 0;
  /// Fills in the next message for the client, if there is one; `response` is empty.
  virtual bool NextResponse(Response& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) = 0;
  /// True when NextResponse has another message: it is then worth waiting for, so that both go in one packet.
  virtual bool HasResponse() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) = 0;
  /// How the call ends, once there is no further response.
  virtual std::optional<absl::Status> End() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) = 0;
  /// Does on the executor what may block. Never runs twice at once.
  virtual void Work() = 0;
  /// The call is over; nothing is told to gRPC any more. Undo what would keep the stream known elsewhere.
  virtual void OnGone() = 0;

  /// Sees to it that Work, and Advance behind it, run after this moment. False where the executor has no room: the
  /// call then ends with SERVER_BUSY at the next Advance.
  bool ScheduleWork() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    // What the store completes behind the end of the call may find the server half taken down.
    if (over()) return true;
    work_wanted_ = true;
    if (work_submitted_) return true;
    work_submitted_ = environment_.executor.TrySubmit([self = this->shared_from_this()] { self->RunWork(); });
    busy_ = busy_ || !work_submitted_;
    return work_submitted_;
  }

  /// True when nothing more can be said to the client.
  bool over() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return finished_ || cancelled_; }

  /// Starts what gRPC can do now. Without the lock.
  void Advance() ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      absl::MutexLock lock(&mutex_);
      advance_again_ = true;
      if (advancing_) return;
      advancing_ = true;
    }
    while (AdvanceOnce()) {
    }
  }

  const Environment& environment_;
  const handlers::Call call_;
  absl::Mutex mutex_;

 private:
  /// False when there was nothing to do, and the next Advance is free to begin.
  bool AdvanceOnce() ABSL_LOCKS_EXCLUDED(mutex_) {
    bool read = false;
    bool write = false;
    grpc::WriteOptions write_options;
    std::optional<grpc::Status> end;
    {
      absl::MutexLock lock(&mutex_);
      if (!advance_again_ || finished_) {
        advancing_ = false;
        return false;
      }
      advance_again_ = false;
      if (!writing_ && !cancelled_) {
        response_.Clear();
        write = writing_ = NextResponse(response_);
        // The headers go with the first message; held back, neither would go before gRPC writes for another reason.
        if (write && wrote_ && HasResponse()) write_options.set_buffer_hint();
        wrote_ = wrote_ || write;
      }
      if (!writing_) end = TakeEnd();
      if (!end.has_value() && !cancelled_ && !reading_ && !read_ended_ && WantsMessage()) read = reading_ = true;
    }
    if (read) this->StartRead(&request_);
    if (write) this->StartWrite(&response_, write_options);
    // gRPC may be done with the call before Finish returns; whoever called Advance holds a reference.
    if (end.has_value()) this->Finish(*end);
    return true;
  }

  std::optional<grpc::Status> TakeEnd() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    std::optional<grpc::Status> end;
    if (cancelled_) {
      end = grpc::Status::CANCELLED;
    } else if (const std::optional<absl::Status> status = End(); status.has_value()) {
      end = ToGrpcStatus(*status);
    } else if (closing_) {
      end = ToGrpcStatus(ShuttingDown());
    } else if (busy_) {
      end = BusyStatus();
    }
    finished_ = end.has_value();
    return end;
  }

  void RunWork() ABSL_LOCKS_EXCLUDED(mutex_) {
    for (;;) {
      {
        absl::MutexLock lock(&mutex_);
        if (!work_wanted_ || over()) {
          work_submitted_ = false;
          break;
        }
        work_wanted_ = false;
      }
      Work();
      Advance();
    }
    Advance();
  }

  grpc::CallbackServerContext* const context_;
  /// Keeps the stream until gRPC is through with it.
  std::shared_ptr<StreamReactor> self_;

  // gRPC's while a read or a write is on its way.
  Request request_;
  Response response_;

  bool reading_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool wrote_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  bool advancing_ ABSL_GUARDED_BY(mutex_) = false;
  bool advance_again_ ABSL_GUARDED_BY(mutex_) = false;
  bool work_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  bool work_submitted_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace millrace::rpc
