#include <string>

#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using testing::IsError;
using testing::IsOk;

class PullTest : public HandlersFixture {
 protected:
  PullTest() : id_(CreateDoublerPipeline()) {
    request_.set_pipeline_id(id_);
    StartWorkers();
  }

  void PushChunks(int count) {
    for (int i = 0; i < count; ++i) ASSERT_THAT(PushLines(id_, "{\"n\":" + std::to_string(i + 1) + "}\n"), IsOk());
    AwaitCommitted(id_);
  }

  absl::StatusOr<v1::PullResponse> PullIt() { return Pull(request_, call_, deps_); }

  const std::string id_;
  v1::PullRequest request_;
};

TEST_F(PullTest, ARetryRepeatsWhatALostReplyCarried) {
  PushChunks(3);
  ASSERT_OK_AND_ASSIGN(const v1::PullResponse first, PullIt());
  ASSERT_OK_AND_ASSIGN(const v1::PullResponse second, PullIt());
  ASSERT_EQ(first.results_size(), 3);
  ASSERT_EQ(second.results_size(), 3);
  EXPECT_EQ(first.results(0).SerializeAsString(), second.results(0).SerializeAsString());
  EXPECT_EQ(first.cursor(), 3);
}

TEST_F(PullTest, AfterAcknowledgesAndReadsBehindIt) {
  PushChunks(3);
  request_.set_after(2);
  ASSERT_OK_AND_ASSIGN(const v1::PullResponse response, PullIt());
  ASSERT_EQ(response.results_size(), 1);
  EXPECT_EQ(response.results(0).number(), 3);
  EXPECT_EQ(response.status().acknowledged_result(), 2);
  EXPECT_EQ(response.status().chunks_available(), 1);
  EXPECT_EQ(response.status().records_available(), 1);
  EXPECT_EQ(response.status().output_buffer_used_bytes(),
            static_cast<int64_t>(response.results(0).json_lines().size()));
}

TEST_F(PullTest, AcknowledgedResultsCanBeReadAgain) {
  PushChunks(3);
  request_.set_after(3);
  ASSERT_THAT(PullIt(), IsOk());
  request_.set_after(0);
  ASSERT_OK_AND_ASSIGN(const v1::PullResponse response, PullIt());
  EXPECT_EQ(response.results_size(), 3);
  EXPECT_EQ(response.status().acknowledged_result(), 3) << "reading back takes no acknowledgement away";
}

TEST_F(PullTest, AutoAcknowledgeCountsWhatTheReplyCarriesAsTaken) {
  PushChunks(3);
  request_.set_auto_acknowledge(true);
  request_.set_max_chunks(2);
  ASSERT_OK_AND_ASSIGN(const v1::PullResponse first, PullIt());
  EXPECT_EQ(first.results_size(), 2);
  EXPECT_EQ(first.status().acknowledged_result(), 2);
  ASSERT_OK_AND_ASSIGN(const v1::PullResponse second, PullIt());
  ASSERT_EQ(second.results_size(), 1);
  EXPECT_EQ(second.results(0).number(), 3);
  EXPECT_EQ(second.status().output_buffer_used_bytes(), 0);
}

TEST_F(PullTest, ACursorFromTheFutureIsRefusedWithTheNewest) {
  PushChunks(1);
  request_.set_after(2);
  const absl::Status status = PullIt().status();
  EXPECT_THAT(status, IsError(Reason::kCursorInFuture));
  EXPECT_EQ(testing::MetadataOf(status, "newest"), "1");
}

