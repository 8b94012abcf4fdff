#include "server/execution/commit_sequencer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/server/execution/worker_pool_fixture.h"

namespace millrace::execution {
namespace {

using ::millrace::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CommitSequencerTest : public ::testing::Test {
 protected:
  void Begin(int64_t sequence) { sequencer_.Begin(job_, sequence, 0); }
  void Submit(int64_t sequence) {
    sequencer_.Submit(job_, sequence,
                      [this, sequence](bool is_due) { (is_due ? handed_in_ : let_go_).push_back(sequence); });
  }

  const model::JobKey job_{"default", "job-1"};
  CommitSequencer sequencer_;
  std::vector<int64_t> handed_in_;
  std::vector<int64_t> let_go_;
};

TEST_F(CommitSequencerTest, AnOutcomeWaitsForThoseBeforeIt) {
  for (const int64_t sequence : {1, 2, 3}) Begin(sequence);
  Submit(3);
  Submit(2);
  EXPECT_THAT(handed_in_, IsEmpty());
  Submit(1);
  EXPECT_THAT(handed_in_, ElementsAre(1, 2, 3));
}

TEST_F(CommitSequencerTest, AfterARestartItGoesOnBehindTheWatermark) {
  sequencer_.Begin(job_, 9, 7);
  sequencer_.Begin(job_, 8, 7);
  Submit(9);
  EXPECT_THAT(handed_in_, IsEmpty());
  Submit(8);
  EXPECT_THAT(handed_in_, ElementsAre(8, 9));
}

TEST_F(CommitSequencerTest, AChunkThatIsHandedBackHoldsUpThoseBehindIt) {
  for (const int64_t sequence : {1, 2}) Begin(sequence);
  sequencer_.Abandon(job_, 1);
  Submit(2);
  EXPECT_THAT(handed_in_, IsEmpty());
  Begin(1);
  Submit(1);
  EXPECT_THAT(handed_in_, ElementsAre(1, 2));
}

TEST_F(CommitSequencerTest, AChunkThatCouldNotBeStoredComesAgain) {
  for (const int64_t sequence : {1, 2}) Begin(sequence);
  Submit(1);
  Begin(1);
  Submit(2);
  EXPECT_THAT(handed_in_, ElementsAre(1));
  Submit(1);
  EXPECT_THAT(handed_in_, ElementsAre(1, 1, 2));
}

TEST_F(CommitSequencerTest, WhatWasCommittedBeforeHoldsUpNobodyThoughAChunkBeforeItComesAgain) {
  for (const int64_t sequence : {1, 2, 3}) Begin(sequence);
  sequencer_.PassOver(job_, 2);
  Submit(1);
  Submit(3);
  EXPECT_THAT(handed_in_, ElementsAre(1, 3));
  // Neither could be stored.
  Begin(1);
  Begin(3);
  Submit(3);
  Submit(1);
  EXPECT_THAT(handed_in_, ElementsAre(1, 3, 1, 3));
}

TEST_F(CommitSequencerTest, AfterTheEndOfTheJobOnlyWhatRunsIsWaitedFor) {
  for (const int64_t sequence : {1, 2, 3, 4}) Begin(sequence);
  sequencer_.Abandon(job_, 1);
  Submit(4);
  Submit(2);
  EXPECT_THAT(handed_in_, IsEmpty());
  sequencer_.End(job_);
  EXPECT_THAT(handed_in_, ElementsAre(2));
  Submit(3);
  EXPECT_THAT(handed_in_, ElementsAre(2, 3, 4));
  EXPECT_EQ(sequencer_.size(), 0u);
}

TEST_F(CommitSequencerTest, WhenTheServerEndsWhatWaitsIsLetGo) {
  for (const int64_t sequence : {1, 2, 3}) Begin(sequence);
  Submit(3);
  Submit(2);
  sequencer_.Abandon(job_, 1);
  sequencer_.GiveUp();
  EXPECT_THAT(handed_in_, IsEmpty());
  EXPECT_THAT(let_go_, ElementsAre(2, 3));
  EXPECT_EQ(sequencer_.size(), 0u);
}

TEST_F(CommitSequencerTest, JobsDoNotWaitForEachOther) {
  Begin(1);
  sequencer_.Begin({"default", "job-2"}, 1, 0);
  Submit(1);
  EXPECT_THAT(handed_in_, ElementsAre(1));
}

TEST_F(CommitSequencerTest, AnyOrderOfRunsHandBacksAndAnEndGivesPushOrder) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    CommitSequencer sequencer;
    std::vector<int64_t> handed_in;
    std::vector<int64_t> running;
    std::vector<int64_t> returned;
    const int64_t last = 40;
    int64_t cursor = 0;
    const size_t end_after = seed % 2 == 0 ? 1'000 : random() % 60;
    bool ended = false;
    for (size_t step = 0; !running.empty() || (!ended && (cursor < last || !returned.empty())); ++step) {
      if (step == end_after) {
        sequencer.End(job_);
        ended = true;
      }
      if (!ended && running.size() < 6 && random() % 2 == 0) {
        const bool again = !returned.empty();
        if (!again && cursor == last) continue;
        running.push_back(again ? returned.back() : ++cursor);
        if (again) returned.pop_back();
        sequencer.Begin(job_, running.back(), 0);
      } else if (!running.empty()) {
        const size_t which = random() % running.size();
        const int64_t sequence = running[which];
        running.erase(running.begin() + static_cast<std::ptrdiff_t>(which));
        if (random() % 4 == 0) {
          returned.push_back(sequence);
          sequencer.Abandon(job_, sequence);
        } else {
          sequencer.Submit(job_, sequence, [&handed_in, sequence](bool) { handed_in.push_back(sequence); });
        }
      }
    }
    EXPECT_TRUE(std::is_sorted(handed_in.begin(), handed_in.end())) << "seed " << seed;
    EXPECT_TRUE(ended || handed_in.size() == static_cast<size_t>(last)) << "seed " << seed;
    sequencer.End(job_);
    EXPECT_EQ(sequencer.size(), 0u) << "seed " << seed;
    EXPECT_EQ(handed_in.size() + returned.size(), static_cast<size_t>(cursor)) << "nothing is kept, seed " << seed;
  }
}

