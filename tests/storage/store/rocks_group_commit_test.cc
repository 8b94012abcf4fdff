#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "tests/storage/store/rocks_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleCommit;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::Reason;
using ::testing::SizeIs;

class RocksGroupCommitTest : public RocksStoreTest {
 protected:
  /// Holds the lane up in its next write, lets `submit` hand in verbs meanwhile, and lets it go on: those verbs make
  /// one group.
  template <typename Submit>
  void InOneGroup(Submit&& submit) {
    struct Gate {
      absl::Notification entered;
      absl::Notification go_on;
      std::atomic<bool> first{true};
    };
    // Shared: the lane may still look at it when this function is left.
    const auto gate = std::make_shared<Gate>();
    watch_.BeforeWrite([gate] {
      if (gate->first.exchange(false)) {
        gate->entered.Notify();
        gate->go_on.WaitForNotification();
      }
      return absl::OkStatus();
    });
    store_->PushChunks(OneChunk(holder_, "holder-" + std::to_string(++holders_)),
                       [](const absl::StatusOr<PushReceipt>& receipt) { EXPECT_THAT(receipt, IsOk()); });
    gate->entered.WaitForNotification();
    submit();
    gate->go_on.Notify();
  }

  JobKey holder_ = Create("holder");
  int holders_ = 0;
};

TEST_F(RocksGroupCommitTest, AGroupWritesTheRowsOfAJobOnce) {
  constexpr int kChunks = 20;
  const JobKey job = Create();
  absl::BlockingCounter pushed(kChunks);
  InOneGroup([&] {
    for (int i = 0; i < kChunks; ++i) {
      store_->PushChunks(OneChunk(job, "c" + std::to_string(i)), [&](absl::StatusOr<PushReceipt> receipt) {
        EXPECT_THAT(receipt, IsOk());
        pushed.DecrementCount();
      });
    }
  });
  pushed.Wait();
  EXPECT_EQ(watch_.writes().back().CountOf(At(format::Family::kJobs), format::JobProgressKey(job)), 1);
  EXPECT_EQ(watch_.writes().back().CountOf(At(format::Family::kJobs), format::JobDefinitionKey(job)), 0);

  absl::BlockingCounter committed(kChunks);
  InOneGroup([&] {
    for (int sequence = 1; sequence <= kChunks; ++sequence) {
      model::ChunkCommit commit = ExampleCommit(job, sequence, 3, 1);
      commit.epoch = store_->epoch();
      store_->CommitChunk(std::move(commit), [&](absl::StatusOr<model::JobPtr> done) {
        EXPECT_THAT(done, IsOk());
        committed.DecrementCount();
      });
    }
  });
  committed.Wait();
  const WatchedWrite last = watch_.writes().back();
  EXPECT_EQ(last.CountOf(At(format::Family::kJobs), format::JobProgressKey(job)), 1);
  EXPECT_EQ(last.CountOf(At(format::Family::kStatistics), format::StatisticsKey(job)), 1);
  ASSERT_OK_AND_ASSIGN(const auto groups, store_->ListExceptionGroups(job));
  ASSERT_THAT(groups, SizeIs(1));
  EXPECT_EQ(groups.front().count, kChunks);
  EXPECT_EQ(last.CountOf(At(format::Family::kExceptions), format::ExceptionGroupKey(job, groups.front().fingerprint)),
            1);
}

TEST_F(RocksGroupCommitTest, EachVerbSeesWhatThoseBeforeItInTheGroupDid) {
  const JobKey job = Create();
  std::vector<absl::StatusOr<PushReceipt>> receipts;
  std::vector<absl::StatusOr<model::JobPtr>> commits;
  absl::BlockingCounter done(4);
  const auto on_push = [&](absl::StatusOr<PushReceipt> receipt) {
    receipts.push_back(std::move(receipt));
    done.DecrementCount();
  };
  ASSERT_THAT(Push(job, "first"), IsOk());
  InOneGroup([&] {
    store_->PushChunks(OneChunk(job, "second"), on_push);
    store_->PushChunks(OneChunk(job, "second"), on_push);
    for (int i = 0; i < 2; ++i) {
      model::ChunkCommit commit = ExampleCommit(job, 1);
      commit.epoch = store_->epoch();
      store_->CommitChunk(std::move(commit), [&](absl::StatusOr<model::JobPtr> outcome) {
        commits.push_back(std::move(outcome));
        done.DecrementCount();
      });
    }
  });
  done.Wait();
  ASSERT_THAT(receipts[0], IsOk());
  ASSERT_THAT(receipts[1], IsOk());
  EXPECT_FALSE(receipts[0]->chunks[0].duplicate);
  EXPECT_TRUE(receipts[1]->chunks[0].duplicate);
  EXPECT_EQ(receipts[1]->chunks[0].sequence, receipts[0]->chunks[0].sequence);
  EXPECT_THAT(commits[0], IsOk());
  EXPECT_THAT(commits[1], IsError(Reason::kLeaseStale));
  ASSERT_OK_AND_ASSIGN(const model::JobPtr after, store_->GetJob(job));
  EXPECT_EQ(after->last_sequence, 2);
  EXPECT_EQ(after->last_result, 1);
}

