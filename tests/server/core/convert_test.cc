#include <gtest/gtest.h>

#include "google/protobuf/descriptor.h"
#include "millrace/v1/errors.pb.h"
#include "millrace/v1/job.pb.h"
#include "server/core/convert.h"
#include "storage/model/errors.h"
#include "storage/model/job.h"

namespace millrace::core {
namespace {

TEST(ConvertTest, TheReasonsOfTheModelAreThoseOfTheApi) {
  const google::protobuf::EnumDescriptor& reasons = *v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons.value_count(); ++i) {
    const google::protobuf::EnumValueDescriptor& value = *reasons.value(i);
    EXPECT_EQ(model::ReasonName(static_cast<model::Reason>(value.number())), value.name());
  }
}

TEST(ConvertTest, EveryReasonHasACodeThatTellsWhatToDo) {
  const google::protobuf::EnumDescriptor& reasons = *v1::ErrorReason_descriptor();
  for (int i = 1; i < reasons.value_count(); ++i) {
    const auto reason = static_cast<model::Reason>(reasons.value(i)->number());
    EXPECT_NE(model::MakeError(reason, "x").code(), absl::StatusCode::kUnknown) << reasons.value(i)->name();
  }
}

TEST(ConvertTest, JobStatesAndOutcomesHaveTheNumbersOfTheApi) {
  EXPECT_EQ(static_cast<int>(model::JobState::kCreated), v1::JOB_STATE_CREATED);
  EXPECT_EQ(static_cast<int>(model::JobState::kInProgress), v1::JOB_STATE_IN_PROGRESS);
  EXPECT_EQ(static_cast<int>(model::JobState::kPaused), v1::JOB_STATE_PAUSED);
  EXPECT_EQ(static_cast<int>(model::JobState::kClosed), v1::JOB_STATE_CLOSED);
  EXPECT_EQ(static_cast<int>(model::JobState::kClosedByTimeout), v1::JOB_STATE_CLOSED_BY_TIMEOUT);
  EXPECT_EQ(static_cast<int>(model::JobState::kCompleted), v1::JOB_STATE_COMPLETED);
  EXPECT_EQ(static_cast<int>(model::JobState::kCompletedByTimeout), v1::JOB_STATE_COMPLETED_BY_TIMEOUT);
  EXPECT_EQ(static_cast<int>(model::JobState::kFailed), v1::JOB_STATE_FAILED);
  EXPECT_EQ(static_cast<int>(model::JobState::kCancelled), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(static_cast<int>(model::Outcome::kSucceeded), v1::OUTCOME_SUCCEEDED);
  EXPECT_EQ(static_cast<int>(model::Outcome::kPartial), v1::OUTCOME_PARTIAL);
  EXPECT_EQ(static_cast<int>(model::Outcome::kFailedAll), v1::OUTCOME_FAILED_ALL);
}

TEST(ConvertTest, NoQuantileLiesAboveTheLongestTime) {
  model::NodeStatistics statistics;
  statistics.run_times.Add(1'000'003);
  statistics.max_nanos = 1'000'003;
  const v1::NodeStatistics proto = ToProto("node", statistics);
  EXPECT_EQ(proto.p95().nanos(), 1'000'003);
  EXPECT_EQ(proto.max().nanos(), 1'000'003);
}

}  // namespace
}  // namespace millrace::core