TEST_F(PullTest, EachBadFieldIsNamed) {
  v1::PullRequest request = request_;
  request.set_after(-1);
  EXPECT_EQ(FieldOf(Pull(request, call_, deps_).status()), "after");
  request = request_;
  request.set_max_chunks(-1);
  EXPECT_EQ(FieldOf(Pull(request, call_, deps_).status()), "max_chunks");
  request.set_max_chunks(1'001);
  EXPECT_EQ(FieldOf(Pull(request, call_, deps_).status()), "max_chunks");
  request = request_;
  request.set_encoding(static_cast<v1::ResultEncoding>(9));
  EXPECT_EQ(FieldOf(Pull(request, call_, deps_).status()), "encoding");
  request = request_;
  request.clear_pipeline_id();
  EXPECT_EQ(FieldOf(Pull(request, call_, deps_).status()), "pipeline_id");
  request.set_pipeline_id("nobody");
  EXPECT_THAT(Pull(request, call_, deps_), IsError(Reason::kPipelineNotFound));
  request = request_;
  request.mutable_wait()->set_seconds(61);
  EXPECT_EQ(FieldOf(PullWait(request).status()), "wait");
  request.mutable_wait()->set_seconds(-1);
  EXPECT_EQ(FieldOf(PullWait(request).status()), "wait");
}

TEST_F(PullTest, StructEncodingHasAValueForEachRecordAndNullWhereItFailed) {
  ASSERT_THAT(PushLines(id_, "{\"n\":1}\n{}\n"), IsOk());
  AwaitCommitted(id_);
  request_.set_encoding(v1::RESULT_ENCODING_STRUCT);
  ASSERT_OK_AND_ASSIGN(const v1::PullResponse response, PullIt());
  ASSERT_EQ(response.results(0).outputs_size(), 2);
  EXPECT_EQ(response.results(0).outputs(0).struct_value().fields().at("twice").number_value(), 2);
  EXPECT_EQ(response.results(0).outputs(1).kind_case(), google::protobuf::Value::kNullValue);
  EXPECT_TRUE(response.results(0).json_lines().empty());
}

TEST_F(PullTest, IsDrainedOnlyAtTheEndOfAClosedPipeline) {
  PushChunks(2);
  request_.set_max_chunks(1);
  EXPECT_FALSE(PullIt()->drained()) << "open";
  v1::ClosePipelineRequest close;
  close.set_pipeline_id(id_);
  ASSERT_OK_AND_ASSIGN(const v1::Job job, ClosePipeline(close, call_, deps_));
  EXPECT_EQ(job.state(), v1::JOB_STATE_COMPLETED);
  EXPECT_EQ(job.outcome(), v1::OUTCOME_SUCCEEDED);
  EXPECT_FALSE(PullIt()->drained()) << "one more result follows";
  request_.set_after(1);
  EXPECT_TRUE(PullIt()->drained());
}

TEST_F(PullTest, AForcedCancelDiscardsWhatWasNotAcknowledged) {
  PushChunks(3);
  request_.set_after(1);
  ASSERT_THAT(PullIt(), IsOk());
  v1::CancelPipelineRequest cancel;
  cancel.set_pipeline_id(id_);
  cancel.set_force(true);
  cancel.set_reason("wrong file");
  ASSERT_OK_AND_ASSIGN(const v1::Job job, CancelPipeline(cancel, call_, deps_));
  EXPECT_EQ(job.state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(job.state_reason(), "wrong file");
  ASSERT_OK_AND_ASSIGN(const v1::PullResponse response, PullIt());
  EXPECT_EQ(response.results_size(), 0);
  EXPECT_TRUE(response.drained());
  EXPECT_EQ(response.status().output_buffer_used_bytes(), 0);
}

TEST_F(PullTest, ADrainingCancelKeepsResultsPullable) {
  PushChunks(3);
  v1::CancelPipelineRequest cancel;
  cancel.set_pipeline_id(id_);
  ASSERT_THAT(CancelPipeline(cancel, call_, deps_), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::PullResponse response, PullIt());
  EXPECT_EQ(response.results_size(), 3);
}

TEST_F(PullTest, AcknowledgeIsIdempotentAndNeverGoesBack) {
  PushChunks(3);
  v1::AcknowledgeRequest request;
  request.set_pipeline_id(id_);
  for (const int64_t cursor : {2, 2, 1, 0}) {
    request.set_cursor(cursor);
    ASSERT_OK_AND_ASSIGN(const v1::AcknowledgeResponse response, Acknowledge(request, call_, deps_));
    EXPECT_EQ(response.status().acknowledged_result(), 2);
  }
}

TEST_F(PullTest, CallsThatChangeNothingKeepAnIdlePipelineOpen) {
  core::PipelineActivity activity(&clock_);
  Deps deps = {.store = *store_,
               .leases = hub_,
               .compiler = *compiler_,
               .clock = clock_,
               .ids = ids_,
               .server = {},
               .activity = &activity};
  activity.OnJobChanged(*store_->GetJob(call_.job(id_)));
  request_.mutable_wait()->set_seconds(60);
  v1::AcknowledgeRequest acknowledge;
  acknowledge.set_pipeline_id(id_);
  clock_.Advance(model::kIdleTimeoutDefault);
  ASSERT_THAT(Pull(request_, call_, deps), IsOk());
  clock_.Advance(model::kIdleTimeoutDefault);
  EXPECT_TRUE(activity.TakeUnused(1).empty()) << "the pull may still wait until a minute ago";
  ASSERT_THAT(Acknowledge(acknowledge, call_, deps), IsOk());
  clock_.Advance(model::kIdleTimeoutDefault);
  EXPECT_FALSE(activity.TakeUnused(1).empty());
}

}  // namespace
}  // namespace millrace::handlers
