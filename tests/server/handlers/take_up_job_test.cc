// A job that has ended is taken up while something of it is still on its way.
#include <gmock/gmock.h>

#include <optional>
#include <string>
#include <utility>

#include "storage/model/errors.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using ::testing::HasSubstr;
using testing::IsError;
using testing::IsOk;

class TakeUpJobTest : public HandlersFixture {
 protected:
  absl::StatusOr<v1::RetryJobResponse> TakeUp(const std::string& job, bool preview = false) {
    v1::RetryJobRequest request;
    request.set_job_id(job);
    request.set_allow_cancelled(true);
    request.set_preview(preview);
    return RetryJob(request, call_, deps_);
  }

  model::JobPtr Job(const std::string& job) { return *store_->GetJob(call_.job(job)); }
};

TEST_F(TakeUpJobTest, ChunksThatStillRunAreWaitedForAndAForcedCancelIsFinal) {
  const std::string job = CreateDoublerPipeline();
  ASSERT_THAT(PushLines(job, "{\"n\":1}\n"), IsOk());
  ASSERT_THAT(PushLines(job, "{\"n\":1}\n{\"n\":2}\n"), IsOk());
  const std::optional<core::Lease> lease = hub_.Acquire();
  ASSERT_THAT(store_->CancelJob(call_.job(job), "enough", false), IsOk());
  const absl::Status running = TakeUp(job).status();
  EXPECT_THAT(running, IsError(Reason::kJobNotFinished));
  EXPECT_GT(model::DetailsOf(running).retry_after, absl::ZeroDuration());
  hub_.Done(*lease);
  ASSERT_THAT(store_->CancelJob(call_.job(job), "enough", true), IsOk());
  for (const bool preview : {true, false}) {
    const absl::Status gone = TakeUp(job, preview).status();
    EXPECT_THAT(gone, IsError(Reason::kPipelineCancelled));
    EXPECT_THAT(std::string(gone.message()), HasSubstr("2 chunks that did not run, with 3 records"));
  }
}

// Readers see an end a little before who hands out chunks does: one that is handed out in between would run twice.
TEST_F(TakeUpJobTest, AnEndThatIsNotHeardYetIsWaitedFor) {
  const std::string job = CreateDoublerPipeline();
  ASSERT_THAT(PushLines(job, "{\"n\":1}\n"), IsOk());
  store_->SetObserver(nullptr);
  ASSERT_THAT(store_->CancelJob(call_.job(job), "enough", false), IsOk());
  for (const bool preview : {true, false}) {
    const absl::Status early = TakeUp(job, preview).status();
    EXPECT_THAT(early, IsError(Reason::kJobNotFinished));
    EXPECT_GT(model::DetailsOf(early).retry_after, absl::ZeroDuration());
  }
  EXPECT_EQ(Job(job)->state, model::JobState::kCancelled);
  hub_.OnJobChanged(Job(job));
  EXPECT_THAT(TakeUp(job), IsOk());
}

TEST_F(TakeUpJobTest, ItTellsWhatTheLatestEndLeft) {
  const std::string job = CreateDoublerPipeline();
  ASSERT_THAT(PushLines(job, "{\"n\":1}\n"), IsOk());
  ASSERT_THAT(PushLines(job, "{\"n\":2}\n{\"n\":3}\n"), IsOk());
  ASSERT_THAT(store_->CancelJob(call_.job(job), "enough", false), IsOk());
  EXPECT_EQ(TakeUp(job)->taken_up_record_count(), 3);
  const std::optional<core::Lease> lease = hub_.Acquire();
  model::ChunkCommit commit{.job = call_.job(job), .sequence = 1, .epoch = store_->epoch(), .attempt = 1};
  commit.outcome = {.json_lines = "{\"twice\":2}\n", .record_count = 1};
  ASSERT_THAT(store::Await<model::JobPtr>([&](auto done) { store_->CommitChunk(commit, std::move(done)); }), IsOk());
  hub_.Done(*lease);
  ASSERT_THAT(store_->CancelJob(call_.job(job), "enough again", false), IsOk());
  const auto taken_up = TakeUp(job);
  ASSERT_THAT(taken_up, IsOk());
  EXPECT_EQ(taken_up->taken_up_chunk_count(), 1);
  EXPECT_EQ(taken_up->taken_up_record_count(), 2);
}

}  // namespace
}  // namespace millrace::handlers
