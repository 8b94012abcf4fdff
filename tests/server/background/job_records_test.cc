// The results and exceptions of one job as the records of another.
#include "server/background/job_records.h"

#include "tests/server/background/source_fixture.h"

namespace millrace::background {
namespace {

using ::millrace::testing::IsOk;
using model::JobKey;
using model::JobSource;
using model::JobState;
using model::RecordPlace;
using model::ResolutionKind;
using model::SourceKind;
using ::testing::HasSubstr;

class JobRecordsTest : public SourceFixture {
 protected:
  /// A completed job with some chunks of three records. Record n of them all has the input {"n":n}, and fails where n is a
  /// multiple of `failing`; else its outputs are {"m":n}.
  JobKey Other(int chunks, int failing = 4) {
    model::Job job = testing::ExampleJob(kOther);
    const JobKey key = (*store_->CreateJob(std::move(job)))->key();
    for (int chunk = 0; chunk < chunks; ++chunk) Push(key, chunk);
    for (int chunk = 0; chunk < chunks; ++chunk) Commit(key, chunk, failing);
    EXPECT_THAT(store_->CloseJob(key), IsOk());
    return key;
  }

  void Push(const JobKey& key, int number) {
    model::NewChunk chunk{.id = absl::StrCat("c", number), .record_count = 3};
    for (int i = 0; i < 3; ++i) absl::StrAppend(&chunk.json_lines, "{\"n\":", 3 * number + i, "}\n");
    EXPECT_THAT(store::Await<store::PushReceipt>([&](auto done) {
                  store_->PushChunks({.job = key, .chunks = {chunk}, .order = nullptr}, std::move(done));
                }),
                IsOk());
  }

  void Commit(const JobKey& key, int number, int failing) {
    model::ChunkCommit commit = testing::ExampleCommit(key, number + 1);
    commit.epoch = store_->epoch();
    commit.outcome.json_lines.clear();
    for (int i = 0; i < 3; ++i) {
      const int n = 3 * number + i;
      const bool fails = n % failing == 0;
      commit.outcome.json_lines += fails ? "null\n" : absl::StrCat("{\"m\":", n, "}\n");
      if (!fails) continue;
      commit.outcome.failures.push_back(testing::ExampleFailure(i, n % 8 == 0 ? "eight" : "four"));
      commit.outcome.failures.back().input = absl::StrCat("{\"n\":", n, "}");
    }
    EXPECT_THAT(
        store::Await<model::JobPtr>([&](auto done) { store_->CommitChunk(std::move(commit), std::move(done)); }),
        IsOk());
  }

  void Resolve(const JobKey& key, ResolutionKind kind, const RecordPlace& place) {
    store::ResolveExceptions request{.job = key, .kind = kind, .exceptions = {place}};
    request.chunk = testing::ExampleChunk("by-hand", 1);
    request.outputs_json_lines = "{\"m\":\"by hand\"}\n";
    EXPECT_THAT(store_->ResolveExceptions(std::move(request)), IsOk());
  }

  /// What SubmitJob makes of a source that names the other job.
  JobSource SourceOf(SourceKind kind) const {
    const model::JobPtr other = Get({std::string(testing::kTenant), kOther});
    JobSource source{.kind = kind, .chunk_size = 2};
    source.job_id = kOther;
    source.job_create_time = other->create_time;
    source.last = kind == SourceKind::kResults ? other->last_result : other->last_sequence;
    return source;
  }

