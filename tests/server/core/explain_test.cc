#include "server/core/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/core/scheduler_world.h"

namespace millrace::core {
namespace {

using ::testing::HasSubstr;

const absl::Time kStart = absl::UnixEpoch();
constexpr int32_t kWorkers = 4;

/// A scheduler with one job that is explained.
class ExplainTest : public ::testing::Test {
 protected:
  ExplainTest() {
    job_ = EndlessJob("t", "j");
    job_.last_sequence = 10;
  }

  void Tell() { scheduler_.OnJobChanged(Snapshot(), kStart); }
  model::JobPtr Snapshot() const { return std::make_shared<const model::Job>(job_); }

  Standing Explain(int64_t sequence = 0, absl::Time now = kStart) const {
    return scheduler_.Explain(Snapshot(), sequence, false, now);
  }
  Hold HoldOf(int64_t sequence = 0) const { return Explain(sequence).verdict.hold; }
  std::string Text(int64_t sequence = 0) const { return Sentence(Explain(sequence), sequence, kWorkers, kStart); }

  /// What is explained is what happens.
  void ExpectHeld(Hold hold, const std::string& text) {
    Tell();
    EXPECT_EQ(HoldOf(), hold);
    EXPECT_THAT(Text(), HasSubstr(text));
    EXPECT_FALSE(scheduler_.Next(kStart).has_value());
  }