TEST_F(RocksGroupCommitTest, ResultsCanBeAcknowledgedInTheGroupThatWritesThem) {
  const JobKey job = Create();
  for (const std::string id : {"a", "b", "c"}) ASSERT_THAT(Push(job, id), IsOk());
  ASSERT_THAT(Commit(job, 1), IsOk());
  absl::StatusOr<model::JobPtr> acknowledged;
  std::thread acknowledging;
  InOneGroup([&] {
    for (const int64_t sequence : {2, 3}) {
      model::ChunkCommit commit = ExampleCommit(job, sequence);
      commit.epoch = store_->epoch();
      store_->CommitChunk(std::move(commit), [](const absl::StatusOr<model::JobPtr>&) {});
    }
    acknowledging = std::thread([&] { acknowledged = store_->Acknowledge(job, 2, "cursor"); });
  });
  acknowledging.join();
  ASSERT_THAT(acknowledged, IsOk());
  EXPECT_EQ((*acknowledged)->unacknowledged_records, 3);
  EXPECT_EQ((*acknowledged)->output_buffer_used_bytes, (*acknowledged)->counters.output_bytes / 3);
}

TEST_F(RocksGroupCommitTest, ReadersSeeNothingOfAGroupBeforeItIsDurable) {
  const JobKey job = Create();
  absl::Notification pushed;
  InOneGroup([&] {
    store_->PushChunks(OneChunk(job, "c1"), [&](absl::StatusOr<PushReceipt>) { pushed.Notify(); });
    EXPECT_EQ((*store_->GetJob(job))->last_sequence, 0);
    EXPECT_THAT(store_->ReadChunk(job, 1), IsError(Reason::kPipelineNotFound));
  });
  pushed.WaitForNotification();
  EXPECT_EQ((*store_->GetJob(job))->last_sequence, 1);
}

TEST_F(RocksGroupCommitTest, ManyPushersAtOnceAreAllDurable) {
  constexpr int kPushers = 8;
  constexpr int kChunksEach = 100;
  const JobKey job = Create();
  const JobKey other = Create("job-2");
  std::vector<std::thread> pushers;
  for (int pusher = 0; pusher < kPushers; ++pusher) {
    pushers.emplace_back([&, pusher] {
      for (int i = 0; i < kChunksEach; ++i) {
        const std::string id = std::to_string(pusher) + "-" + std::to_string(i);
        EXPECT_THAT(Push(pusher % 2 == 0 ? job : other, id), IsOk());
      }
    });
  }
  for (std::thread& pusher : pushers) pusher.join();
  EXPECT_LT(watch_.writes().size(), size_t{kPushers * kChunksEach});

  Open();
  for (const JobKey& key : {job, other}) {
    ASSERT_OK_AND_ASSIGN(const model::JobPtr stored, store_->GetJob(key));
    EXPECT_EQ(stored->last_sequence, kPushers * kChunksEach / 2);
    std::set<std::string> ids;
    for (int64_t sequence = 1; sequence <= stored->last_sequence; ++sequence) {
      ASSERT_OK_AND_ASSIGN(const model::ChunkInput input, store_->ReadChunk(key, sequence));
      ids.insert(input.chunk.id);
    }
    EXPECT_THAT(ids, SizeIs(kPushers * kChunksEach / 2));
  }
}

class RocksUnsyncedTest : public RocksStoreTest {
 protected:
  RocksUnsyncedTest() {
    sync_ = false;
    Open();
  }
};

TEST_F(RocksUnsyncedTest, TheLogIsSyncedInTheBackgroundAndAtTheEnd) {
  const JobKey job = Create();
  clock_.Advance(absl::Seconds(2));
  ASSERT_THAT(Push(job, "c1"), IsOk());
  ASSERT_THAT(Push(job, "c2"), IsOk());
  EXPECT_GE(watch_.syncs(), 1);
  const int before = watch_.syncs();
  ASSERT_THAT(Push(job, "c3"), IsOk());
  store_.reset();
  EXPECT_GT(watch_.syncs(), before);
  Open();
  EXPECT_EQ((*store_->GetJob(job))->last_sequence, 3);
}

}  // namespace
}  // namespace millrace::store
