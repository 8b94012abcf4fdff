// Streams as a client sees them: blocking writes and reads, and how the call ended.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/server/rpc/grpc_fixture.h"

namespace millrace::rpc {

/// One stream from the client's side.
template <typename Request, typename Response>
class StreamCall {
 public:
  bool Write(const Request& request) { return stream_->Write(request); }
  void WritesDone() {
    if (!std::exchange(writes_done_, true)) stream_->WritesDone();
  }

  /// The next answer; nothing at the end.
  std::optional<Response> Read() {
    Response response;
    if (!stream_->Read(&response)) return std::nullopt;
    return response;
  }

  /// Reads what is left, and returns how the call ended.
  grpc::Status Finish() {
    while (Read().has_value()) {
    }
    return stream_->Finish();
  }
  grpc::Status Cancel() {
    context_.TryCancel();
    return stream_->Finish();
  }

 protected:
  using Stream = grpc::ClientReaderWriter<Request, Response>;

  /// `open` starts the call.
  explicit StreamCall(const std::function<std::unique_ptr<Stream>(grpc::ClientContext*)>& open)
      : stream_(open(&context_)) {}

 private:
  grpc::ClientContext context_;
  const std::unique_ptr<Stream> stream_;
  bool writes_done_ = false;
};

class PushCall : public StreamCall<v1::PushStreamRequest, v1::PushStreamResponse> {
 public:
  explicit PushCall(v1::PipelineService::Stub& stub)
      : StreamCall([&stub](grpc::ClientContext* context) { return stub.PushStream(context); }) {}

  PushCall(v1::PipelineService::Stub& stub, const std::string& pipeline_id) : PushCall(stub) {
    WriteStart(pipeline_id);
  }

  void WriteStart(const std::string& pipeline_id) {
    v1::PushStreamRequest request;
    request.mutable_start()->set_pipeline_id(pipeline_id);
    Write(request);
  }
  bool WriteChunk(const std::string& id, const std::string& json_lines = "{\"n\":1}\n") {
    v1::PushStreamRequest request;
    request.mutable_chunk()->set_id(id);
    request.mutable_chunk()->mutable_data()->mutable_inputs()->set_json_lines(json_lines);
    return Write(request);
  }

  /// Ends the input first: a push stream ends with it.
  grpc::Status Finish() {
    WritesDone();
    return StreamCall::Finish();
  }
};

class PullCall : public StreamCall<v1::PullStreamRequest, v1::PullStreamResponse> {
 public:
  explicit PullCall(v1::PipelineService::Stub& stub)
      : StreamCall([&stub](grpc::ClientContext* context) { return stub.PullStream(context); }) {}

  PullCall(v1::PipelineService::Stub& stub, v1::PullStreamStart start) : PullCall(stub) {
    v1::PullStreamRequest request;
    *request.mutable_start() = std::move(start);
    Write(request);
  }

  void Acknowledge(int64_t number) {
    v1::PullStreamRequest request;
    request.set_acknowledge(number);
    Write(request);
  }

  /// The number of the next result; 0 for a message without one, -1 at the end.
  int64_t ReadNumber() {
    const std::optional<v1::PullStreamResponse> response = Read();
    return response.has_value() ? response->result().number() : -1;
  }
};

class StreamFixture : public GrpcFixture {
 protected:
  PushCall Push() { return PushCall(*pipelines_, id_); }

  v1::PullStreamStart PullStart() const {
    v1::PullStreamStart start;
    start.set_pipeline_id(id_);
    start.set_follow(true);
    return start;
  }

  /// Stores `count` chunks of one record, `c-1` and so on.
  void PushChunks(int count, const std::string& json_lines = "{\"n\":1}\n") {
    v1::PushRequest request;
    request.set_pipeline_id(id_);
    for (int i = 1; i <= count; ++i) {
      v1::Chunk& chunk = *request.add_chunks();
      chunk.set_id("c-" + std::to_string(i));
      chunk.mutable_data()->mutable_inputs()->set_json_lines(json_lines);
    }
    grpc::ClientContext context;
    v1::PushResponse response;
    const grpc::Status status = pipelines_->Push(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  void ClosePipeline() { ASSERT_TRUE(store_->CloseJob({"default", id_}).ok()); }

  /// Waits until a change of the job makes `condition` true.
  template <typename Condition>
  void AwaitJob(Condition condition) {
    const model::JobKey key{"default", id_};
    absl::Notification met;
    const auto watch = feed_.Watch(key, [&](const model::JobPtr& job) {
      if (!condition(*job)) return false;
      met.Notify();
      return true;
    });
    if (condition(**store_->GetJob(key)) && feed_.Unwatch(key, watch)) return;
    met.WaitForNotification();
  }

  static std::string ReasonOf(const grpc::Status& status) {
    google::rpc::Status rich;
    rich.ParseFromString(status.error_details());
    return ReasonOf(rich);
  }
  static std::string ReasonOf(const google::rpc::Status& status) {
    google::rpc::ErrorInfo info;
    for (const google::protobuf::Any& detail : status.details()) detail.UnpackTo(&info);
    return info.reason();
  }
};

}  // namespace millrace::rpc
