// JobOptions::ordering_key with real workers: per key, records run in push order and never two at once.
#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "server/core/explain.h"
#include "tests/server/execution/worker_pool_fixture.h"

namespace millrace::execution {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Record(const std::string& key, int number) {
  return absl::StrCat(R"({"k":")", key, R"(","n":)", number, "}");
}

model::JobOptions ByKey() {
  model::JobOptions options;
  options.ordering_key = "k";
  options.retry.max_attempts = 100;
  return options;
}

class OrderedKeysTest : public WorkerPoolTest {
 protected:
  core::Standing Explain(int64_t sequence) {
    return hub_->Explain(*store_->GetJob(testing::ExampleJob().key()), sequence, false);
  }
  /// Until the chunk stands so.
  void AwaitHold(int64_t sequence, core::Hold hold) {
    while (Explain(sequence).verdict.hold != hold) std::this_thread::yield();
  }
};

TEST_F(OrderedKeysTest, AChunkWaitsForTheOneWithItsKeyWhileOthersPass) {
  absl::Notification may_end;
  absl::Mutex mutex;
  std::vector<std::string> ran;
  Start(
      [&](const std::string& record, int32_t /*index*/, model::ChunkOutcome& outcome) {
        if (record == Record("a", 1)) may_end.WaitForNotification();
        absl::MutexLock lock(&mutex);
        ran.push_back(record);
        Succeed(record, outcome);
      },
      {}, 4);
  CreateAndPush({{Record("a", 1)}, {Record("b", 2)}, {Record("c", 3), Record("a", 4)}, {Record("c", 5)}}, ByKey());
  AwaitJob([](const model::Job& job) { return job.counters.chunks_completed == 1; });
  AwaitHold(3, core::Hold::kOrderingKeyHeld);
  AwaitHold(4, core::Hold::kOrderingKeyHeld);
  EXPECT_THAT(core::Sentence(Explain(3), 3, 4, absl::UnixEpoch()),
              HasSubstr("Chunk 3 waits for chunk 1, which holds the same key (k) and is not committed yet."));
  EXPECT_EQ(Explain(4).verdict.sequence, 3);
  may_end.Notify();
  AwaitAllCommitted();
  EXPECT_THAT(ran, ElementsAre(Record("b", 2), Record("a", 1), Record("c", 3), Record("a", 4), Record("c", 5)));
}

TEST_F(OrderedKeysTest, ARecordThatIsTriedAgainHoldsUpThoseBehindItWithItsKeyAndNoOthers) {
  std::vector<std::string> ran;  // One thread, and read only when all is committed.
  Start([&](const std::string& record, int32_t index, model::ChunkOutcome& outcome) {
    ran.push_back(record);
    if (record == Record("a", 1) && std::count(ran.begin(), ran.end(), record) < 3) {
      return FailRecord(index, "BUSY", true, outcome);
    }
    Succeed(record, outcome);
  });
  const model::JobKey key =
      CreateAndPush({{Record("a", 1), Record("b", 2), Record("a", 3)}, {Record("a", 4)}, {Record("b", 5)}}, ByKey());
  AwaitAllCommitted();
  EXPECT_THAT(ran, ElementsAre(Record("a", 1), Record("b", 2), Record("a", 1), Record("a", 1), Record("a", 3),
                               Record("a", 4), Record("b", 5)));
  EXPECT_THAT(Results(key)[0].json_lines,
              absl::StrCat(Record("a", 1), "\n", Record("b", 2), "\n", Record("a", 3), "\n"));
}

TEST_F(OrderedKeysTest, AfterTheLastAttemptOfARecordThoseBehindItRun) {
  Start([](const std::string& record, int32_t index, model::ChunkOutcome& outcome) {
    record == Record("a", 1) ? FailRecord(index, "BUSY", true, outcome) : Succeed(record, outcome);
  });
  model::JobOptions options = ByKey();
  options.retry.max_attempts = 2;
  CreateAndPush({{Record("a", 1), Record("a", 2)}, {Record("a", 3)}}, options);
  const model::JobPtr job = AwaitAllCommitted();
  EXPECT_EQ(job->counters.records_completed, 2);
  EXPECT_EQ(job->counters.records_failed, 1);
}

/// Notes every run of a record, and what must not be.
class Ledger {
 public:
  static constexpr int kKeys = 6;

