#include "server/rpc/grpc_server.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "tests/server/rpc/grpc_fixture.h"

namespace millrace::rpc {
namespace {

using GrpcServerTest = GrpcFixture;

TEST_F(GrpcServerTest, AWaitingPullReturnsWhenAChunkIsCommitted) {
  ASSERT_TRUE(PushOne().ok());
  absl::Notification waiting;
  v1::PullResponse response;
  grpc::Status status;
  std::thread puller([&] {
    grpc::ClientContext context;
    waiting.Notify();
    status = pipelines_->Pull(&context, WaitingPull(60), &response);
  });
  waiting.WaitForNotification();
  StartWorkers();
  puller.join();
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.results_size(), 1);
  EXPECT_EQ(response.results(0).json_lines(), "{\"m\":1}\n");
}

TEST_F(GrpcServerTest, AWaitingPullReturnsWhenThePipelineIsClosedEmpty) {
  v1::PullResponse response;
  grpc::Status status;
  std::thread puller([&] {
    grpc::ClientContext context;
    status = pipelines_->Pull(&context, WaitingPull(60), &response);
  });
  v1::ClosePipelineRequest close;
  close.set_pipeline_id(id_);
  grpc::ClientContext context;
  v1::Job job;
  ASSERT_TRUE(pipelines_->ClosePipeline(&context, close, &job).ok());
  puller.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.results_size(), 0);
  EXPECT_TRUE(response.drained());
}

TEST_F(GrpcServerTest, AWaitingPullReturnsEmptyWhenItsPatienceEnds) {
  v1::PullRequest request = WaitingPull(0);
  request.mutable_wait()->set_nanos(1'000'000);
  grpc::ClientContext context;
  v1::PullResponse response;
  const grpc::Status status = pipelines_->Pull(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.results_size(), 0);
  EXPECT_FALSE(response.drained());
  EXPECT_EQ(response.status().pipeline_id(), id_);
}

TEST_F(GrpcServerTest, AWaitingPullIsSentHomeWhenTheServerDrains) {
  v1::PullResponse response;
  grpc::Status status;
  std::thread puller([&] {
    grpc::ClientContext context;
    status = pipelines_->Pull(&context, WaitingPull(60), &response);
  });
  // Whether the pull waits already or comes later, it must not hold up the drain.
  feed_.Close();
  puller.join();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.results_size(), 0);
  EXPECT_FALSE(response.drained());
}

TEST_F(GrpcServerTest, WhileItDrainsThePortAnswersAndSendsEverybodyAway) {
  const auto expect_sent_away = [](const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_NE(status.error_details().find("SERVER_NOT_READY"), std::string::npos) << status.error_message();
  };
  grpc::ClientContext open_context;
  const auto open = pipelines_->PushStream(&open_context);
  server_->StopServing();
  v1::PushStreamResponse answer;
  EXPECT_FALSE(open->Read(&answer));
  expect_sent_away(open->Finish());
  // One that comes anew, over a connection of its own.
  grpc::ChannelArguments alone;
  alone.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto fresh = v1::PipelineService::NewStub(grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server_->port()),
                                                                            grpc::InsecureChannelCredentials(), alone));
  expect_sent_away(PushOne());
  for (auto* stub : {pipelines_.get(), fresh.get()}) {
    grpc::ClientContext pull_context;
    v1::PullResponse response;
    expect_sent_away(stub->Pull(&pull_context, WaitingPull(60), &response));
    grpc::ClientContext status_context;
    v1::GetPipelineStatusRequest request;
    request.set_pipeline_id(id_);
    v1::PipelineStatus status;
    expect_sent_away(stub->GetPipelineStatus(&status_context, request, &status));
    grpc::ClientContext stream_context;
    const auto stream = stub->PullStream(&stream_context);
    expect_sent_away(stream->Finish());
  }
}

TEST_F(GrpcServerTest, ACancelledPullEndsAndTheServerGoesOn) {
  grpc::ClientContext context;
  v1::PullResponse response;
  grpc::Status status;
  std::thread puller([&] { status = pipelines_->Pull(&context, WaitingPull(60), &response); });
  context.TryCancel();
  puller.join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_TRUE(PushOne().ok());
}

TEST_F(GrpcServerTest, ManyWaitingPullsNeedNoThreads) {
  constexpr int kPullers = 50;  // More than the executor has threads.
  std::vector<std::thread> pullers;
  pullers.reserve(kPullers);
  std::vector<int> results(kPullers, -1);
  for (int i = 0; i < kPullers; ++i) {
    pullers.emplace_back([this, &results, i] {
      grpc::ClientContext context;
      v1::PullResponse response;
      if (pipelines_->Pull(&context, WaitingPull(60), &response).ok())
        results[static_cast<size_t>(i)] = response.results_size();
    });
  }
  EXPECT_TRUE(PushOne().ok()) << "a waiting pull must not hold a handler thread";
  StartWorkers();
  for (std::thread& puller : pullers) puller.join();
  EXPECT_EQ(results, std::vector<int>(kPullers, 1));
}

TEST_F(GrpcServerTest, AMessageOverTheLimitIsRefused) {
  v1::PushRequest request;
  request.set_pipeline_id(id_);
  request.mutable_inputs()->set_json_lines(std::string(static_cast<size_t>(model::kMessageBytesMax) + 1, ' '));
  grpc::ClientContext context;
  v1::PushResponse response;
  EXPECT_EQ(pipelines_->Push(&context, request, &response).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(GrpcServerTest, AFullQueueIsAnsweredWithServerBusy) {
  // Hold every handler thread and fill the queue; what comes then is turned away.
  const auto go_on = std::make_shared<absl::Notification>();
  const auto held = std::make_shared<absl::BlockingCounter>(kExecutorThreads);
  for (int i = 0; i < kExecutorThreads; ++i) {
    ASSERT_TRUE(executor_->TrySubmit([go_on, held] {
      held->DecrementCount();
      go_on->WaitForNotification();
    }));
  }
  // Only now is there nobody left to make room in the queue.
  held->Wait();
  while (executor_->TrySubmit([go_on] { go_on->WaitForNotification(); })) {
  }
  const grpc::Status status = PushOne();
  go_on->Notify();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_NE(status.error_details().find("SERVER_BUSY"), std::string::npos);
}

TEST_F(GrpcServerTest, ASecondServerOnThePortIsRefusedWithTheAddress) {
  const std::string address = absl::StrCat("127.0.0.1:", server_->port());
  const absl::Status status = StartGrpcServer(address, deps_, *executor_, feed_).status();
  EXPECT_THAT(status, testing::IsError(model::Reason::kServerNotReady));
  EXPECT_NE(std::string(status.message()).find(address), std::string::npos) << status;
}

}  // namespace
}  // namespace millrace::rpc
