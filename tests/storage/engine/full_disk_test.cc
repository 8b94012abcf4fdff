// A disk that is full loses nothing that was acknowledged, and needs no restart once it has space again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "storage/engine/engine_on_env.h"
#include "tests/storage/engine/disk/faulty_disk.h"
#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::engine {
namespace {

using harness::TemporaryFolder;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::Reason;
using ::testing::HasSubstr;

constexpr FamilyIndex kRows = 0;

class FullDiskTest : public ::testing::Test {
 protected:
  FullDiskTest() { EXPECT_THAT(Open(), IsOk()); }

  absl::Status Open() {
    engine_.reset();
    EngineOptions options;
    options.folder = folder_.path();
    options.families = {{"rows", true, false}, {"more", false, false}, {"most", false, false}};
    options.log_bytes = log_bytes_;
    absl::StatusOr<std::unique_ptr<Engine>> opened = OpenEngineOnEnv(options, disk_.env());
    if (!opened.ok()) return opened.status();
    engine_ = *std::move(opened);
    return absl::OkStatus();
  }

  absl::Status Put(const std::string& key, bool sync = true) {
    const std::unique_ptr<WriteUnit> unit = engine_->NewUnit();
    unit->Put(kRows, key, "value of " + key);
    for (FamilyIndex other = 1; other < 3; ++other) unit->Put(other, key, "");
    return engine_->Write(*unit, sync);
  }

  bool Has(const std::string& key) {
    const absl::StatusOr<std::optional<std::string>> value = engine_->Get(kRows, key);
    EXPECT_THAT(value, IsOk());
    return value.ok() && value->has_value();
  }

  TemporaryFolder folder_;
  FaultyDisk disk_;
  size_t log_bytes_ = EngineOptions().log_bytes;
  std::unique_ptr<Engine> engine_;
};

TEST_F(FullDiskTest, SaysThatItIsFullAndWhenToTryAgain) {
  disk_.Break(Fault::kDiskFull, 1);
  const absl::Status full = Put("a");
  EXPECT_THAT(full, IsError(Reason::kStorageFull));
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(model::DetailsOf(full).retry_after, absl::Seconds(5));
  EXPECT_FALSE(Has("a"));
}

TEST_F(FullDiskTest, StaysFullAsLongAsItIs) {
  disk_.Break(Fault::kDiskFull, 1);
  for (int i = 0; i < 5; ++i) EXPECT_THAT(Put("a"), IsError(Reason::kStorageFull)) << i;
}

TEST_F(FullDiskTest, GoesOnWithoutARestartOnceThereIsSpace) {
  ASSERT_THAT(Put("before"), IsOk());
  for (int round = 0; round < 3; ++round) {
    const std::string key = std::to_string(round);
    disk_.Break(Fault::kDiskFull, 1);
    ASSERT_THAT(Put("lost" + key), IsError(Reason::kStorageFull));
    disk_.Heal();
    ASSERT_THAT(Put("kept" + key), IsOk());
  }
  EXPECT_TRUE(Has("before"));
  ASSERT_THAT(Open(), IsOk());
  for (const std::string key : {"before", "kept0", "kept1", "kept2"}) EXPECT_TRUE(Has(key)) << key;
  for (const std::string key : {"lost0", "lost1", "lost2"}) EXPECT_FALSE(Has(key)) << key;
}

TEST_F(FullDiskTest, EveryAcknowledgedWriteSurvivesWhereverItFillsUp) {
  // The first append that fails falls on the log, or on what the engine writes when it is brought back.
  for (int64_t n = 1; n <= 12; ++n) {
    std::string kept;
    disk_.Break(Fault::kDiskFull, n);
    for (int i = 0; i < 15; ++i) {
      const std::string key = std::to_string(n) + "-" + std::to_string(i);
      if (Put(key).ok()) kept = key;
      if (i == 9) disk_.Heal();
    }
    EXPECT_EQ(kept, std::to_string(n) + "-14");
    ASSERT_THAT(Open(), IsOk());
    EXPECT_TRUE(Has(kept));
  }
}

TEST_F(FullDiskTest, GoesOnWhereverBetweenLogsItFillsUp) {
  // A new log and a flush of all families every few writes: some faults fall on the log, some on what is flushed, some on
  // both at once.
  log_bytes_ = 300;
  ASSERT_THAT(Open(), IsOk());
  std::vector<std::string> kept;
  for (int64_t n = 1; n <= 40; n += 7) {
    disk_.Break(Fault::kDiskFull, n);
    for (int i = 0; i < 30; ++i) {
      const std::string key = std::to_string(n) + "-" + std::to_string(i);
      const absl::Status put = Put(key);
      if (put.ok()) kept.push_back(key);
      if (!put.ok()) disk_.Heal();
    }
    ASSERT_EQ(kept.back(), std::to_string(n) + "-29");
  }
  for (const std::string& key : kept) EXPECT_TRUE(Has(key)) << key;
}

// True once the thread waits for something.
bool IsAsleep(pid_t thread) {
  std::ifstream stat("/proc/self/task/" + std::to_string(thread) + "/stat");
  std::string number;
  std::string name;
  char state = ' ';
  stat >> number >> name >> state;
  return state == 'S';
}

TEST_F(FullDiskTest, GoesOnThoughACompactionFailsWhileItIsBroughtBack) {
  log_bytes_ = 60;
  ASSERT_THAT(Open(), IsOk());
  disk_.HoldCompactions();
  // Each second write begins a log and flushes those before it; the one that finds the disk full does not. RocksDB moves
  // the first four files without a write, and compacts the next.
  for (int i = 0; i < 25; ++i) ASSERT_THAT(Put("a"), IsOk());
  disk_.AwaitHeldCompaction();
  disk_.Break(Fault::kDiskFull, 1);
  ASSERT_THAT(Put("full"), IsError(Reason::kStorageFull));

  std::atomic<pid_t> writer_id = 0;
  std::thread writer([&] {
    writer_id = gettid();
    EXPECT_THAT(Put("still full"), IsError(Reason::kStorageFull));
  });
  // Often in a row: it waits for the compaction, not just for a lock.
  for (int asleep = 0; asleep < 200; asleep = writer_id != 0 && IsAsleep(writer_id) ? asleep + 1 : 0) {
    std::this_thread::yield();
  }
  disk_.ReleaseCompactions();
  writer.join();

  disk_.Heal();
  EXPECT_THAT(Put("space"), IsOk());
}

TEST_F(FullDiskTest, ALogThatCannotBeSyncedIsReportedByTheNextWrite) {
  ASSERT_THAT(Put("a", false), IsOk());
  disk_.Break(Fault::kDiskFull, 1);
  EXPECT_THAT(Put("b", false), IsError(Reason::kStorageFull));
  disk_.Heal();
  EXPECT_THAT(Put("c", false), IsOk());
  EXPECT_THAT(engine_->SyncLog(), IsOk());
}

TEST_F(FullDiskTest, OpeningOnAFullDiskNamesTheFolder) {
  ASSERT_THAT(Put("a"), IsOk());
  engine_.reset();
  disk_.Break(Fault::kDiskFull, 1);
  const absl::Status full = Open();
  EXPECT_THAT(full, IsError(Reason::kStorageFull));
  EXPECT_THAT(std::string(full.message()), HasSubstr(folder_.path().string()));
  disk_.Heal();
  ASSERT_THAT(Open(), IsOk());
  EXPECT_TRUE(Has("a"));
}

}  // namespace
}  // namespace millrace::engine
