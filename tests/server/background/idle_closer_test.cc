#include "server/background/idle_closer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/store/model_job_store.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"

namespace millrace::background {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::JobState;

constexpr absl::Duration kTimeout = absl::Minutes(30);
constexpr size_t kAll = 1'000'000;

class IdleCloserTest : public ::testing::Test, public store::JobObserver {
 protected:
  IdleCloserTest() {
    store_->SetObserver(this);
    EXPECT_THAT(store_->CreateServiceVersion(testing::ExampleVersion()), IsOk());
  }

  void OnJobChanged(const model::JobPtr& job) override {
    leases_.OnJobChanged(job);
    activity_.OnJobChanged(job);
  }

  model::JobKey Create(const std::string& id = "job-1", absl::Duration timeout = kTimeout) {
    model::Job job = ExampleJob(id);
    job.options.idle_timeout = timeout;
    job.options.output_buffer_bytes = 1;
    return (*store_->CreateJob(std::move(job)))->key();
  }

  void Push(const model::JobKey& job, const std::string& chunk_id) {
    std::vector<model::NewChunk> chunks;
    chunks.push_back(ExampleChunk(chunk_id));
    ASSERT_THAT(store::Await<store::PushReceipt>([&](auto done) {
                  store_->PushChunks({job, std::move(chunks)}, std::move(done));
                }),
                IsOk());
  }

  /// Leases the next chunk and commits it, which fills the output buffer.
  void RunOne() {
    const core::Lease lease = *leases_.Acquire();
    leases_.Ran(lease);
    ASSERT_THAT(store::Await<model::JobPtr>([&](auto done) {
                  store_->CommitChunk(ExampleCommit(lease.job->key(), lease.sequence), std::move(done));
                }),
                IsOk());
    leases_.Done(lease);
  }

  JobState StateOf(const model::JobKey& job) { return (*store_->GetJob(job))->state; }

  model::ManualClock clock_{At(0)};
  std::unique_ptr<store::JobStore> store_ = store::MakeModelJobStore(&clock_);
  core::LeaseHub leases_{store_->epoch(), clock_};
  core::PipelineActivity activity_{&clock_};
  IdleCloser closer_{activity_, leases_, *store_};
};

TEST_F(IdleCloserTest, AJobThatWasNeverPushedToCompletesByTimeout) {
  const model::JobKey job = Create();
  clock_.Advance(kTimeout - absl::Nanoseconds(1));
  EXPECT_EQ(closer_.RunOnce(kAll).unused, 0);
  EXPECT_EQ(StateOf(job), JobState::kCreated);
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(closer_.RunOnce(kAll).closed, 1);
  EXPECT_EQ(StateOf(job), JobState::kCompletedByTimeout);
  EXPECT_EQ((*store_->GetJob(job))->state_reason, "nothing was pushed or pulled for 30m");
  EXPECT_EQ(activity_.size(), 0u);
}

TEST_F(IdleCloserTest, APushStartsTheTimeAnew) {
  const model::JobKey job = Create();
  clock_.Advance(absl::Minutes(20));
  Push(job, "c1");
  RunOne();
  clock_.Advance(absl::Minutes(20));
  EXPECT_EQ(closer_.RunOnce(kAll).unused, 0);
  clock_.Advance(absl::Minutes(10));
  EXPECT_EQ(closer_.RunOnce(kAll).closed, 1);
  EXPECT_EQ(StateOf(job), JobState::kCompletedByTimeout);
}

TEST_F(IdleCloserTest, APullStartsTheTimeAnewWhenItsWaitIsOver) {
  const model::JobKey job = Create();
  clock_.Advance(absl::Minutes(20));
  activity_.OnUse(job, absl::Minutes(1));
  clock_.Advance(absl::Minutes(30));
  EXPECT_EQ(closer_.RunOnce(kAll).unused, 0);
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(closer_.RunOnce(kAll).closed, 1);
}

TEST_F(IdleCloserTest, AChunkThatRunsOrMayRunKeepsThePipelineOpen) {
  const model::JobKey job = Create();
  Push(job, "c1");
  clock_.Advance(2 * kTimeout);
  const IdleRun waiting = closer_.RunOnce(kAll);
  EXPECT_EQ(waiting.unused, 1);
  EXPECT_EQ(waiting.closed, 0);
  const core::Lease lease = *leases_.Acquire();
  clock_.Advance(2 * kTimeout);
  EXPECT_EQ(closer_.RunOnce(kAll).closed, 0);
  EXPECT_EQ(StateOf(job), JobState::kInProgress);
  leases_.Done(lease);
}

TEST_F(IdleCloserTest, ChunksThatWaitForAClientToPullAreClosedInAndStillDrain) {
  const model::JobKey job = Create();
  Push(job, "c1");
  Push(job, "c2");
  RunOne();
  clock_.Advance(kTimeout);
  EXPECT_EQ(closer_.RunOnce(kAll).closed, 1);
  EXPECT_EQ(StateOf(job), JobState::kClosedByTimeout);
  ASSERT_THAT(store_->Acknowledge(job, 1, "cursor"), IsOk());
  RunOne();
  EXPECT_EQ(StateOf(job), JobState::kCompletedByTimeout);
}

TEST_F(IdleCloserTest, AJobWithoutATimeoutStaysOpenForEver) {
  const model::JobKey job = Create("job-1", absl::ZeroDuration());
  clock_.Advance(absl::Hours(24 * 365));
  EXPECT_EQ(closer_.RunOnce(kAll).unused, 0);
  EXPECT_EQ(StateOf(job), JobState::kCreated);
}

TEST_F(IdleCloserTest, AClosedPipelineSaysWhyItTakesNoPush) {
  const model::JobKey job = Create();
  clock_.Advance(kTimeout);
  closer_.RunOnce(kAll);
  std::vector<model::NewChunk> chunks;
  chunks.push_back(ExampleChunk("c1"));
  const auto pushed = store::Await<store::PushReceipt>([&](auto done) {
    store_->PushChunks({job, std::move(chunks)}, std::move(done));
  });
  EXPECT_THAT(pushed, IsError(model::Reason::kPipelineClosed));
  EXPECT_EQ(testing::MetadataOf(pushed.status(), "state_reason"), "nothing was pushed or pulled for 30m");
}

TEST_F(IdleCloserTest, ARunLooksAtNoMorePipelinesThanItsLimitAndOnlyAtThoseThatAreDue) {
  for (int i = 0; i < 10'000; ++i) Create(absl::StrCat("later-", i), absl::Hours(2));
  for (int i = 0; i < 5; ++i) Create(absl::StrCat("due-", i));
  clock_.Advance(kTimeout);
  EXPECT_EQ(closer_.RunOnce(3).closed, 3);
  EXPECT_EQ(closer_.RunOnce(3).closed, 2);
  EXPECT_EQ(closer_.RunOnce(3).unused, 0);
  EXPECT_EQ(activity_.size(), 10'000u);
}

}  // namespace
}  // namespace millrace::background
