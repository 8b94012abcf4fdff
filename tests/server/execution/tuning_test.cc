// A job that is moved to another version while its chunks wait for their next attempt.
#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <string>

#include "absl/synchronization/notification.h"
#include "tests/server/execution/worker_pool_fixture.h"

namespace millrace::execution {
namespace {

using ::millrace::testing::IsOk;
using ::testing::SizeIs;

constexpr char kBusy[] = R"({"busy":1})";
constexpr char kFine[] = R"({"fine":1})";

class TuningTest : public WorkerPoolTest {
 protected:
  void MoveToAnotherVersion(const model::JobKey& key) {
    model::ServiceVersion version = testing::ExampleVersion("2.0.0");
    version.definition = kAnyService;
    ASSERT_THAT(store_->CreateServiceVersion(version), IsOk());
    model::JobUpdate update;
    update.version = model::JobUpdate::Version{version.version, version.version_id, version.config_hash};
    ASSERT_THAT(store_->UpdateJob(key, update), IsOk());
  }
};

TEST_F(TuningTest, AChunkThatWaitsForItsNextAttemptBeginsAnewUnderTheNewVersion) {
  std::map<std::string, int> runs;  // One thread, and read only when all is committed.
  std::atomic<bool> moved = false;
  absl::Notification failed;
  Start([&](const std::string& record, int32_t index, model::ChunkOutcome& outcome) {
    ++runs[record];
    if (record == kFine || moved) return Succeed(record, outcome);
    FailRecord(index, "BUSY", true, outcome);
    failed.Notify();
  });
  const model::JobKey key = CreateAndPush({{kFine, kBusy}});
  failed.WaitForNotification();
  MoveToAnotherVersion(key);
  moved = true;
  AwaitAllCommitted();
  EXPECT_EQ(runs[kFine], 2) << "its outcome was made by the other version";
  EXPECT_EQ(runs[kBusy], 2);
  const auto results = Results(key);
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_EQ(results[0].config_hash, testing::ExampleVersion("2.0.0").config_hash);
}

TEST_F(TuningTest, AChunkThatRunsIsCommittedUnderTheVersionItBeganWith) {
  absl::Notification runs;
  absl::Notification go_on;
  Start([&](const std::string& record, int32_t, model::ChunkOutcome& outcome) {
    if (!runs.HasBeenNotified()) {
      runs.Notify();
      go_on.WaitForNotification();
    }
    Succeed(record, outcome);
  });
  const model::JobKey key = CreateAndPush({{kFine}, {kFine}});
  runs.WaitForNotification();
  MoveToAnotherVersion(key);
  go_on.Notify();
  AwaitAllCommitted();
  const auto results = Results(key);
  ASSERT_THAT(results, SizeIs(2));
  EXPECT_EQ(results[0].config_hash, testing::ExampleVersion().config_hash);
  EXPECT_EQ(results[1].config_hash, testing::ExampleVersion("2.0.0").config_hash);
}

}  // namespace
}  // namespace millrace::execution
