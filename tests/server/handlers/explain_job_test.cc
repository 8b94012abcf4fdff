#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "server/handlers/job_handlers.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using ::millrace::testing::IsError;
using ::testing::HasSubstr;

class ExplainJobTest : public HandlersFixture {
 protected:
  absl::StatusOr<v1::ExplainJobResponse> Explain(const std::string& id, int64_t sequence = 0) {
    v1::ExplainJobRequest request;
    request.set_job_id(id);
    request.set_sequence(sequence);
    return ExplainJob(request, call_, deps_);
  }
};

TEST_F(ExplainJobTest, AThrottledJobSaysWhenItsNextChunkStarts) {
  CreateService();
  v1::CreatePipelineRequest create;
  create.set_service("demo/doubler");
  create.mutable_options()->mutable_throttle()->set_records_per_second(2);
  ASSERT_OK_AND_ASSIGN(const v1::Job job, CreatePipeline(create, call_, deps_));
  ASSERT_OK_AND_ASSIGN(const auto created, Explain(job.id()));
  EXPECT_EQ(created.reason(), v1::EXPLAIN_REASON_WAITING_FOR_PUSH);

  for (int i = 0; i < 2; ++i) ASSERT_THAT(PushLines(job.id(), "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"), testing::IsOk());
  ASSERT_OK_AND_ASSIGN(const auto waiting, Explain(job.id()));
  EXPECT_EQ(waiting.reason(), v1::EXPLAIN_REASON_WAITING_FOR_WORKER);
  EXPECT_EQ(waiting.queue_position(), 1);
  EXPECT_EQ(waiting.workers(), 4);
  EXPECT_EQ(waiting.chunks_ahead(), 2);
  EXPECT_EQ(waiting.records_ahead(), 6);

  hub_.Sized(*hub_.Acquire(), 3);
  ASSERT_OK_AND_ASSIGN(const auto throttled, Explain(job.id()));
  EXPECT_EQ(throttled.reason(), v1::EXPLAIN_REASON_THROTTLED);
  EXPECT_EQ(throttled.chunks_running(), 1);
  EXPECT_EQ(throttled.next_time().seconds(), absl::ToUnixSeconds(clock_.Now()) + 1);
  EXPECT_EQ(throttled.next_time().nanos(), 500'000'000);
  EXPECT_THAT(throttled.explanation(), HasSubstr("throttled to 2 records a second"));
  ASSERT_OK_AND_ASSIGN(const auto chunk, Explain(job.id(), 2));
  EXPECT_EQ(chunk.reason(), v1::EXPLAIN_REASON_THROTTLED);
  EXPECT_EQ(chunk.sequence(), 2);
}

TEST_F(ExplainJobTest, TheThrottleHoldsRealWorkersToo) {
  CreateService();
  v1::CreatePipelineRequest create;
  create.set_service("demo/doubler");
  create.mutable_options()->mutable_throttle()->set_records_per_second(2);
  ASSERT_OK_AND_ASSIGN(const v1::Job job, CreatePipeline(create, call_, deps_));
  ASSERT_THAT(PushLines(job.id(), "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"), testing::IsOk());
  StartWorkers();
  AwaitCommitted(job.id());
  ASSERT_THAT(PushLines(job.id(), "{\"n\":4}\n"), testing::IsOk());
  ASSERT_OK_AND_ASSIGN(const auto throttled, Explain(job.id()));
  EXPECT_EQ(throttled.reason(), v1::EXPLAIN_REASON_THROTTLED) << throttled.explanation();
  clock_.Advance(absl::Milliseconds(1'500));
  AwaitCommitted(job.id());
}

TEST_F(ExplainJobTest, RefusesJobsAndChunksThatAreNotThere) {
  const std::string id = CreateDoublerPipeline();
  EXPECT_THAT(Explain("none"), IsError(model::Reason::kPipelineNotFound));
  EXPECT_EQ(FieldOf(Explain(id, 1).status()), "sequence");
  EXPECT_EQ(FieldOf(Explain(id, -1).status()), "sequence");
}

TEST(ExplainReasonTest, EveryHoldIsAReason) {
  const google::protobuf::EnumDescriptor* reasons = v1::ExplainReason_descriptor();
  const int last = static_cast<int>(core::Hold::kStorageRefuses);
  EXPECT_EQ(reasons->value_count(), last + 1) << "besides EXPLAIN_REASON_UNSPECIFIED";
  for (int number = 0; number <= last; ++number) EXPECT_NE(reasons->FindValueByNumber(number), nullptr) << number;
  EXPECT_EQ(static_cast<int>(core::Hold::kThrottled), v1::EXPLAIN_REASON_THROTTLED);
  EXPECT_EQ(static_cast<int>(core::Hold::kNoMatchingWorker), v1::EXPLAIN_REASON_NO_MATCHING_WORKER);
}

}  // namespace
}  // namespace millrace::handlers
