// A Stream over gRPC.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <functional>
#include <memory>
#include <stop_token>

#include "client/cpp/options.h"
#include "client/cpp/stream.h"

namespace millrace::client::internal {

/// The same code and message, with the server's google.rpc.Status attached.
absl::Status ToAbslStatus(const grpc::Status& status);

/// What the calls have in common. `Call` is gRPC's reader.
template <typename Base, typename Call, typename Response>
class GrpcCall : public Base {
 public:
  /// `open` starts the call. The stub must outlive the stream. `options.timeout` limits the whole call.
  GrpcCall(const CallOptions& options, const std::function<std::unique_ptr<Call>(grpc::ClientContext*)>& open) {
    if (options.timeout.has_value()) {
      context_.set_deadline(gpr_time_from_nanos(absl::ToInt64Nanoseconds(*options.timeout), GPR_TIMESPAN));
    }
    call_ = open(&context_);
    cancel_on_stop_ = std::make_unique<CancelOnStop>(options.stop, [this] { context_.TryCancel(); });
  }

  ~GrpcCall() override {
    cancel_on_stop_.reset();
    if (finished_) return;
    context_.TryCancel();
    // gRPC wants each call finished, however it ended.
    call_->Finish().IgnoreError();
  }

  bool Read(Response& response) override { return call_->Read(&response); }
  void Cancel() override { context_.TryCancel(); }
  absl::Status Finish() override {
    finished_ = true;
    return ToAbslStatus(call_->Finish());
  }

 protected:
  Call& call() { return *call_; }

 private:
  using CancelOnStop = std::stop_callback<std::function<void()>>;

  grpc::ClientContext context_;
  std::unique_ptr<Call> call_;
  bool finished_ = false;
  std::unique_ptr<CancelOnStop> cancel_on_stop_;
};

template <typename Response>
using GrpcReadStream = GrpcCall<ReadStream<Response>, grpc::ClientReader<Response>, Response>;

template <typename Request, typename Response>
class GrpcStream final
    : public GrpcCall<Stream<Request, Response>, grpc::ClientReaderWriter<Request, Response>, Response> {
 public:
  using GrpcStream::GrpcCall::GrpcCall;

  bool Write(const Request& request, bool more_follows) override {
    grpc::WriteOptions options;
    if (more_follows) options.set_buffer_hint();
    return this->call().Write(request, options);
  }
  void WritesDone() override { this->call().WritesDone(); }
};

}  // namespace millrace::client::internal
