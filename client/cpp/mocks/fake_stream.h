// The server's end of a stream, for the tests of programs that use the SDK.
//
//   FakeStream<v1::PushStreamRequest, v1::PushStreamResponse> server;
//   EXPECT_CALL(*connection, PushStream).WillOnce([&](const CallOptions&) { return server.Call(); });
//   … in another thread or behind the code under test:
//   std::optional<v1::PushStreamRequest> request = server.Take();
//   server.Answer(response);
//   server.End(absl::OkStatus());
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "client/cpp/stream.h"

namespace millrace::client {

/// One stream in memory, without bounds. Thread-safe; outlives neither end: both keep what they share.
template <typename Request, typename Response>
class FakeStream {
 public:
  /// The client's end. Call it once.
  std::unique_ptr<Stream<Request, Response>> Call() { return std::make_unique<ClientEnd>(shared_); }

  /// Waits for the next message of the client; nothing when none will follow.
  std::optional<Request> Take() { return shared_->Take(); }

  void Answer(Response response) { shared_->Answer(std::move(response)); }

  /// Ends the call, behind all answers so far.
  void End(absl::Status status) { shared_->End(std::move(status)); }

  /// A client's end whose call is over from the beginning.
  static std::unique_ptr<Stream<Request, Response>> Ended(absl::Status status) {
    FakeStream stream;
    stream.End(std::move(status));
    return stream.Call();
  }

 private:
  struct Shared {
    bool Write(const Request& request) {
      absl::MutexLock lock(&mutex);
      requests.push_back(request);
      return !end.has_value();
    }
    void WritesDone() {
      absl::MutexLock lock(&mutex);
      writes_done = true;
    }
    bool Read(Response& response) {
      absl::MutexLock lock(&mutex);
      mutex.Await(absl::Condition(this, &Shared::CanRead));
      if (responses.empty()) return false;
      response = std::move(responses.front());
      responses.pop_front();
      return true;
    }
    std::optional<Request> Take() {
      absl::MutexLock lock(&mutex);
      mutex.Await(absl::Condition(this, &Shared::CanTake));
      if (requests.empty()) return std::nullopt;
      std::optional<Request> request = std::move(requests.front());
      requests.pop_front();
      return request;
    }
    void Answer(Response response) {
      absl::MutexLock lock(&mutex);
      responses.push_back(std::move(response));
    }
    void End(absl::Status status) {
      absl::MutexLock lock(&mutex);
      if (!end.has_value()) end = std::move(status);
    }
    bool CanRead() const ABSL_SHARED_LOCKS_REQUIRED(mutex) { return !responses.empty() || end.has_value(); }
    bool CanTake() const ABSL_SHARED_LOCKS_REQUIRED(mutex) {
      return !requests.empty() || writes_done || end.has_value();
    }
    absl::Status status() {
      absl::MutexLock lock(&mutex);
      return end.value_or(absl::CancelledError("not ended"));
    }

    absl::Mutex mutex;
    std::deque<Request> requests ABSL_GUARDED_BY(mutex);
    std::deque<Response> responses ABSL_GUARDED_BY(mutex);
    bool writes_done ABSL_GUARDED_BY(mutex) = false;
    std::optional<absl::Status> end ABSL_GUARDED_BY(mutex);
  };

  class ClientEnd final : public Stream<Request, Response> {
   public:
    explicit ClientEnd(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
    ~ClientEnd() override { Cancel(); }

    bool Write(const Request& request, bool) override { return shared_->Write(request); }
    void WritesDone() override { shared_->WritesDone(); }
    bool Read(Response& response) override { return shared_->Read(response); }
    void Cancel() override { shared_->End(absl::CancelledError("cancelled by the client")); }
    absl::Status Finish() override { return shared_->status(); }

   private:
    const std::shared_ptr<Shared> shared_;
  };

  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

using FakePushStream = FakeStream<v1::PushStreamRequest, v1::PushStreamResponse>;
using FakeWatch = FakeStream<v1::WatchJobRequest, v1::WatchJobResponse>;
using FakeExport = FakeStream<v1::ExportJobRequest, v1::ExportJobResponse>;
using FakePullStream = FakeStream<v1::PullStreamRequest, v1::PullStreamResponse>;

}  // namespace millrace::client