  static constexpr char kOther[] = "other";
};

TEST_F(JobRecordsTest, ResultsAreTheOutputsOfEachRecordThatHasSome) {
  const JobKey other = Other(3);
  EXPECT_EQ(ReadThrough(SourceOf(SourceKind::kResults)),
            "{\"m\":1}\n{\"m\":2}\n{\"m\":3}\n{\"m\":5}\n{\"m\":6}\n{\"m\":7}\n");
  Resolve(other, ResolutionKind::kOutputs, {1, 0});
  EXPECT_THAT(ReadThrough(SourceOf(SourceKind::kResults)), ::testing::EndsWith("{\"m\":7}\n{\"m\":\"by hand\"}\n"));
}

TEST_F(JobRecordsTest, OfARecordThatWasRunAgainTheLatestOutcomeIsReadThatWasThere) {
  const JobKey other = Other(2);
  const auto repeat = [&](model::RecordRun run, int64_t seen, int64_t sequence, const std::string& outputs) {
    store::RepeatRecords request{.job = other, .repeats_seen = seen};
    request.chunk = testing::ExampleChunk(absl::StrCat("again-", sequence), run.count);
    request.chunk.repeats = {run};
    EXPECT_THAT(store_->RepeatRecords(std::move(request)), IsOk());
    model::ChunkCommit commit = testing::ExampleCommit(other, sequence, run.count);
    commit.epoch = store_->epoch();
    commit.outcome.json_lines = outputs;
    EXPECT_THAT(
        store::Await<model::JobPtr>([&](auto done) { store_->CommitChunk(std::move(commit), std::move(done)); }),
        IsOk());
  };
  repeat({1, 1, 2}, 0, 3, "{\"m\":10}\nnull\n");
  const JobSource before = SourceOf(SourceKind::kResults);
  repeat({3, 0, 1}, 0, 4, "{\"m\":11}\n");
  EXPECT_EQ(ReadThrough(SourceOf(SourceKind::kResults)), "{\"m\":3}\n{\"m\":5}\n{\"m\":11}\n");
  EXPECT_EQ(ReadThrough(before), "{\"m\":3}\n{\"m\":5}\n{\"m\":10}\n") << "as it was when that job was submitted";
}

TEST_F(JobRecordsTest, ResultsThatCameAfterTheSubmissionAreNotRead) {
  const JobKey other = Other(1);
  const JobSource source = SourceOf(SourceKind::kResults);
  Resolve(other, ResolutionKind::kOutputs, {1, 0});
  EXPECT_EQ(ReadThrough(source), "{\"m\":1}\n{\"m\":2}\n");
}

TEST_F(JobRecordsTest, ExceptionsAreTheInputsOfThoseThatAreUnresolved) {
  const JobKey other = Other(6);
  EXPECT_EQ(ReadThrough(SourceOf(SourceKind::kExceptions)),
            "{\"n\":0}\n{\"n\":4}\n{\"n\":8}\n{\"n\":12}\n{\"n\":16}\n");
  Resolve(other, ResolutionKind::kDiscard, {2, 1});
  Resolve(other, ResolutionKind::kOutputs, {1, 0});
  EXPECT_EQ(ReadThrough(SourceOf(SourceKind::kExceptions)), "{\"n\":8}\n{\"n\":12}\n{\"n\":16}\n");
}

TEST_F(JobRecordsTest, OneGroupOfExceptionsIsReadAlone) {
  const JobKey other = Other(6);
  JobSource source = SourceOf(SourceKind::kExceptions);
  source.fingerprint = store_->GetException(other, {2, 1})->fingerprint;
  EXPECT_EQ(ReadThrough(source), "{\"n\":4}\n{\"n\":12}\n");
}

TEST_F(JobRecordsTest, AJobThatHasNothingMakesAnEmptyOne) {
  Other(1, 1);
  EXPECT_EQ(ReadThrough(SourceOf(SourceKind::kResults)), "");
  EXPECT_EQ(Get({std::string(testing::kTenant), "job-1"})->state, JobState::kCompleted);
}

TEST_F(JobRecordsTest, AServerThatIsStartedAnewAfterEachPieceGoesOnWhereItWas) {
  // A piece has 256 chunks, so a result is left in the midst.
  Other(500, 3);
  for (const SourceKind kind : {SourceKind::kResults, SourceKind::kExceptions}) {
    JobSource source = SourceOf(kind);
    source.chunk_size = 1;
    const JobKey whole = Create(source);
    // Kept open from piece to piece, as far as one turn goes.
    SourceReader(*store_, places_).RunTurn(whole, {});
    model::Job again = JobOf(source);
    again.id = "again";
    const JobKey parts = (*store_->CreateJob(std::move(again)))->key();
    int pieces = 0;
    do {
      store::ReopenModelJobStore(*store_);
      ++pieces;
    } while (SourceReader(*store_, places_).RunOnce(parts).next == SourceNext::kMore);
    EXPECT_EQ(pieces, kind == SourceKind::kResults ? 4 : 2);
    EXPECT_EQ(Get(parts)->counters.records_submitted, kind == SourceKind::kResults ? 1'000 : 500);
    EXPECT_EQ(ReadAll(*store_, whole).next, SourceNext::kNothing);
    EXPECT_EQ(RecordsOf(*store_, parts), RecordsOf(*store_, whole));
    for (const JobKey& key : {whole, parts}) {
      ASSERT_THAT(store_->CancelJob(key, "", true), IsOk());
      ASSERT_THAT(store_->DeleteJob(key), IsOk());
    }
  }
}

TEST_F(JobRecordsTest, TheRestOfASampleOfResultsIsReadOnce) {
  Other(4, 100);
  for (const model::SourceSample& sample : {model::SourceSample{.first = 4}, model::SourceSample{.every = 3}}) {
    JobSource source = SourceOf(SourceKind::kResults);
    source.sample = sample;
    const JobKey key = Create(source);
    EXPECT_EQ(ReadAll(*store_, key).next, SourceNext::kNothing);
    EXPECT_EQ(Get(key)->counters.records_submitted, 4);
    ASSERT_THAT(store_->ContinueJob(key), IsOk());
    EXPECT_EQ(ReadAll(*store_, key).next, SourceNext::kNothing);
    EXPECT_EQ(Get(key)->counters.records_submitted, 11);
    ASSERT_THAT(store_->CancelJob(key, "", true), IsOk());
    ASSERT_THAT(store_->DeleteJob(key), IsOk());
  }
}

TEST_F(JobRecordsTest, AJobThatIsDeletedBeforeItIsReadFailsTheOneThatReadsIt) {
  const JobKey other = Other(200);
  for (const bool has_successor : {false, true}) {
    for (const SourceKind kind : {SourceKind::kResults, SourceKind::kExceptions}) {
      JobSource source = SourceOf(kind);
      if (has_successor) source.job_create_time -= absl::Seconds(1);
      const JobKey key = Create(source);
      if (!has_successor) {
        ASSERT_THAT(store_->DeleteJob(other), IsOk());
      }
      EXPECT_EQ(SourceReader(*store_, places_).RunOnce(key).next, SourceNext::kNothing);
      EXPECT_EQ(Get(key)->state, JobState::kFailed);
      EXPECT_THAT(Get(key)->state_reason, HasSubstr("its source is broken: job other was deleted"));
      EXPECT_EQ(Get(key)->last_sequence, 0) << "nothing of another job is taken for a record";
      ASSERT_THAT(store_->DeleteJob(key), IsOk());
      if (!has_successor) Other(200);
    }
  }
}

}  // namespace
}  // namespace millrace::background