TEST_F(CommitSequencerTest, ThreadsHandInOneAfterTheOther) {
  constexpr int kThreads = 4;
  constexpr int64_t kChunks = 2'000;
  for (int64_t sequence = 1; sequence <= kChunks; ++sequence) Begin(sequence);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, i] {
      for (int64_t sequence = 1 + i; sequence <= kChunks; sequence += kThreads) Submit(sequence);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(handed_in_.size(), static_cast<size_t>(kChunks));
  EXPECT_TRUE(std::is_sorted(handed_in_.begin(), handed_in_.end()));
}

class OrderedPoolTest : public WorkerPoolTest {
 protected:
  static model::JobOptions Ordered() {
    model::JobOptions options;
    options.order_results = true;
    return options;
  }

  void ExpectPushOrder(const model::JobKey& key) {
    int64_t before = 0;
    for (const model::ChunkResult& result : Results(key)) {
      EXPECT_GT(result.sequence, before) << "result " << result.number;
      before = result.sequence;
    }
  }
};

TEST_F(OrderedPoolTest, ResultsAreNumberedInPushOrderThoughAnEarlyChunkIsTriedAgain) {
  std::atomic<int> tries = 0;
  Start(
      [&tries](const std::string& record, int32_t index, model::ChunkOutcome& outcome) {
        if (record == "{\"n\":3}" && ++tries < 3) return FailRecord(index, "BUSY", true, outcome);
        Succeed(record, outcome);
      },
      {}, 4);
  // More chunks than outcomes may wait: the scheduler stops behind chunk 3 until it is through.
  std::vector<std::vector<std::string>> chunks;
  for (int i = 1; i <= 200; ++i) chunks.push_back({absl::StrCat("{\"n\":", i, "}")});
  const model::JobKey key = CreateAndPush(chunks, Ordered());
  EXPECT_EQ(AwaitAllCommitted()->last_result, 200);
  ExpectPushOrder(key);
}

TEST_F(OrderedPoolTest, AServerThatEndsDoesNotWaitForAChunkThatWillNotRunAnyMore) {
  absl::Notification second_ran;
  Start([&second_ran](const std::string& record, int32_t index, model::ChunkOutcome& outcome) {
    if (record == "{\"n\":1}") return FailRecord(index, "BUSY", true, outcome);
    Succeed(record, outcome);
    second_ran.Notify();
  });
  const model::JobKey key = CreateAndPush({{"{\"n\":1}"}, {"{\"n\":2}"}}, Ordered());
  second_ran.WaitForNotification();
  hub_->Stop();
  pool_->Stop();
  EXPECT_TRUE(hub_->AwaitIdle(absl::InfiniteDuration()));
  ASSERT_OK_AND_ASSIGN(const model::JobPtr job, store_->GetJob(key));
  EXPECT_EQ(job->counters.chunks_completed, 0);
}

TEST_F(OrderedPoolTest, ACancelInTheMiddleKeepsTheOrderAndEveryRecordInOnePlace) {
  absl::Notification started;
  absl::Notification cancelled;
  Start(
      [&](const std::string& record, int32_t, model::ChunkOutcome& outcome) {
        if (record == "{\"n\":2}") {
          started.Notify();
          cancelled.WaitForNotification();
        }
        Succeed(record, outcome);
      },
      {}, 2);
  std::vector<std::vector<std::string>> chunks;
  for (int i = 1; i <= 20; ++i) chunks.push_back({absl::StrCat("{\"n\":", i, "}")});
  const model::JobKey key = CreateAndPush(chunks, Ordered());
  started.WaitForNotification();
  ASSERT_THAT(store_->CancelJob(key, "enough", false), IsOk());
  cancelled.Notify();
  hub_->AwaitIdle(absl::InfiniteDuration());
  ASSERT_OK_AND_ASSIGN(const model::JobPtr job, store_->GetJob(key));
  ExpectPushOrder(key);
  EXPECT_GE(job->counters.records_completed, 2) << "the first, and the one that ran";
  EXPECT_EQ(job->counters.records_completed + model::RecordsSkipped(*job), 20);
}

}  // namespace
}  // namespace millrace::execution
