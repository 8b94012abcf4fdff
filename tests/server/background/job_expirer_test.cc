#include "server/background/job_expirer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/model/schedule_rules.h"
#include "storage/store/model_job_store.h"
#include "storage/store/schedule_store.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"

namespace millrace::background {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;

class JobExpirerTest : public ::testing::Test {
 protected:
  JobExpirerTest() { EXPECT_THAT(store_->CreateServiceVersion(ExampleVersion()), IsOk()); }

  model::JobKey EndJob(const std::string& id, absl::Duration retention, const std::string& reads = "") {
    model::Job job = ExampleJob(id);
    job.options.retention = retention;
    model::JobKey key{std::string(millrace::testing::kTenant), id};
    if (!reads.empty()) {
      const absl::StatusOr<model::JobPtr> read = store_->GetJob({key.tenant, reads});
      job.source = {.kind = model::SourceKind::kResults, .job_id = reads, .job_create_time = (*read)->create_time};
    }
    EXPECT_THAT(store_->CreateJob(job), IsOk());
    if (reads.empty()) {
      EXPECT_THAT(store_->CloseJob(key), IsOk());
    }
    return key;
  }

  model::ManualClock clock_{At(0)};
  std::unique_ptr<store::JobStore> store_ = store::MakeModelJobStore(&clock_);
  core::LeaseHub leases_{1, clock_};
  JobExpirer expirer_{*store_, leases_, clock_};
};

TEST_F(JobExpirerTest, WhatIsDueGoesAndTheRestStays) {
  const model::JobKey due = EndJob("due", absl::Hours(1));
  const model::JobKey later = EndJob("later", absl::Hours(2));
  EXPECT_EQ(expirer_.RunOnce(10).looked_at, 0);
  clock_.Advance(absl::Hours(1));
  const ExpirerRun run = expirer_.RunOnce(10);
  EXPECT_EQ(run.looked_at, 1);
  EXPECT_EQ(run.deleted, 1);
  EXPECT_THAT(store_->GetJob(due), IsError(model::Reason::kPipelineNotFound));
  EXPECT_THAT(store_->GetJob(later), IsOk());
  EXPECT_EQ(expirer_.RunOnce(10).looked_at, 0);
}

TEST_F(JobExpirerTest, AnEndThatWhoHandsOutChunksHasNotHeardYetIsWaitedFor) {
  leases_.OnJobChanged(std::make_shared<const model::Job>(ExampleJob("due")));
  const model::JobKey due = EndJob("due", absl::Hours(1));
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(expirer_.RunOnce(10).kept, 1);
  leases_.OnJobChanged(*store_->GetJob(due));
  EXPECT_EQ(expirer_.RunOnce(10).deleted, 1);
}

TEST_F(JobExpirerTest, JobsThatStayForNowDoNotHoldUpThoseBehindThem) {
  for (int i = 0; i < 3; ++i) {
    const std::string id = absl::StrCat("read-", i);
    EndJob(id, absl::Minutes(1));
    EndJob(absl::StrCat("reader-", i), absl::ZeroDuration(), id);
  }
  EndJob("behind", absl::Minutes(2));
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(expirer_.RunOnce(2).kept, 2);
  const ExpirerRun second = expirer_.RunOnce(2);
  EXPECT_EQ(second.kept, 1);
  EXPECT_EQ(second.deleted, 1);
  EXPECT_EQ(expirer_.RunOnce(2).looked_at, 0) << "the end of the list";
  EXPECT_EQ(expirer_.RunOnce(2).kept, 2) << "and from its begin again";
}

TEST_F(JobExpirerTest, TheJobOfARunStaysUntilItsScheduleHasSeenItsEnd) {
  model::Schedule schedule;
  schedule.tenant = std::string(millrace::testing::kTenant);
  schedule.id = "nightly";
  schedule.uid = "uid";
  schedule.definition.recurrence = {.kind = model::RecurrenceKind::kInterval, .interval = absl::Hours(1)};
  ASSERT_THAT(store_->schedules().CreateSchedule(schedule), IsOk());
  const auto change = [&](auto rule) {
    ASSERT_THAT(
        store_->schedules().ChangeSchedule(
            schedule.key(), [&](model::ScheduleChange& change) -> absl::StatusOr<bool> { return rule(change); }),
        IsOk());
  };
  change([](model::ScheduleChange& change) { return model::ApplyTrigger(change, "", "ann", At(0)) == 1; });
  model::Job job = ExampleJob("run-1");
  job.options.retention = absl::Minutes(1);
  job.request_id = model::RunRequestId({"uid", 1});
  ASSERT_THAT(store_->CreateJob(job), IsOk());
  ASSERT_THAT(store_->CloseJob(job.key()), IsOk());
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(expirer_.RunOnce(10).kept, 1);

  const absl::StatusOr<model::JobPtr> ended = store_->GetJob(job.key());
  change([&](model::ScheduleChange& change) { return model::ApplySubmitted(change, {"uid", 1}, **ended); });
  EXPECT_EQ(expirer_.RunOnce(10).kept, 1);
  change([&](model::ScheduleChange& change) { return model::ApplyEnded(change, {"uid", 1}, *ended, At(9)); });
  EXPECT_EQ(expirer_.RunOnce(10).deleted, 1);
}

TEST_F(JobExpirerTest, OneThatKeepsItsNameSaysWhatWentOfIt) {
  model::Job job = ExampleJob("dropped");
  job.options.retention = absl::Hours(1);
  job.options.drop_unresolved_exceptions = true;
  ASSERT_THAT(store_->CreateJob(job), IsOk());
  const model::JobKey key{std::string(millrace::testing::kTenant), "dropped"};
  std::vector<model::NewChunk> chunks;
  chunks.push_back(millrace::testing::ExampleChunk("c1"));
  ASSERT_THAT(store::Await<store::PushReceipt>([&](auto done) {
                store_->PushChunks({key, std::move(chunks)}, std::move(done));
              }),
              IsOk());
  ASSERT_THAT(store::Await<model::JobPtr>([&](auto done) {
                store_->CommitChunk(millrace::testing::ExampleCommit(key, 1, 3, 2), std::move(done));
              }),
              IsOk());
  ASSERT_THAT(store_->CloseJob(key), IsOk());
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(expirer_.RunOnce(10).dropped, 1);
  EXPECT_THAT(store_->GetJob(key), IsOk());
  EXPECT_EQ(expirer_.RunOnce(10).looked_at, 0);
}

}  // namespace
}  // namespace millrace::background
