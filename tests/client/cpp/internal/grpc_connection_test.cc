// The SDK against a real gRPC server within the process, over a socket of its own.

#include "client/cpp/internal/grpc_connection.h"

#include <gmock/gmock.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "client/cpp/client.h"
#include "client/cpp/errors.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "millrace/v1/job_service.grpc.pb.h"
#include "tests/client/cpp/fixtures.h"
#include "tests/support/status_matchers.h"

namespace millrace::client::internal {
namespace {

using ::millrace::testing::IsOk;

// Answers as the id of the job says; a call for `hang` stays open until Release.
class FakeJobService final : public v1::JobService::CallbackService {
 public:
  grpc::ServerUnaryReactor* GetJob(grpc::CallbackServerContext* context, const v1::GetJobRequest* request,
                                   v1::Job* job) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    job->set_id(request->job_id());
    has_deadline = context->raw_deadline().tv_sec != INT64_MAX;
    if (request->job_id() == "hang") {
      Hang(reactor);
    } else if (request->job_id() == "missing") {
      reactor->Finish(Missing());
    } else if (request->job_id() == "cancelled") {
      reactor->Finish(grpc::Status::CANCELLED);
    } else {
      if (request->job_id() == "large") job->set_state_reason(std::string(8 << 20, 'x'));
      reactor->Finish(grpc::Status::OK);
    }
    return reactor;
  }

  void Release() {
    absl::MutexLock lock(&mutex_);
    released_ = true;
    if (hanging_ != nullptr) hanging_->Finish(grpc::Status::CANCELLED);
  }

  absl::Notification arrived;
  std::atomic<bool> has_deadline = false;

 private:
  static grpc::Status Missing() {
    google::rpc::ErrorInfo info;
    info.set_domain("millrace.dev");
    info.set_reason("PIPELINE_NOT_FOUND");
    google::rpc::Status details;
    details.add_details()->PackFrom(info);
    return {grpc::StatusCode::NOT_FOUND, "no such pipeline", details.SerializeAsString()};
  }

  // A caller with little patience may be gone, and the call released, before it arrives.
  void Hang(grpc::ServerUnaryReactor* reactor) {
    absl::MutexLock lock(&mutex_);
    hanging_ = reactor;
    if (released_) reactor->Finish(grpc::Status::CANCELLED);
    arrived.Notify();
  }

  absl::Mutex mutex_;
  grpc::ServerUnaryReactor* hanging_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
};

class GrpcConnectionTest : public ::testing::Test {
 protected:
  GrpcConnectionTest() {
    std::string folder = (std::filesystem::temp_directory_path() / "millrace-XXXXXX").string();
    folder_ = mkdtemp(folder.data());
    grpc::EnableDefaultHealthCheckService(true);
    Start();
  }
  ~GrpcConnectionTest() override {
    if (server_ != nullptr) server_->Shutdown();
    std::filesystem::remove_all(folder_);
  }

  std::string Endpoint() const { return "unix:" + (folder_ / "socket").string(); }
  Client Connected() const { return *Client::Connect({.endpoint = Endpoint()}); }
  void Start() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(Endpoint(), grpc::InsecureServerCredentials());
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }
  void Stop() {
    server_->Shutdown();
    server_.reset();
  }

  static absl::StatusOr<v1::Job> GetJob(const Client& client, const std::string& id, const CallOptions& options = {}) {
    v1::GetJobRequest request;
    request.set_job_id(id);
    return client.GetJob(request, options);
  }

  std::filesystem::path folder_;
  FakeJobService service_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(GrpcConnectionTest, ACallReachesTheServerWithADeadline) {
  ASSERT_OK_AND_ASSIGN(const v1::Job job, GetJob(Connected(), "a"));
  EXPECT_EQ(job.id(), "a");
  EXPECT_TRUE(service_.has_deadline);
}

TEST_F(GrpcConnectionTest, ErrorDetailsCrossTheWire) {
  const absl::Status status = GetJob(Connected(), "missing").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "no such pipeline");
  EXPECT_EQ(ErrorReasonOf(status), v1::PIPELINE_NOT_FOUND);
}

TEST_F(GrpcConnectionTest, RepliesBeyondTheLimitOfGrpcAreTaken) {
  ASSERT_OK_AND_ASSIGN(const v1::Job job, GetJob(Connected(), "large"));
  EXPECT_EQ(job.state_reason().size(), 8u << 20);
}

TEST_F(GrpcConnectionTest, AStopEndsACallOnItsWay) {
  std::stop_source source;
  std::thread stopper([&] {
    service_.arrived.WaitForNotification();
    source.request_stop();
  });
  EXPECT_EQ(GetJob(Connected(), "hang", {.stop = source.get_token()}).status().code(), absl::StatusCode::kCancelled);
  stopper.join();
  service_.Release();
}

TEST_F(GrpcConnectionTest, ACallThatOnlyTheServerCancelsMayBeRepeated) {
  ClientOptions options;
  options.endpoint = Endpoint();
  options.retry.max_elapsed = absl::ZeroDuration();
  EXPECT_EQ(GetJob(*Client::Connect(options), "cancelled").status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(GrpcConnectionTest, ATimeoutEndsACall) {
  ClientOptions options;
  options.endpoint = Endpoint();
  options.retry.max_elapsed = absl::ZeroDuration();
  EXPECT_EQ(GetJob(*Client::Connect(options), "hang", {.timeout = absl::Milliseconds(1)}).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  service_.Release();
}

TEST_F(GrpcConnectionTest, AServerThatComesBackIsFound) {
  const Client client = Connected();
  EXPECT_THAT(GetJob(client, "a"), IsOk());
  Stop();
  EXPECT_EQ(client.CheckHealth().code(), absl::StatusCode::kUnavailable);
  Start();
  EXPECT_THAT(GetJob(client, "b"), IsOk());
}

TEST_F(GrpcConnectionTest, HealthIsThatOfTheHealthService) {
  EXPECT_THAT(Connected().CheckHealth(), IsOk());
  server_->GetHealthCheckService()->SetServingStatus(false);
  const absl::Status status = Connected().CheckHealth();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "the server is NOT_SERVING");
}

TEST_F(GrpcConnectionTest, ARpcThatTheServerLacksIsPermanent) {
  const absl::Status status = Connected().ListServices().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(ErrorDetailsOf(status).retry_outcome, RetryOutcome::kPermanent);
}

}  // namespace
}  // namespace millrace::client::internal
