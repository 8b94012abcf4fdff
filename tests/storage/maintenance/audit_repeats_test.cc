// Chunks that repeat records of others, and jobs that were taken up: sound as stored, and found where something is off.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "storage/format/rows.h"
#include "storage/model/job_rules.h"
#include "tests/storage/maintenance/maintenance_fixture.h"

namespace millrace::maintenance {
namespace {

using format::Family;
using millrace::testing::ExampleChunk;
using millrace::testing::ExampleCommit;
using millrace::testing::ExampleJob;
using millrace::testing::IsOk;
using store::At;
using ::testing::HasSubstr;

class AuditRepeatsTest : public MaintenanceTest {
 protected:
  /// A job whose first chunk is committed with a failed record; the other two of that are repeated, one by one.
  AuditRepeatsTest() {
    Open();
    EXPECT_THAT(store_->CreateJob(ExampleJob("repeated")), IsOk());
    Push(job_, "a");
    Commit(job_, 1, 1);
    EXPECT_THAT(store_->CloseJob(job_), IsOk());
    Repeat({1, 1, 1}, 0);
    Repeat({1, 2, 1}, 1);
    Commit(ExampleCommit(job_, 2, 1, 1));
  }

  void Repeat(model::RecordRun run, int64_t seen) {
    store::RepeatRecords request{.job = job_, .repeats_seen = seen};
    request.chunk = ExampleChunk("repeat-" + std::to_string(seen), run.count);
    request.chunk.repeats = {run};
    EXPECT_THAT(store_->RepeatRecords(std::move(request)), IsOk());
  }

  /// The findings once the row of a chunk is another.
  std::string FindingsWith(const model::Chunk& chunk) {
    store_.reset();
    Break([&](engine::Engine& /*engine*/, engine::WriteUnit& unit) {
      unit.Put(At(Family::kChunks), format::ChunkKey(job_, chunk.sequence), format::EncodeChunk(chunk));
    });
    return Findings();
  }

  model::Chunk ChunkOf(int64_t sequence) { return *store_->FindChunk(job_, sequence); }

  const model::JobKey job_ = Key("repeated");
};

TEST_F(AuditRepeatsTest, RepeatsAreSoundBeforeAndAfterTheirCommit) {
  store_.reset();
  EXPECT_EQ(Findings(), "");
  Open();
  Commit(ExampleCommit(job_, 3, 1));
  EXPECT_EQ((*store_->GetJob(job_))->state, model::JobState::kCompleted);
  store_.reset();
  EXPECT_EQ(Findings(), "");
}

TEST_F(AuditRepeatsTest, AJobThatIsTakenUpIsSoundAlsoWhereARecordWasDiscardedMeanwhile) {
  store::ResolveExceptions again{.job = job_, .kind = model::ResolutionKind::kReprocess, .exceptions = {{1, 0}}};
  again.chunk = ExampleChunk("again", 1);
  EXPECT_THAT(store_->ResolveExceptions(again), IsOk());
  EXPECT_THAT(store_->CancelJob(job_, "", false), IsOk());
  EXPECT_THAT(store_->ResolveExceptions({.job = job_, .exceptions = {{1, 0}}}), IsOk());
  store_.reset();
  EXPECT_EQ(Findings(), "");
  Open();
  EXPECT_THAT(store_->TakeUpJob(*store_->GetJob(job_)), IsOk());
  store_.reset();
  EXPECT_EQ(Findings(), "");
  Open();
  Commit(ExampleCommit(job_, 3, 1));
  Commit(ExampleCommit(job_, 4, 1, 1));
  EXPECT_EQ((*store_->GetJob(job_))->state, model::JobState::kCompleted);
  store_.reset();
  EXPECT_EQ(Findings(), "");
}

TEST_F(AuditRepeatsTest, ARecordThatIsRepeatedTwiceIsFound) {
  model::Chunk chunk = ChunkOf(3);
  chunk.repeats = {{1, 1, 1}};
  EXPECT_THAT(FindingsWith(chunk), HasSubstr("chunk default/repeated 3: its records are not records of chunk 1"));
}

TEST_F(AuditRepeatsTest, RecordsThatAreNotThereAreFound) {
  model::Chunk chunk = ChunkOf(3);
  chunk.repeats = {{1, 3, 1}};
  EXPECT_THAT(FindingsWith(chunk), HasSubstr("its records are not records of chunk 1"));
}

TEST_F(AuditRepeatsTest, AnIndexThatDoesNotKnowARepeatIsFound) {
  store_.reset();
  Break([&](engine::Engine& /*engine*/, engine::WriteUnit& unit) {
    unit.Put(At(Family::kIndex), format::RepeatsKey(job_, 1), format::EncodeRepeats({2}));
  });
  EXPECT_THAT(Findings(), HasSubstr("the index does not say which chunks repeat records of chunk 1"));
  Break([&](engine::Engine& /*engine*/, engine::WriteUnit& unit) {
    unit.Delete(At(Family::kIndex), format::RepeatsKey(job_, 1));
  });
  EXPECT_THAT(Findings(), HasSubstr("the index does not know that records of chunk 1 are repeated"));
}

TEST_F(AuditRepeatsTest, ACounterThatIsOffIsFound) {
  store_.reset();
  Break([&](engine::Engine& engine, engine::WriteUnit& unit) {
    model::Job stored = **store::LoadJob(engine, job_);
    stored.counters.records_repeated = 2;
    unit.Put(At(Family::kJobs), format::JobProgressKey(job_), format::EncodeJobProgress(stored));
  });
  EXPECT_THAT(Findings(), HasSubstr("count of repeated records is 2, but its rows give 1"));
}

}  // namespace
}  // namespace millrace::maintenance
