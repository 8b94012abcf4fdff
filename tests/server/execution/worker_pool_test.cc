#include "server/execution/worker_pool.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "storage/format/keys.h"
#include "tests/server/execution/worker_pool_fixture.h"

namespace millrace::execution {
namespace {

using ::millrace::testing::IsOk;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kBusy[] = R"({"busy":1})";
constexpr char kFine[] = R"({"fine":1})";
constexpr char kBreaks[] = R"({"breaks":1})";

TEST_F(WorkerPoolTest, ATransientFailureRunsAgainAloneAndThenSucceeds) {
  std::map<std::string, int> runs;  // One thread, and read only when all is committed.
  Start([&runs](const std::string& record, int32_t index, model::ChunkOutcome& outcome) {
    if (++runs[record] < 3 && record == kBusy) return FailRecord(index, "BUSY", true, outcome);
    Succeed(record, outcome);
  });
  const model::JobKey key = CreateAndPush({{kFine, kBusy, R"({"last":1})"}});
  const model::JobPtr job = AwaitAllCommitted();
  EXPECT_EQ(runs[kFine], 1);
  EXPECT_EQ(runs[kBusy], 3);
  EXPECT_EQ(job->counters.records_completed, 3);
  EXPECT_EQ(job->counters.records_retried, 1);
  EXPECT_EQ(job->counters.chunks_retried, 1);
  const std::vector<model::ChunkResult> results = Results(key);
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_EQ(results[0].json_lines, std::string(kFine) + "\n" + kBusy + "\n{\"last\":1}\n");
  EXPECT_EQ(results[0].attempt, 3);
  EXPECT_THAT(results[0].errors, IsEmpty());
}

TEST_F(WorkerPoolTest, AfterTheLastAttemptTheFailureIsAnExceptionThatCountsThem) {
  Start([](const std::string& record, int32_t index, model::ChunkOutcome& outcome) {
    record == kBusy ? FailRecord(index, "BUSY", true, outcome) : Succeed(record, outcome);
  });
  model::JobOptions options;
  options.retry.max_attempts = 5;
  const model::JobKey key = CreateAndPush({{kFine, kBusy}}, options);
  EXPECT_EQ(AwaitAllCommitted()->counters.records_failed, 1);
  ASSERT_OK_AND_ASSIGN(const auto exceptions, store_->ListExceptions({.job = key}));
  ASSERT_THAT(exceptions.items, SizeIs(1));
  EXPECT_EQ(exceptions.items[0].code, "BUSY");
  EXPECT_EQ(exceptions.items[0].message, "no luck");
  EXPECT_EQ(exceptions.items[0].retries, 4);
}

TEST_F(WorkerPoolTest, OneAttemptNeverTriesAgain) {
  std::atomic<int> runs = 0;
  Start([&runs](const std::string&, int32_t index, model::ChunkOutcome& outcome) {
    ++runs;
    FailRecord(index, "BUSY", true, outcome);
  });
  model::JobOptions options;
  options.retry.max_attempts = 1;
  CreateAndPush({{kBusy}}, options);
  EXPECT_EQ(AwaitAllCommitted()->counters.records_retried, 0);
  EXPECT_EQ(runs, 1);
}

TEST_F(WorkerPoolTest, OtherChunksGoOnWhileOneWaitsForItsNextAttempt) {
  Start([](const std::string& record, int32_t index, model::ChunkOutcome& outcome) {
    record == kBusy ? FailRecord(index, "BUSY", true, outcome) : Succeed(record, outcome);
  });
  // Nobody moves the clock before the others are committed.
  CreateAndPush({{kBusy}, {kFine}, {kFine}});
  for (;;) {
    absl::MutexLock lock(&mutex_);
    if (job_ != nullptr && job_->counters.chunks_completed == 2) break;
  }
  EXPECT_EQ(AwaitAllCommitted()->counters.records_failed, 1);
}

TEST_F(WorkerPoolTest, ARecordThatBreaksTheRunStandsAloneAndTheOthersHaveResults) {
  Start([](const std::string& record, int32_t, model::ChunkOutcome& outcome) {
    if (record == kBreaks) throw std::bad_alloc();
    Succeed(record, outcome);
  });
  std::vector<std::string> records(100, kFine);
  records[17] = kBreaks;
  const model::JobKey key = CreateAndPush({records});
  const model::JobPtr job = AwaitAllCommitted();
  EXPECT_EQ(job->counters.records_completed, 99);
  EXPECT_EQ(job->counters.records_failed, 1);
  ASSERT_OK_AND_ASSIGN(const auto exceptions, store_->ListExceptions({.job = key}));
  ASSERT_THAT(exceptions.items, SizeIs(1));
  EXPECT_EQ(exceptions.items[0].index, 17);
  EXPECT_EQ(exceptions.items[0].code, "RUN_FAILED");
  EXPECT_EQ(exceptions.items[0].message, "running the record broke the worker: std::bad_alloc");
  EXPECT_EQ(exceptions.items[0].input, kBreaks);
  EXPECT_EQ(exceptions.items[0].retries, 3) << "memory may come back, so it was tried again";
}

TEST_F(WorkerPoolTest, AChunkWhoseInputIsDamagedEndsAsExceptions) {
  const model::JobKey key = CreateAndPush({{kFine, kFine}, {kFine}});
  Damage(format::Family::kInputs, format::ChunkKey(key, 1));
  Start([](const std::string& record, int32_t, model::ChunkOutcome& outcome) { Succeed(record, outcome); });
  const model::JobPtr job = AwaitAllCommitted();
  EXPECT_EQ(job->counters.records_completed, 1);
  EXPECT_EQ(job->counters.records_failed, 2);
  ASSERT_OK_AND_ASSIGN(const auto exceptions, store_->ListExceptions({.job = key}));
  ASSERT_THAT(exceptions.items, SizeIs(2));
  EXPECT_EQ(exceptions.items[1].code, "INPUT_LOST");
  EXPECT_EQ(exceptions.items[1].sequence, 1);
}

TEST_F(WorkerPoolTest, AJobWithAChunkOfWhichNothingCanBeReadFails) {
  const model::JobKey key = CreateAndPush({{kFine}});
  Damage(format::Family::kChunks, format::ChunkKey(key, 1));
  Start([](const std::string& record, int32_t, model::ChunkOutcome& outcome) { Succeed(record, outcome); });
  const model::JobPtr job = AwaitJob([](const model::Job& now) { return model::IsFinal(now.state); });
  EXPECT_EQ(job->state, model::JobState::kFailed);
  EXPECT_THAT(job->state_reason, ::testing::StartsWith("chunk 1 cannot be read: "));
  EXPECT_EQ(model::RecordsSkipped(*job), 1);
}

TEST_F(WorkerPoolTest, AJobWhoseServiceCannotBeRunFails) {
  const model::JobKey key = CreateAndPush({{kFine}});
  Damage(format::Family::kServices, format::ServiceVersionKey(key.tenant, "demo/double", "1.0.0"));
  Start([](const std::string& record, int32_t, model::ChunkOutcome& outcome) { Succeed(record, outcome); });
  const model::JobPtr job = AwaitJob([](const model::Job& now) { return model::IsFinal(now.state); });
  EXPECT_EQ(job->state, model::JobState::kFailed);
  EXPECT_THAT(job->state_reason, ::testing::StartsWith("service version 1.0.0 of demo/double cannot be run: "));
}

TEST_F(WorkerPoolTest, ACancelledJobTakesATransientFailureAsFinal) {
  absl::Notification started;
  absl::Notification cancelled;
  int runs = 0;
  Start([&](const std::string&, int32_t index, model::ChunkOutcome& outcome) {
    // The first chunk waits for the next attempt when the job is cancelled; the second one runs.
    if (++runs == 2) {
      started.Notify();
      cancelled.WaitForNotification();
    }
    FailRecord(index, "BUSY", true, outcome);
  });
  const model::JobKey key = CreateAndPush({{kBusy}, {kBusy}});
  started.WaitForNotification();
  ASSERT_THAT(store_->CancelJob(key, "enough", false), IsOk());
  cancelled.Notify();
  hub_->AwaitIdle(absl::InfiniteDuration());
  ASSERT_OK_AND_ASSIGN(const model::JobPtr job, store_->GetJob(key));
  EXPECT_EQ(job->state, model::JobState::kCancelled);
  EXPECT_EQ(job->counters.records_failed, 1) << "the one that ran";
  EXPECT_EQ(model::RecordsSkipped(*job), 1) << "the one that waited";
}

}  // namespace
}  // namespace millrace::execution
