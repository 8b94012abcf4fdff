#include "storage/model/bulk_rules.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "storage/model/built_in.h"
#include "storage/model/chunk_sizing.h"
#include "tests/support/factories.h"

namespace millrace::model {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleJob;

Job Bulk() {
  Job bulk = ExampleJob("bulk");
  bulk.create_time = At(1);
  bulk.state = JobState::kInProgress;
  return bulk;
}

Job ChildOf(const Job& bulk) {
  Job child = ExampleJob("child");
  child.parent = {.job_id = bulk.id, .job_create_time = bulk.create_time, .sequence = 3};
  child.state = JobState::kInProgress;
  return child;
}

TEST(BulkRulesTest, AJobIsTheChildOfTheBulkRunThatMadeItAndOfNoLaterOneUnderItsId) {
  const Job bulk = Bulk();
  EXPECT_TRUE(IsChildOf(ChildOf(bulk), bulk));
  EXPECT_FALSE(IsChildOf(ExampleJob("other"), bulk));
  Job later = bulk;
  later.create_time = At(2);
  EXPECT_FALSE(IsChildOf(ChildOf(bulk), later));
  Job elsewhere = bulk;
  elsewhere.tenant = "other";
  EXPECT_FALSE(IsChildOf(ChildOf(bulk), elsewhere));
}

TEST(BulkRulesTest, AChildIsNeededUntilItsOutcomeIsCommittedOrNobodyWantsItAnyMore) {
  Job bulk = Bulk();
  const Job child = ChildOf(bulk);
  EXPECT_TRUE(NeedsChild(bulk, ChunkState::kPending, child));
  EXPECT_FALSE(NeedsChild(bulk, ChunkState::kCommitted, child));
  bulk.state = JobState::kPaused;
  EXPECT_TRUE(NeedsChild(bulk, ChunkState::kPending, child));
  bulk.state = JobState::kFailed;
  EXPECT_FALSE(NeedsChild(bulk, ChunkState::kPending, child));
}

TEST(BulkRulesTest, ACancelledBulkRunCancelsItsChildrenAndAFailedOneDoesNot) {
  Job bulk = Bulk();
  Job child = ChildOf(bulk);
  EXPECT_FALSE(MustCancelChild(bulk, child));
  bulk.state = JobState::kFailed;
  EXPECT_FALSE(MustCancelChild(bulk, child));
  bulk.state = JobState::kCancelled;
  EXPECT_TRUE(MustCancelChild(bulk, child));
  child.state = JobState::kCompleted;
  EXPECT_FALSE(MustCancelChild(bulk, child));
}

TEST(BulkRulesTest, EachAttemptAtEachRecordHasARequestIdOfItsOwnThatNoCallerCanUse) {
  const ParentRecord record{.job_id = "bulk", .job_create_time = At(1), .sequence = 3, .index = 2, .attempt = 1};
  std::set<std::string> ids = {ChildRequestId(record)};
  for (const auto change :
       {+[](ParentRecord& other) { other.job_id = "bulk2"; },
        +[](ParentRecord& other) { other.job_create_time = At(2); }, +[](ParentRecord& other) { other.sequence = 4; },
        +[](ParentRecord& other) { other.index = 3; }, +[](ParentRecord& other) { other.attempt = 2; }}) {
    ParentRecord other = record;
    change(other);
    EXPECT_TRUE(ids.insert(ChildRequestId(other)).second) << ChildRequestId(other);
  }
  EXPECT_EQ(ChildRequestId(record), *ids.find(ChildRequestId(record)));
  for (const std::string& id : ids) EXPECT_NE(id.find('/'), std::string::npos);
}

TEST(BulkRulesTest, WhereTheServerCutsARecordOfABulkRunIsAChunk) {
  Job job = ExampleJob();
  job.counters.records_completed = 1'000;
  job.counters.compute_nanos = 1'000;
  EXPECT_GT(RecordsPerChunk(job, 10), 1);
  job.service = kJobsService;
  EXPECT_EQ(RecordsPerChunk(job, 10), 1);
}

TEST(BuiltInTest, TheJobsServiceIsFoundByNameAndById) {
  EXPECT_EQ(FindBuiltIn("millrace/jobs"), &JobsService());
  EXPECT_EQ(FindBuiltInVersion(JobsService().version_id), &JobsService());
  EXPECT_EQ(FindBuiltIn("millrace/job"), nullptr);
  EXPECT_EQ(FindBuiltInVersion(""), nullptr);
}

}  // namespace
}  // namespace millrace::model
