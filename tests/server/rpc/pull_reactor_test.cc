#include "server/rpc/pull_reactor.h"

#include <optional>
#include <thread>

#include "absl/synchronization/notification.h"
#include "tests/server/rpc/grpc_fixture.h"

namespace millrace::rpc {
namespace {

class PullReactorTest : public GrpcFixture {
 protected:
  /// A job that is cancelled while one of its chunks runs: drained only when that chunk is over.
  core::Lease CancelWhileAChunkRuns() {
    EXPECT_TRUE(PushOne().ok());
    const std::optional<core::Lease> lease = hub_.Acquire();
    EXPECT_TRUE(store_->CancelJob(lease->job->key(), "test", /*force=*/false).ok());
    return *lease;
  }
};

TEST_F(PullReactorTest, AWaitOnACancelledJobWhoseChunkStillRunsIsQuiet) {
  const core::Lease lease = CancelWhileAChunkRuns();
  v1::PullRequest request = WaitingPull(0);
  request.mutable_wait()->set_nanos(100'000'000);
  grpc::ClientContext context;
  v1::PullResponse response;
  const int64_t looks = clock_.looks();
  ASSERT_TRUE(pipelines_->Pull(&context, request, &response).ok());
  EXPECT_FALSE(response.drained());
  EXPECT_LT(clock_.looks() - looks, 10)
      << "each attempt looks at the clock; one attempt has nothing to add to the next";
  hub_.Done(lease);
}

TEST_F(PullReactorTest, AWaitOnACancelledJobEndsWhenItsLastChunkIsGivenUp) {
  const core::Lease lease = CancelWhileAChunkRuns();
  v1::PullResponse response;
  grpc::Status status;
  std::thread puller([&] {
    grpc::ClientContext context;
    status = pipelines_->Pull(&context, WaitingPull(60), &response);
  });
  hub_.Done(lease);
  puller.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(response.drained());
}

}  // namespace
}  // namespace millrace::rpc
