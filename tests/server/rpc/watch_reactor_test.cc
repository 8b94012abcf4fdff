#include "server/rpc/watch_reactor.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "millrace/v1/job_service.grpc.pb.h"
#include "tests/server/rpc/grpc_fixture.h"

namespace millrace::rpc {
namespace {

class WatchJobTest : public GrpcFixture {
 protected:
  /// One call from the client's side.
  struct Watcher {
    Watcher(v1::JobService::Stub& stub, const std::string& id, int64_t after = 0) {
      v1::WatchJobRequest request;
      request.set_job_id(id);
      request.set_after_event(after);
      stream = stub.WatchJob(&context, request);
    }
    std::optional<v1::WatchJobResponse> Read() const {
      v1::WatchJobResponse response;
      return stream->Read(&response) ? std::optional(response) : std::nullopt;
    }
    /// Reads on to the message that says this of the job.
    v1::WatchJobResponse ReadUntil(v1::JobState state) {
      for (;;) {
        std::optional<v1::WatchJobResponse> response = Read();
        if (!response.has_value()) return {};
        for (const v1::JobEvent& event : response->events()) numbers.push_back(event.number());
        if (response->job().state() == state) return *response;
      }
    }

    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<v1::WatchJobResponse>> stream;
    std::vector<int64_t> numbers;
  };

  model::JobKey Key() const { return {"default", id_}; }

  const std::unique_ptr<v1::JobService::Stub> jobs_ = v1::JobService::NewStub(channel_);
};

TEST_F(WatchJobTest, TellsHowTheJobIsAndThenWhatBecomesOfItUntilItEnds) {
  Watcher watcher(*jobs_, id_);
  const v1::WatchJobResponse first = watcher.ReadUntil(v1::JOB_STATE_CREATED);
  EXPECT_EQ(first.events_size(), 1);
  EXPECT_EQ(first.last_event(), 1);
  EXPECT_FALSE(first.ended());
  ASSERT_TRUE(PushOne().ok());
  watcher.ReadUntil(v1::JOB_STATE_IN_PROGRESS);
  ASSERT_THAT(store_->PauseJob(Key(), "why", "ann"), testing::IsOk());
  watcher.ReadUntil(v1::JOB_STATE_PAUSED);
  ASSERT_THAT(store_->CancelJob(Key(), "enough", /*force=*/false, "ann"), testing::IsOk());
  const v1::WatchJobResponse last = watcher.ReadUntil(v1::JOB_STATE_CANCELLED);
  EXPECT_TRUE(last.ended());
  EXPECT_EQ(watcher.Read(), std::nullopt);
  EXPECT_TRUE(watcher.stream->Finish().ok());
  EXPECT_EQ(watcher.numbers, (std::vector<int64_t>{1, 2, 3, 4})) << "each event once, in order";
}

TEST_F(WatchJobTest, GoesOnBehindAnEventOrWithTheNextOne) {
  ASSERT_TRUE(PushOne().ok());
  Watcher after(*jobs_, id_, 1);
  after.ReadUntil(v1::JOB_STATE_IN_PROGRESS);
  EXPECT_EQ(after.numbers, (std::vector<int64_t>{2}));

  Watcher from_now(*jobs_, id_, -1);
  const v1::WatchJobResponse first = from_now.ReadUntil(v1::JOB_STATE_IN_PROGRESS);
  EXPECT_EQ(first.events_size(), 0);
  EXPECT_EQ(first.last_event(), 2);
  ASSERT_THAT(store_->PauseJob(Key(), "", "ann"), testing::IsOk());
  from_now.ReadUntil(v1::JOB_STATE_PAUSED);
  EXPECT_EQ(from_now.numbers, (std::vector<int64_t>{3}));
}

TEST_F(WatchJobTest, AClientThatDoesNotReadMissesNoEventAndHoldsNobodyUp) {
  ASSERT_TRUE(PushOne().ok());
  Watcher slow(*jobs_, id_);
  for (int i = 0; i < 200; ++i) {
    ASSERT_THAT(store_->PauseJob(Key(), std::string(1'000, 'x'), "ann"), testing::IsOk());
    ASSERT_THAT(store_->ResumeJob(Key(), false, "ann"), testing::IsOk());
  }
  ASSERT_THAT(store_->CancelJob(Key(), "", /*force=*/false), testing::IsOk());
  slow.ReadUntil(v1::JOB_STATE_CANCELLED);
  ASSERT_EQ(slow.numbers.size(), 403U);
  for (size_t i = 0; i < slow.numbers.size(); ++i) EXPECT_EQ(slow.numbers[i], static_cast<int64_t>(i) + 1);
}

TEST_F(WatchJobTest, AJobThatIsNotThereOrGoesAwayIsSaid) {
  Watcher none(*jobs_, "none");
  EXPECT_EQ(none.Read(), std::nullopt);
  EXPECT_EQ(none.stream->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  Watcher unnamed(*jobs_, "");
  EXPECT_EQ(unnamed.Read(), std::nullopt);
  EXPECT_EQ(unnamed.stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(WatchJobTest, AServerThatShutsDownEndsItAndAClientMayGo) {
  {
    Watcher gone(*jobs_, id_);
    gone.ReadUntil(v1::JOB_STATE_CREATED);
    gone.context.TryCancel();
    EXPECT_EQ(gone.stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  Watcher watcher(*jobs_, id_);
  watcher.ReadUntil(v1::JOB_STATE_CREATED);
  server_->Shutdown(absl::Seconds(10));
  EXPECT_EQ(watcher.Read(), std::nullopt);
  EXPECT_EQ(watcher.stream->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace millrace::rpc