  void Run(const std::string& record, int32_t index, model::ChunkOutcome& outcome) {
    int key = 0;
    int number = 0;
    ASSERT_EQ(sscanf(record.c_str(), R"({"k":"%d","n":%d})", &key, &number), 2) << record;
    if (running_[key].exchange(true)) ++overlaps;
    for (int i = 0; i < 10; ++i) std::this_thread::yield();
    if (number < newest_[key].exchange(number)) ++disorders;
    const bool fails = (static_cast<uint32_t>(number) * 2654435761U + ++runs) % 16 == 0;
    running_[key] = false;
    fails ? FailRecord(index, "BUSY", true, outcome) : Succeed(record, outcome);
  }

  std::atomic<int> overlaps = 0;
  std::atomic<int> disorders = 0;
  std::atomic<uint32_t> runs = 0;

 private:
  std::atomic<bool> running_[kKeys] = {};
  std::atomic<int> newest_[kKeys] = {};
};

/// Chunks of a few records with random keys, numbered through.
std::vector<std::vector<std::string>> RandomChunks(int chunks) {
  const auto seed = std::random_device{}();
  ::testing::Test::RecordProperty("seed", static_cast<int>(seed));
  std::mt19937 random(seed);
  std::vector<std::vector<std::string>> made;
  for (int i = 0, number = 0; i < chunks; ++i) {
    std::vector<std::string>& records = made.emplace_back();
    for (uint32_t left = 1 + random() % 3; left > 0; --left) {
      records.push_back(Record(std::to_string(random() % Ledger::kKeys), ++number));
    }
  }
  return made;
}

TEST_F(OrderedKeysTest, ManyWorkersKeepEveryKeyInOrderThroughRetries) {
  Ledger ledger;
  Start([&](const std::string& record, int32_t index,
            model::ChunkOutcome& outcome) { ledger.Run(record, index, outcome); },
        {}, 4);
  CreateAndPush(RandomChunks(60), ByKey());
  const model::JobPtr job = AwaitAllCommitted();
  EXPECT_EQ(job->counters.records_completed, job->counters.records_submitted);
  EXPECT_EQ(ledger.overlaps, 0);
  EXPECT_EQ(ledger.disorders, 0);
  EXPECT_GT(ledger.runs, static_cast<uint32_t>(job->counters.records_submitted)) << "some were tried again";
}

TEST_F(OrderedKeysTest, OrderedResultsAndOrderedKeysGoTogether) {
  Ledger ledger;
  Start([&](const std::string& record, int32_t index,
            model::ChunkOutcome& outcome) { ledger.Run(record, index, outcome); },
        {}, 4);
  model::JobOptions options = ByKey();
  options.order_results = true;
  const model::JobKey key = CreateAndPush(RandomChunks(40), options);
  AwaitAllCommitted();
  EXPECT_EQ(ledger.overlaps, 0);
  EXPECT_EQ(ledger.disorders, 0);
  int64_t sequence = 0;
  const std::vector<model::ChunkResult> results = Results(key);
  for (const model::ChunkResult& result : results) EXPECT_EQ(result.sequence, ++sequence);
}

TEST_F(OrderedKeysTest, AServerThatStartsAgainReadsTheKeysAgain) {
  std::atomic<bool> is_down = true;
  absl::Mutex mutex;
  std::vector<std::string> ran;
  const auto run = [&](const std::string& record, int32_t index, model::ChunkOutcome& outcome) {
    absl::MutexLock lock(&mutex);
    ran.push_back(record);
    is_down&& record == Record("a", 1) ? FailRecord(index, "DOWN", true, outcome) : Succeed(record, outcome);
  };
  model::JobOptions options = ByKey();
  options.retry = {.max_attempts = 1'000'000, .initial_backoff = absl::Hours(24), .max_backoff = absl::Hours(24)};
  Start(run, {}, 2);
  const model::JobKey key = CreateAndPush({{Record("a", 1)}, {Record("b", 2)}, {Record("a", 3)}}, options);
  AwaitJob([](const model::Job& job) { return job.counters.chunks_completed == 1; });
  AwaitHold(3, core::Hold::kOrderingKeyHeld);
  StopServing();
  is_down = false;
  ran.clear();

  hub_->OnJobChanged(*store_->GetJob(key));
  Start(run, {}, 4);
  AwaitAllCommitted();
  EXPECT_THAT(ran, ElementsAre(Record("a", 1), Record("a", 3)));
}

}  // namespace
}  // namespace millrace::execution
