#include "storage/model/retention_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

Job Ended() {
  Job job = ExampleJob();
  job.state = JobState::kCompleted;
  job.complete_time = At(100);
  job.options.retention = absl::Seconds(10);
  return job;
}

TEST(RetentionRulesTest, AJobExpiresItsRetentionAfterItsEnd) {
  const Job job = Ended();
  EXPECT_EQ(ExpireTime(job), At(110));
  EXPECT_EQ(ExpirationOf(job, At(109)), Expiration::kKept);
  EXPECT_EQ(ExpirationOf(job, At(110)), Expiration::kDeleted);
}

TEST(RetentionRulesTest, WhatRunsIsKeptForEverOrHasSomethingUnresolvedDoesNotExpire) {
  Job job = Ended();
  job.state = JobState::kInProgress;
  EXPECT_EQ(ExpireTime(job), absl::InfiniteFuture());
  job = Ended();
  job.options.retention = absl::ZeroDuration();
  EXPECT_EQ(ExpireTime(job), absl::InfiniteFuture());
  job = Ended();
  job.counters.records_failed = 1;
  EXPECT_EQ(ExpireTime(job), absl::InfiniteFuture());
  EXPECT_EQ(ExpirationOf(job, At(1'000)), Expiration::kKept);
}

TEST(RetentionRulesTest, ADroppedJobStaysAndIsNotAtWorkAgain) {
  Job job = Ended();
  job.counters.records_failed = 1;
  job.options.drop_unresolved_exceptions = true;
  EXPECT_THAT(CheckNotDropped(job), IsOk());
  EXPECT_EQ(ExpirationOf(job, At(110)), Expiration::kDropped);
  ApplyDrop(job, At(111));
  EXPECT_EQ(ExpirationOf(job, At(1'000)), Expiration::kKept);
  EXPECT_EQ(job.drop_time, At(111));
  EXPECT_THAT(CheckNotDropped(job), IsError(Reason::kJobExpired));
}

TEST(RetentionRulesTest, EventsNameEachGroupThatIsUnresolved) {
  std::vector<ExceptionGroup> groups;
  for (int i = 0; i < 41; ++i) {
    groups.push_back({.fingerprint = absl::StrCat("print-", i), .node = "n", .code = "BAD", .count = 5});
  }
  groups[3].settled_count = 5;
  groups[4].settled_count = 2;
  groups[4].sample_message = "no price";
  const std::vector<JobEvent> events = DropEvents(groups, At(1));
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].kind, JobEventKind::kExceptionsDropped);
  EXPECT_THAT(events[0].detail, StartsWith("retention: 5 of print-0 (n BAD: ); 5 of print-1 "));
  EXPECT_THAT(events[0].detail, HasSubstr("; 3 of print-4 (n BAD: no price); "));
  EXPECT_THAT(events[0].detail, Not(HasSubstr("print-3 "))) << "it is settled";
  EXPECT_THAT(events[1].detail, StartsWith("retention: 5 of print-21 "));
  EXPECT_THAT(events[1].detail, HasSubstr("print-40 "));
}

TEST(RetentionRulesTest, OnlyAnUnfinishedReaderOfThisVeryJobReadsIt) {
  Job job = Ended();
  job.create_time = At(1);
  Job reader = ExampleJob("reader");
  reader.source = {.kind = SourceKind::kExceptions, .job_id = job.id, .job_create_time = job.create_time};
  EXPECT_TRUE(Reads(reader, job));
  reader.source.job_create_time = At(2);
  EXPECT_FALSE(Reads(reader, job)) << "that was another job of the name";
  reader.source.job_create_time = At(1);
  reader.state = JobState::kFailed;
  EXPECT_FALSE(Reads(reader, job));
  EXPECT_FALSE(Reads(ExampleJob("other"), job));
}

}  // namespace
}  // namespace millrace::model
