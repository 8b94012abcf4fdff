#include "client/cpp/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cpp/mocks/mock_connection.h"
#include "tests/client/cpp/fixtures.h"
#include "tests/support/status_matchers.h"

namespace millrace::client {
namespace {

using ::millrace::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::Return;
using ::testing::StrictMock;

v1::Job JobIn(v1::JobState state, v1::PipelineState pipeline_state) {
  v1::Job job = OpenJob();
  job.set_state(state);
  job.set_pipeline_state(pipeline_state);
  return job;
}

class PipelineTest : public ::testing::Test {
 protected:
  Pipeline Attached(const v1::Job& job = OpenJob()) {
    EXPECT_CALL(*connection_, GetJob).WillOnce(Return(job));
    return *Pipeline::Attach(client_, kPipelineId);
  }

  std::shared_ptr<StrictMock<MockConnection>> connection_ = std::make_shared<StrictMock<MockConnection>>();
  Client client_{connection_};
};

TEST_F(PipelineTest, CreateIsAlwaysSafeToRepeat) {
  std::vector<std::string> request_ids;
  EXPECT_CALL(*connection_, CreatePipeline)
      .Times(3)
      .WillRepeatedly([&](const v1::CreatePipelineRequest& request, const CallOptions&) {
        EXPECT_EQ(request.service(), "folder/name");
        request_ids.push_back(request.request_id());
        return OpenJob();
      });
  ASSERT_OK_AND_ASSIGN(const Pipeline pipeline, Pipeline::Create(client_, "folder/name"));
  EXPECT_EQ(pipeline.id(), kPipelineId);
  EXPECT_EQ(pipeline.state(), Pipeline::State::kOpen);
  EXPECT_THAT(Pipeline::Create(client_, "folder/name"), IsOk());
  v1::CreatePipelineRequest request;
  request.set_service("folder/name");
  request.set_request_id("mine");
  EXPECT_THAT(Pipeline::Create(client_, request), IsOk());

  EXPECT_THAT(request_ids[0], ::testing::SizeIs(26));
  EXPECT_NE(request_ids[0], request_ids[1]);
  EXPECT_EQ(request_ids[2], "mine");
}

TEST_F(PipelineTest, AttachLearnsTheState) {
  EXPECT_EQ(Attached().state(), Pipeline::State::kOpen);
  EXPECT_EQ(Attached(JobIn(v1::JOB_STATE_CLOSED, v1::PIPELINE_STATE_CLOSED)).state(), Pipeline::State::kClosed);
  EXPECT_EQ(Attached(JobIn(v1::JOB_STATE_CANCELLED, v1::PIPELINE_STATE_CLOSED)).state(), Pipeline::State::kCancelled);
}

TEST_F(PipelineTest, AttachToNothingIsTheErrorOfTheServer) {
  EXPECT_CALL(*connection_, GetJob).WillOnce(Return(Refusal(absl::StatusCode::kNotFound, v1::PIPELINE_NOT_FOUND)));
  EXPECT_EQ(ErrorReasonOf(Pipeline::Attach(client_, "x").status()), v1::PIPELINE_NOT_FOUND);
}

TEST_F(PipelineTest, PushNamesEveryChunkOnce) {
  Pipeline pipeline = Attached();
  std::vector<std::string> ids;
  EXPECT_CALL(*connection_, Push).WillOnce([&](const v1::PushRequest& request, const CallOptions&) {
    EXPECT_EQ(request.pipeline_id(), kPipelineId);
    for (const v1::Chunk& chunk : request.chunks()) ids.push_back(chunk.id());
    return Stored(request);
  });
  EXPECT_THAT(pipeline.Push({MakeChunk("a", "1\n"), MakeChunk("a", "2\n"), MakeChunk("", "3\n")}), IsOk());
  ASSERT_EQ(ids.size(), 3u);
  EXPECT_EQ(ids[0], "a");
  EXPECT_EQ(ids[1], "a-2");
  EXPECT_FALSE(ids[2].empty());
}

TEST_F(PipelineTest, StatsCountTheRecordsOfEveryStoredChunk) {
  Pipeline pipeline = Attached();
  EXPECT_CALL(*connection_, Push)
      .WillOnce([](const v1::PushRequest& request, const CallOptions&) { return Stored(request); })
      .WillOnce(Return(absl::StatusOr<v1::PushResponse>(Unavailable())));
  EXPECT_THAT(pipeline.Push({MakeChunk("a"), MakeChunk("b")}), IsOk());
  EXPECT_FALSE(pipeline.Push({MakeChunk("c")}).ok());
  const Pipeline copy = pipeline;
  EXPECT_THAT(copy.stats(), ElementsAre(Pair("a", 1), Pair("b", 1)));
}

TEST_F(PipelineTest, AChunkThatWasRefusedMayBeMendedUnderItsId) {
  Pipeline pipeline = Attached();
  EXPECT_CALL(*connection_, Push)
      .WillOnce(Return(absl::StatusOr<v1::PushResponse>(Refusal(absl::StatusCode::kInvalidArgument, v1::CHUNK_EMPTY))))
      .WillOnce([](const v1::PushRequest& request, const CallOptions&) { return Stored(request); });
  EXPECT_EQ(ErrorReasonOf(pipeline.Push({MakeChunk("a", "")}).status()), v1::CHUNK_EMPTY);
  ASSERT_OK_AND_ASSIGN(const v1::PushResponse mended, pipeline.Push({MakeChunk("a", "1\n")}));
  EXPECT_EQ(mended.chunks(0).id(), "a");
}

TEST_F(PipelineTest, PushLinesIsSafeToRepeatAndLetsTheServerCut) {
  Pipeline pipeline = Attached();
  EXPECT_CALL(*connection_, Push).WillOnce([](const v1::PushRequest& request, const CallOptions&) {
    EXPECT_EQ(request.inputs().json_lines(), "{}\n{}\n");
    EXPECT_EQ(request.chunk_size(), 1);
    EXPECT_FALSE(request.request_id().empty());
    return v1::PushResponse();
  });
  EXPECT_THAT(pipeline.PushLines("{}\n{}\n", 1), IsOk());
}

TEST_F(PipelineTest, AClosedPipelineRefusesPushesWithoutACall) {
  Pipeline pipeline = Attached();
  EXPECT_CALL(*connection_, ClosePipeline).WillOnce(Return(JobIn(v1::JOB_STATE_CLOSED, v1::PIPELINE_STATE_CLOSED)));
  EXPECT_THAT(pipeline.Close(), IsOk());
  EXPECT_EQ(pipeline.state(), Pipeline::State::kClosed);
  EXPECT_EQ(pipeline.job().state(), v1::JOB_STATE_CLOSED);
  const absl::Status status = pipeline.Push({MakeChunk("a")}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReasonOf(status), v1::PIPELINE_CLOSED);
  EXPECT_THAT(pipeline.stats(), IsEmpty());
}

TEST_F(PipelineTest, ACancelledPipelineRefusesPushesWithoutACall) {
  Pipeline pipeline = Attached();
  EXPECT_CALL(*connection_, CancelPipeline).WillOnce([](const v1::CancelPipelineRequest& request, const CallOptions&) {
    EXPECT_EQ(request.reason(), "wrong file");
    EXPECT_TRUE(request.force());
    return JobIn(v1::JOB_STATE_CANCELLED, v1::PIPELINE_STATE_CLOSED);
  });
  EXPECT_THAT(pipeline.Cancel("wrong file", /*force=*/true), IsOk());
  EXPECT_EQ(pipeline.state(), Pipeline::State::kCancelled);
  EXPECT_EQ(ErrorReasonOf(pipeline.Push({MakeChunk("a")}).status()), v1::PIPELINE_CANCELLED);
}

TEST_F(PipelineTest, ARefusedPushSaysWhyTheJobEnded) {
  v1::Job failed = JobIn(v1::JOB_STATE_FAILED, v1::PIPELINE_STATE_CLOSED);
  failed.set_state_reason("stop_on_error: record 0 of chunk 2 failed with BAD");
  Pipeline pipeline = Attached(failed);
  EXPECT_EQ(pipeline.PushLines("{}\n").status().message(),
            "the pipeline is closed: stop_on_error: record 0 of chunk 2 failed with BAD");
}

TEST_F(PipelineTest, ARefusedPushTellsWhatOthersDid) {
  Pipeline pipeline = Attached();
  EXPECT_CALL(*connection_, Push)
      .WillOnce(Return(
          absl::StatusOr<v1::PushResponse>(Refusal(absl::StatusCode::kFailedPrecondition, v1::PIPELINE_CANCELLED))));
  EXPECT_FALSE(pipeline.Push({MakeChunk("a")}).ok());
  EXPECT_EQ(pipeline.state(), Pipeline::State::kCancelled);
}

TEST_F(PipelineTest, StatusTellsWhatOthersDidAndAnEndIsForGood) {
  Pipeline pipeline = Attached();
  v1::PipelineStatus closed, late;
  closed.set_state(v1::JOB_STATE_CLOSED_BY_TIMEOUT);
  closed.set_pipeline_state(v1::PIPELINE_STATE_CLOSED);
  late.set_state(v1::JOB_STATE_IN_PROGRESS);
  late.set_pipeline_state(v1::PIPELINE_STATE_OPEN);
  EXPECT_CALL(*connection_, GetPipelineStatus).WillOnce(Return(closed)).WillOnce(Return(late));
  EXPECT_THAT(pipeline.Status(), IsOk());
  EXPECT_EQ(pipeline.state(), Pipeline::State::kClosed);
  EXPECT_THAT(pipeline.Status(), IsOk());
  EXPECT_EQ(pipeline.state(), Pipeline::State::kClosed);
}

TEST_F(PipelineTest, HelpersRefuseWrongOptions) {
  Pipeline pipeline = Attached();
  EXPECT_EQ(ErrorReasonOf(pipeline.NewPusher({.max_calls_in_flight = 0}).status()), v1::FIELD_INVALID);
  EXPECT_EQ(ErrorReasonOf(pipeline.NewPuller({.page_size = 0}).status()), v1::FIELD_INVALID);
}

}  // namespace
}  // namespace millrace::client
