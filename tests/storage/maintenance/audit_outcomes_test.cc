// What chunks and jobs may come to, one after the other: none of it may look like damage to the audit.
#include <gmock/gmock.h>

#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/format/rows.h"
#include "storage/model/exception.h"
#include "storage/model/job_rules.h"
#include "tests/storage/maintenance/maintenance_fixture.h"

namespace millrace::maintenance {
namespace {

using format::Family;
using millrace::testing::ExampleCommit;
using millrace::testing::ExampleJob;
using millrace::testing::IsOk;
using store::At;

class AuditOutcomesTest : public MaintenanceTest {
 protected:
  AuditOutcomesTest() { Open(); }

  /// A job with three chunks that nobody has run.
  model::JobKey Create(const model::Job& job) {
    EXPECT_THAT(store_->CreateJob(job), IsOk());
    model::JobKey key = job.key();
    for (const char* chunk : {"a", "b", "c"}) Push(key, chunk);
    return key;
  }

  void ExpectSound() {
    store_.reset();
    EXPECT_EQ(Findings(), "");
  }

  void DamageInput(const model::JobKey& job, int64_t sequence) {
    store_.reset();
    Break([&](engine::Engine& engine, engine::WriteUnit& unit) {
      std::string row = **engine.Get(At(Family::kInputs), format::ChunkKey(job, sequence));
      row[row.size() / 2] ^= 1;
      unit.Put(At(Family::kInputs), format::ChunkKey(job, sequence), row);
    });
    Open();
  }
};

TEST_F(AuditOutcomesTest, RecordsThatWereRunAgainAreSound) {
  const model::JobKey job = Create(ExampleJob("retried"));
  model::ChunkCommit commit = ExampleCommit(job, 1, 3, 2);
  commit.attempt = 5;
  commit.outcome.records_retried = 3;
  commit.outcome.failures[0].retries = 4;
  commit.outcome.failures[1].transient = true;
  Commit(std::move(commit));
  ExpectSound();
}

TEST_F(AuditOutcomesTest, ARecordInQuarantineIsSound) {
  const model::JobKey job = Create(ExampleJob("poisoned"));
  model::ChunkCommit commit = ExampleCommit(job, 1, 3, 1);
  commit.outcome.failures[0].node = "";
  commit.outcome.failures[0].code = "WORKER_DIED";
  Commit(std::move(commit));
  ExpectSound();
}

TEST_F(AuditOutcomesTest, QuestionsAreCountedUntilTheyAreAnswered) {
  const model::JobKey job = Create(ExampleJob("asking"));
  model::ChunkCommit commit = ExampleCommit(job, 1, 3, 3);
  commit.outcome.failures[0].held = true;
  commit.outcome.failures[2].held = true;
  Commit(std::move(commit));
  ASSERT_THAT(store_->ResolveExceptions({.job = job, .exceptions = {{1, 0}}}), IsOk());
  ExpectSound();
  Break([&](engine::Engine& engine, engine::WriteUnit& unit) {
    model::Job stored = **store::LoadJob(engine, job);
    stored.counters.records_held = 2;
    unit.Put(At(Family::kJobs), format::JobProgressKey(job), format::EncodeJobProgress(stored));
  });
  EXPECT_THAT(Findings(), ::testing::HasSubstr("count of held records"));
}

TEST_F(AuditOutcomesTest, AnInputThatIsKnownToBeLostIsCountedAndNotBlamed) {
  const model::JobKey job = Create(ExampleJob("lost"));
  DamageInput(job, 2);
  model::ChunkCommit commit = ExampleCommit(job, 2, 3, 3);
  for (model::RecordFailure& failure : commit.outcome.failures) failure.code = std::string(model::kInputLostCode);
  Commit(std::move(commit));
  ExpectSound();
  EXPECT_EQ(RunAudit().lost_inputs, 1);
}

TEST_F(AuditOutcomesTest, AnInputThatWasDamagedAfterItsChunkRanIsFound) {
  const model::JobKey job = Create(ExampleJob("rotten"));
  Commit(job, 2, 3);
  DamageInput(job, 2);
  store_.reset();
  EXPECT_NE(Findings().find("chunk default/rotten 2: its input"), std::string::npos) << Findings();
  EXPECT_EQ(RunAudit().lost_inputs, 0);
}

TEST_F(AuditOutcomesTest, ResultsInPushOrderAreSound) {
  model::Job ordered = ExampleJob("ordered");
  ordered.options.order_results = true;
  const model::JobKey job = Create(ordered);
  for (int64_t sequence = 1; sequence <= 2; ++sequence) Commit(job, sequence, 1);
  EXPECT_THAT(store_->CancelJob(job, "", false), IsOk());
  ExpectSound();
}

TEST_F(AuditOutcomesTest, AJobThatSpentItsErrorBudgetIsSound) {
  model::Job strict = ExampleJob("strict");
  strict.options.stop_on_error = true;
  strict.options.unique_key = "strict";
  const model::JobKey job = Create(strict);
  Commit(job, 2, 1);
  EXPECT_EQ((*store_->GetJob(job))->state, model::JobState::kFailed);
  ExpectSound();
}

TEST_F(AuditOutcomesTest, AJobThatCannotBeRunIsSound) {
  const model::JobKey job = Create(ExampleJob("broken"));
  EXPECT_THAT(store_->FailJob(job, "its service version cannot be run"), IsOk());
  ExpectSound();
}

TEST_F(AuditOutcomesTest, AJobThatWasClosedByTimeoutIsSound) {
  model::Job idle = ExampleJob("idle");
  idle.options.idle_timeout = absl::Minutes(30);
  const model::JobKey job = Create(idle);
  for (int64_t sequence = 1; sequence <= 3; ++sequence) Commit(job, sequence, 0);
  EXPECT_THAT(store_->CloseIdleJob(*store_->GetJob(job)), IsOk());
  EXPECT_EQ((*store_->GetJob(job))->state, model::JobState::kCompletedByTimeout);
  ExpectSound();
}

TEST_F(AuditOutcomesTest, ADeletedJobLeavesNothingBehind) {
  model::Job job = ExampleJob("deleted");
  job.request_id = "request";
  job.options.unique_key = "key";
  const model::JobKey key = Create(job);
  Commit(key, 1, 2);
  EXPECT_THAT(store_->CancelJob(key, "", true), IsOk());
  EXPECT_THAT(store_->DeleteJob(key), IsOk());
  ExpectSound();
  EXPECT_EQ(RunAudit().jobs, 4) << "those of the fixture";
}

/// MILLRACE_SEED=n takes another seed.
TEST_F(AuditOutcomesTest, WhateverTheVerbsWereTheStoreIsSound) {
  const char* wanted = std::getenv("MILLRACE_SEED");
  const uint64_t seed = wanted == nullptr ? 1 : std::strtoull(wanted, nullptr, 10);
  SCOPED_TRACE(absl::StrCat("MILLRACE_SEED=", seed));
  std::mt19937_64 random(seed);
  const auto below = [&random](int64_t bound) { return std::uniform_int_distribution<int64_t>(0, bound - 1)(random); };
  int chunks_made = 0;
  for (int step = 1; step <= 1'000 && !HasFailure(); ++step) {
    const model::JobKey key = Key(absl::StrCat("random-", below(6)));
    const absl::StatusOr<model::JobPtr> job = store_->GetJob(key);
    if (!job.ok()) {
      model::Job fresh = ExampleJob(key.job_id);
      fresh.options.stop_on_error = below(6) == 0;
      fresh.options.max_failed_ratio = below(3) == 0 ? 0.7 : 1;
      if (below(2) == 0) fresh.request_id = absl::StrCat("request-", step);
      EXPECT_THAT(store_->CreateJob(fresh), IsOk());
      continue;
    }
    const model::Job& now = **job;
    const int64_t dice = below(30);
    if (dice < 10 && model::TakesInput(now)) {
      Push(key, absl::StrCat("chunk-", ++chunks_made));
    } else if (dice < 24 && now.last_sequence > 0) {
      model::ChunkCommit commit = ExampleCommit(key, 1 + below(now.last_sequence), 3, static_cast<int32_t>(below(4)));
      commit.epoch = store_->epoch();
      // Refused where the chunk is committed already, or the job has ended.
      static_cast<void>(
          store::Await<model::JobPtr>([&](auto done) { store_->CommitChunk(std::move(commit), std::move(done)); }));
    } else if (dice < 26) {
      static_cast<void>(store_->Acknowledge(key, below(now.last_result + 1), "cursor"));
    } else if (dice == 26) {
      static_cast<void>(store_->CloseJob(key));
    } else if (dice == 27 && below(3) == 0) {
      static_cast<void>(store_->CancelJob(key, "", below(2) == 0));
    } else if (dice == 28 && model::IsFinal(now.state)) {
      EXPECT_THAT(store_->DeleteJob(key), IsOk());
    }
    if (step % 100 == 0) {
      ExpectSound();
      Open();
    }
  }
}

}  // namespace
}  // namespace millrace::maintenance
