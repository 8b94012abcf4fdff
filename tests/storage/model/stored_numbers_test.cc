// Numbers that the model shares with the protos.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <string>

#include "millrace/v1/errors.pb.h"
#include "millrace/v1/job.pb.h"
#include "millrace/v1/job_service.pb.h"
#include "millrace/v1/records.pb.h"
#include "storage/model/chunk.h"
#include "storage/model/errors.h"
#include "storage/model/job.h"
#include "storage/model/job_event.h"
#include "storage/model/job_rules.h"

namespace millrace::model {
namespace {

TEST(StoredNumbersTest, ReasonsAreThoseOfTheProto) {
  const google::protobuf::EnumDescriptor* reasons = v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    const google::protobuf::EnumValueDescriptor* value = reasons->value(i);
    EXPECT_EQ(ReasonName(static_cast<Reason>(value->number())), value->name());
  }
}

TEST(StoredNumbersTest, NoReasonIsMissingInTheProto) {
  const google::protobuf::EnumDescriptor* reasons = v1::ErrorReason_descriptor();
  const std::string_view unspecified = ReasonName(Reason::kUnspecified);
  for (int number = 1; number < 1000; ++number) {
    if (ReasonName(static_cast<Reason>(number)) == unspecified) continue;
    EXPECT_NE(reasons->FindValueByNumber(number), nullptr) << ReasonName(static_cast<Reason>(number));
  }
}

TEST(StoredNumbersTest, JobStatesAreThoseOfTheProto) {
  const google::protobuf::EnumDescriptor* states = v1::JobState_descriptor();
  for (int i = 0; i < states->value_count(); ++i) {
    const google::protobuf::EnumValueDescriptor* value = states->value(i);
    if (value->number() == 0) continue;
    const std::string name(JobStateName(static_cast<JobState>(value->number())));
    EXPECT_EQ("JOB_STATE_" + name, value->name());
  }
}

TEST(StoredNumbersTest, KindsOfEventsAreThoseOfTheProto) {
  EXPECT_EQ(static_cast<int>(JobEventKind::kCreated), v1::JOB_EVENT_KIND_CREATED);
  EXPECT_EQ(static_cast<int>(JobEventKind::kStateChanged), v1::JOB_EVENT_KIND_STATE_CHANGED);
  EXPECT_EQ(static_cast<int>(JobEventKind::kVersionChanged), v1::JOB_EVENT_KIND_VERSION_CHANGED);
  EXPECT_EQ(static_cast<int>(JobEventKind::kUpdated), v1::JOB_EVENT_KIND_UPDATED);
  EXPECT_EQ(static_cast<int>(JobEventKind::kFirstException), v1::JOB_EVENT_KIND_FIRST_EXCEPTION);
  EXPECT_EQ(static_cast<int>(JobEventKind::kExceptionsResolved), v1::JOB_EVENT_KIND_EXCEPTIONS_RESOLVED);
  EXPECT_EQ(static_cast<int>(JobEventKind::kSourceRead), v1::JOB_EVENT_KIND_SOURCE_READ);
  EXPECT_EQ(static_cast<int>(JobEventKind::kRecordsRepeated), v1::JOB_EVENT_KIND_RECORDS_REPEATED);
}

TEST(StoredNumbersTest, OutcomesAreThoseOfTheProto) {
  EXPECT_EQ(static_cast<int>(Outcome::kNone), v1::OUTCOME_UNSPECIFIED);
  EXPECT_EQ(static_cast<int>(Outcome::kSucceeded), v1::OUTCOME_SUCCEEDED);
  EXPECT_EQ(static_cast<int>(Outcome::kPartial), v1::OUTCOME_PARTIAL);
  EXPECT_EQ(static_cast<int>(Outcome::kFailedAll), v1::OUTCOME_FAILED_ALL);
}

TEST(StoredNumbersTest, FileFormatsAreThoseOfTheProto) {
  EXPECT_EQ(static_cast<int>(SourceFormat::kUnspecified), v1::FILE_FORMAT_UNSPECIFIED);
  EXPECT_EQ(static_cast<int>(SourceFormat::kJsonLines), v1::FILE_FORMAT_JSONL);
  EXPECT_EQ(static_cast<int>(SourceFormat::kCsv), v1::FILE_FORMAT_CSV);
}

TEST(StoredNumbersTest, AggregationOperatorsAreThoseOfTheProto) {
  EXPECT_EQ(static_cast<int>(AggregationOperator::kSum), v1::SUM);
  EXPECT_EQ(static_cast<int>(AggregationOperator::kCount), v1::COUNT);
  EXPECT_EQ(static_cast<int>(AggregationOperator::kMin), v1::MIN);
  EXPECT_EQ(static_cast<int>(AggregationOperator::kMax), v1::MAX);
  EXPECT_EQ(static_cast<int>(AggregationOperator::kMean), v1::MEAN);
}

}  // namespace
}  // namespace millrace::model