  model::Job job_;
  Scheduler scheduler_;
};

TEST_F(ExplainTest, NothingPushed) {
  job_.state = model::JobState::kCreated;
  job_.last_sequence = 0;
  ExpectHeld(Hold::kWaitingForPush, "nothing was pushed yet");
}

TEST_F(ExplainTest, EverythingPushedHasRun) {
  job_.watermark = 10;
  ExpectHeld(Hold::kWaitingForPush, "all 10 chunks that were pushed have run");
}

TEST_F(ExplainTest, EverythingReadHasRun) {
  job_.watermark = 10;
  job_.counters.records_submitted = 1;
  job_.source.kind = model::SourceKind::kFile;
  ExpectHeld(Hold::kWaitingForPush, "all that was read of its source (1 record) has run; the server is reading on");
}

TEST_F(ExplainTest, Paused) {
  job_.state = model::JobState::kPaused;
  ExpectHeld(Hold::kPaused, "waits with 10 chunks: it is paused; resume it");
  job_.pause_time = absl::FromUnixSeconds(1'714'564'803);
  ExpectHeld(Hold::kPaused, "waits with 10 chunks: it is paused since 2024-05-01T12:00:03.000Z; resume it");
  job_.pause_reason = "database is down";
  ExpectHeld(Hold::kPaused, "it is paused since 2024-05-01T12:00:03.000Z (database is down); resume it");
}

TEST_F(ExplainTest, AFullOutputBufferSaysHowFullAndWhatToDo) {
  job_.options.output_buffer_bytes = 100;
  job_.output_buffer_used_bytes = 120;
  ExpectHeld(Hold::kOutputBufferFull, "(120 of 100 bytes); pull");
}

TEST_F(ExplainTest, ASelectorNamesItsLabelsAndThoseOfTheWorkers) {
  job_.options.worker_selector = {{"gpu", "a100"}, {"zone", "b"}};
  ExpectHeld(Hold::kNoMatchingWorker,
             "waits with 10 chunks: no worker has gpu=a100, zone=b; the server's own have none.");

  Scheduler labelled(model::WorkerLabels{{"site", "paris"}});
  job_.options.worker_selector = {{"site", "berlin"}};
  labelled.OnJobChanged(Snapshot(), kStart);
  for (const int64_t sequence : {0, 1}) {
    const Standing standing = labelled.Explain(Snapshot(), sequence, false, kStart);
    EXPECT_EQ(standing.verdict.hold, Hold::kNoMatchingWorker);
    EXPECT_THAT(Sentence(standing, sequence, kWorkers, kStart),
                HasSubstr("no worker has site=berlin; the server's own have site=paris."));
  }
}

TEST_F(ExplainTest, MaxWorkersReached) {
  job_.options.max_workers = 2;
  Tell();
  scheduler_.Next(kStart);
  scheduler_.Next(kStart);
  ExpectHeld(Hold::kMaxWorkersReached, "Job j runs 2 chunks, and waits with 8 chunks: 2 chunks of it run");
}

TEST_F(ExplainTest, AnOrderingKeyNamesTheChunkThatHoldsIt) {
  job_.options.ordering_key = "customer";
  Tell();
  job_.last_sequence = 2;
  Tell();
  scheduler_.Next(kStart);
  ExpectHeld(Hold::kOrderingKeyHeld, "waits with 1 chunk: chunk 1 is being read, and which ordering keys (customer)");
  EXPECT_TRUE(scheduler_.OnKeys(job_.key(), 1, {7}, kStart));
  scheduler_.Next(kStart);
  EXPECT_FALSE(scheduler_.OnKeys(job_.key(), 2, {7}, kStart));
  scheduler_.OnParked(job_.key(), 2, kStart);
  ExpectHeld(Hold::kOrderingKeyHeld,
             "waits with 1 chunk for chunk 1, which holds the same key (customer) and is not committed yet.");
  EXPECT_EQ(Text(2), "Chunk 2 waits for chunk 1, which holds the same key (customer) and is not committed yet.");
}

TEST_F(ExplainTest, ARampSaysWhenItGoesOn) {
  job_.options.initial_workers = 1;
  Tell();
  scheduler_.Next(kStart);
  ExpectHeld(Hold::kRamping,
             "1 chunk of it runs, and its workers double each second from 1 to 1000; again in 1s, at "
             "1970-01-01T00:00:01.000Z");
}

TEST_F(ExplainTest, AThrottleSaysWhatAndUntilWhen) {
  job_.options.throttle.records_per_second = 100;
  Tell();
  scheduler_.Next(kStart);
  ExpectHeld(Hold::kThrottled, "once the size of the one before is known");
  scheduler_.OnSized(job_.key(), 1, 250, kStart);
  ExpectHeld(Hold::kThrottled, "throttled to 100 records a second; the next chunk starts in 2.5s, at 1970-01-01");
}

TEST_F(ExplainTest, ABackoffNamesChunkAttemptAndMoment) {
  job_.last_sequence = 1;
  Tell();
  scheduler_.Next(kStart);
  scheduler_.OnReturned(job_.key(), 1, kStart + absl::Seconds(3), kStart);
  ExpectHeld(Hold::kBackingOff, "chunk 1 failed in attempt 1 of 4 and is tried again in 3s");
  EXPECT_EQ(HoldOf(1), Hold::kBackingOff);
}

TEST_F(ExplainTest, WaitingForAWorkerCountsThoseInFront) {
  for (const std::string id : {"a", "b"}) {
    scheduler_.OnJobChanged(std::make_shared<const model::Job>(EndlessJob("t", id)), kStart);
  }
  scheduler_.Next(kStart);
  Tell();
  EXPECT_EQ(HoldOf(), Hold::kWaitingForWorker);
  EXPECT_EQ(Text(),
            "Job j waits with 10 chunks: 1 of 4 workers busy, 3 jobs share them, and it is number 2 in the line of its "
            "tenant.");
}

TEST_F(ExplainTest, WhoStandsBehindAHigherPriorityIsTold) {
  job_.options.priority = -5;
  Tell();
  scheduler_.OnJobChanged(std::make_shared<const model::Job>(EndlessJob("t", "a")), kStart);
  EXPECT_THAT(Text(), HasSubstr("number 2 in the line of its tenant, where 1 job of a higher priority goes first."));
  scheduler_.OnJobChanged(std::make_shared<const model::Job>(EndlessJob("t", "b")), kStart);
  // Neither of another tenant, nor of the same priority, nor waiting.
  scheduler_.OnJobChanged(std::make_shared<const model::Job>(EndlessJob("u", "c")), kStart);
  model::Job equal = EndlessJob("t", "d");
  equal.options.priority = -5;
  scheduler_.OnJobChanged(std::make_shared<const model::Job>(equal), kStart);
  model::Job paused = EndlessJob("t", "e");
  paused.state = model::JobState::kPaused;
  scheduler_.OnJobChanged(std::make_shared<const model::Job>(paused), kStart);
  EXPECT_THAT(Text(), HasSubstr("number 3 in the line of its tenant, where 2 jobs of a higher priority go first."));
}

TEST_F(ExplainTest, AHigherPriorityThatRunsAllItMayGoesFirstAllTheSame) {
  job_.options.priority = -5;
  Tell();
  model::Job higher = EndlessJob("t", "a");
  higher.options.max_workers = higher.options.initial_workers = 1;
  scheduler_.OnJobChanged(std::make_shared<const model::Job>(higher), kStart);
  ASSERT_EQ(scheduler_.Next(kStart)->job->id, "a");
  EXPECT_THAT(Text(), HasSubstr("it is next in line of its tenant, where 1 job of a higher priority goes first."));
}

TEST_F(ExplainTest, AChunkThatIsOverHasNoPlaceInLine) {
  job_.last_sequence = 1'000;
  Tell();
  scheduler_.Next(kStart);
  scheduler_.Next(kStart);
  scheduler_.OnDone(job_.key(), 1, kStart);
  for (const bool is_skipped : {false, true}) {
    const int64_t sequence = is_skipped ? 5 : 1;
    if (is_skipped) {
      job_.state = model::JobState::kCancelled;
      Tell();
    }
    const Standing standing = Explain(sequence);
    EXPECT_EQ(standing.verdict.hold, is_skipped ? Hold::kSkipped : Hold::kDone);
    EXPECT_EQ(standing.position, 0);
    EXPECT_EQ(standing.running, 0);
    EXPECT_EQ(standing.committing, 0);
    EXPECT_EQ(standing.chunks_ahead, 0);
    EXPECT_EQ(standing.jobs_sharing, 0);
    EXPECT_EQ(standing.workers_busy, 1);
  }
}

TEST_F(ExplainTest, OneIsNotSaidAsIfItWereMany) {
  job_.last_sequence = 1;
  Tell();
  EXPECT_THAT(Text(), HasSubstr("waits with 1 chunk: 0 of 4 workers busy, 1 job uses them"));
  scheduler_.Next(kStart);
  scheduler_.OnRan(job_.key(), 1, kStart);
  EXPECT_EQ(Text(), "Job j ran: the outcome of its last chunk is being stored.");
  job_.watermark = 1;
  scheduler_.OnDone(job_.key(), 1, kStart);
  Tell();
  EXPECT_THAT(Text(), HasSubstr("the 1 chunk that was pushed has run; push more"));
  job_.state = model::JobState::kCompleted;
  Tell();
  EXPECT_EQ(Text(), "Job j is complete: its 1 chunk has run.");
  job_.last_sequence = job_.watermark = 0;
  EXPECT_EQ(Text(), "Job j is complete: it had nothing to run.");
}

TEST_F(ExplainTest, AChunkIsFollowedFromItsTurnToItsEnd) {
  Tell();
  EXPECT_EQ(HoldOf(3), Hold::kEarlierChunks);
  EXPECT_THAT(Text(3), HasSubstr("2 earlier chunks of its job, from chunk 1 on, come first"));
  scheduler_.Next(kStart);
  scheduler_.Next(kStart);
  EXPECT_EQ(HoldOf(3), Hold::kWaitingForWorker);
  scheduler_.Next(kStart);
  EXPECT_EQ(Text(3), "Chunk 3 runs, in attempt 1.");
  scheduler_.OnRan(job_.key(), 3, kStart);
  EXPECT_EQ(HoldOf(3), Hold::kCommitting);
  scheduler_.OnDone(job_.key(), 3, kStart);
  EXPECT_EQ(scheduler_.Explain(Snapshot(), 3, true, kStart).verdict.hold, Hold::kDone);
  EXPECT_EQ(HoldOf(3), Hold::kDone) << "it was stored after the store was asked";
}

TEST_F(ExplainTest, AJobWhoseChunksAllRunWaitsForNothing) {
  job_.last_sequence = 2;
  Tell();
  scheduler_.Next(kStart);
  scheduler_.Next(kStart);
  EXPECT_EQ(Text(), "Job j runs: 2 chunks in the hands of workers, none waits.");
}

TEST_F(ExplainTest, JobsThatEndedSayHow) {
  job_.state = model::JobState::kCompleted;
  job_.watermark = 10;
  EXPECT_EQ(Text(), "Job j is complete: all 10 chunks have run.");
  EXPECT_EQ(HoldOf(10), Hold::kDone);
  job_.state = model::JobState::kCancelled;
  job_.state_reason = "wrong file";
  job_.watermark = 4;
  job_.counters.chunks_completed = 4;
  EXPECT_EQ(Text(), "Job j was cancelled (wrong file); 6 chunks will not run.");
  EXPECT_EQ(HoldOf(5), Hold::kSkipped);
  EXPECT_EQ(HoldOf(4), Hold::kDone);
}

TEST_F(ExplainTest, TheEndIsEstimatedFromWhatRan) {
  // 100 of 400 records took 10 s of running time and 5 s of the clock.
  job_.options.max_workers = 2;
  job_.start_time = kStart;
  job_.counters = {.chunks_completed = 1, .records_submitted = 400, .records_completed = 100};
  job_.counters.compute_nanos = 10'000'000'000;
  Tell();
  scheduler_.OnJobChanged(std::make_shared<const model::Job>(EndlessJob("t", "other")), kStart);
  const absl::Time now = kStart + absl::Seconds(5);
  const std::optional<Eta> eta = EstimateEnd(Explain(), 300, 9, kWorkers, now);
  ASSERT_TRUE(eta.has_value());
  EXPECT_EQ(eta->earliest, now + absl::Seconds(15)) << "30 s of work on the two workers that it may use";
  EXPECT_EQ(eta->latest, now + absl::Seconds(15)) << "two jobs share four workers: two each";

  job_.options.throttle.records_per_second = 10;
  Tell();
  const std::optional<Eta> throttled = EstimateEnd(Explain(), 300, 9, kWorkers, now);
  ASSERT_TRUE(throttled.has_value());
  EXPECT_EQ(throttled->earliest, now + absl::Seconds(30));

  job_.output_buffer_used_bytes = job_.options.output_buffer_bytes;
  Tell();
  EXPECT_FALSE(EstimateEnd(Explain(), 300, 9, kWorkers, now).has_value()) << "nobody knows when results are pulled";
}

}  // namespace
}  // namespace millrace::core
