#include "server/rpc/call_watch.h"

#include <gtest/gtest.h>

#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "grpc/grpc.h"
#include "grpcpp/grpcpp.h"
#include "millrace/v1/job_service.grpc.pb.h"
#include "millrace/v1/pipeline_service.grpc.pb.h"
#include "server/core/log.h"
#include "server/execution/lua_service_compiler.h"
#include "server/rpc/grpc_server.h"
#include "spdlog/sinks/ostream_sink.h"
#include "spdlog/spdlog.h"
#include "storage/store/model_job_store.h"

namespace millrace::rpc {
namespace {

/// A server whose calls are watched; with `slow_call` 0, every call is slow.
class CallWatchTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { grpc_init(); }

  CallWatchTest() {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log_)));
    server_ = *StartGrpcServer("127.0.0.1:0", deps_, *executor_, feed_,
                               {.ledger = &ledger_, .slow_call = absl::ZeroDuration()});
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", server_->port()), grpc::InsecureChannelCredentials());
    jobs_ = v1::JobService::NewStub(channel_);
  }

  ~CallWatchTest() override {
    Stop();
    spdlog::set_default_logger(before_);
  }

  /// Afterwards every call is over, and logged.
  void Stop() {
    server_->Shutdown(absl::Seconds(10));
    executor_.reset();
  }

  grpc::Status GetMissingJob() {
    v1::GetJobRequest request;
    request.set_job_id("missing");
    v1::Job response;
    return jobs_->GetJob(&context_, request, &response);
  }

  std::string Trailer() const {
    const auto& trailers = context_.GetServerTrailingMetadata();
    const auto found = trailers.find(kRequestIdKey);
    return found == trailers.end() ? "" : std::string(found->second.data(), found->second.size());
  }

  std::ostringstream log_;
  const std::shared_ptr<spdlog::logger> before_ = spdlog::default_logger();
  const model::Clock& clock_ = *model::SystemClock::Get();
  model::IdGenerator ids_{&clock_, 1};
  core::CallLedger ledger_;
  std::unique_ptr<store::JobStore> store_ = store::MakeModelJobStore(&clock_);
  core::LeaseHub hub_{store_->epoch(), clock_};
  core::ProgressFeed feed_;
  std::unique_ptr<core::ServiceCompiler> compiler_ = execution::MakeLuaServiceCompiler(&clock_);
  std::unique_ptr<core::Executor> executor_ = std::make_unique<core::Executor>(2, 10);
  const handlers::Deps deps_{
      .store = *store_, .leases = hub_, .compiler = *compiler_, .clock = clock_, .ids = ids_, .server = {}};
  std::unique_ptr<GrpcServer> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
  grpc::ClientContext context_;
};

TEST_F(CallWatchTest, TheNameOfACallComesBackInTrailersAndErrorDetails) {
  context_.AddMetadata(kRequestIdKey, "my-call-1");
  const grpc::Status status = GetMissingJob();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Trailer(), "my-call-1");
  google::rpc::Status rich;
  ASSERT_TRUE(rich.ParseFromString(status.error_details()));
  google::rpc::RequestInfo info;
  ASSERT_EQ(rich.details_size(), 2) << "ErrorInfo and RequestInfo";
  ASSERT_TRUE(rich.details(1).UnpackTo(&info));
  EXPECT_EQ(info.request_id(), "my-call-1");
}

TEST_F(CallWatchTest, ACallWithoutANameGetsOne) {
  GetMissingJob();
  EXPECT_EQ(Trailer().size(), 26u);
}

TEST_F(CallWatchTest, ANameThatIsNoIdIsReplaced) {
  context_.AddMetadata(kRequestIdKey, "job_id=forged level=error");
  GetMissingJob();
  EXPECT_EQ(Trailer().size(), 26u) << Trailer();
}

TEST_F(CallWatchTest, ASlowCallIsLoggedWithAllThatIsKnownOfIt) {
  context_.AddMetadata(kRequestIdKey, "my-call-2");
  GetMissingJob();
  Stop();
  const std::string log = log_.str();
  for (const char* expected : {"slow call", "my-call-2", "missing", "millrace.v1.JobService/GetJob", "NOT_FOUND",
                               "duration_ms", "127.0.0.1"}) {
    EXPECT_NE(log.find(expected), std::string::npos) << expected << " in " << log;
  }
}

TEST_F(CallWatchTest, AStreamIsLoggedWithTheJobThatItIsAbout) {
  spdlog::default_logger()->set_level(spdlog::level::debug);
  const auto stub = v1::PipelineService::NewStub(channel_);
  const auto stream = stub->PullStream(&context_);
  v1::PullStreamRequest request;
  request.mutable_start()->set_pipeline_id("streamed");
  stream->Write(request);
  v1::PullStreamResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  Stop();
  EXPECT_NE(log_.str().find("streamed"), std::string::npos) << log_.str();
}

TEST_F(CallWatchTest, CallsAreCountedByMethodAndCode) {
  GetMissingJob();
  Stop();
  const std::vector<core::MethodCalls> calls = ledger_.Read();
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].method, "millrace.v1.JobService/GetJob");
  EXPECT_EQ(calls[0].by_code, (std::map<std::string, int64_t>{{"NOT_FOUND", 1}}));
  EXPECT_EQ(ledger_.running(), 0);
}

}  // namespace
}  // namespace millrace::rpc
