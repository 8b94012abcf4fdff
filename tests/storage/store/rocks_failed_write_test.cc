// A write that fails leaves nothing behind, in memory or on disk, and the next one goes through.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/storage/store/job_store_fixture.h"
#include "tests/storage/store/rocks_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::Reason;
using ::testing::IsEmpty;

class CountingObserver final : public JobObserver {
 public:
  void OnJobChanged(const model::JobPtr&) override { ++changes; }
  int changes = 0;
};

class RocksFailedWriteTest : public RocksStoreTest {
 protected:
  void FillDisk() {
    watch_.BeforeWrite([] { return model::MakeError(Reason::kStorageFull, "the test says so"); });
  }
  void MakeRoom() { watch_.BeforeWrite({}); }

  std::string Everything(const JobKey& job) { return DescribeJob(*store_, job); }
};

TEST_F(RocksFailedWriteTest, LeavesNothingBehind) {
  const JobKey job = Create();
  for (const std::string id : {"a", "b", "c"}) ASSERT_THAT(Push(job, id), IsOk());
  ASSERT_THAT(Commit(job, 2, 1), IsOk());
  const std::string before = Everything(job);

  FillDisk();
  EXPECT_THAT(Push(job, "d"), IsError(Reason::kStorageFull));
  EXPECT_THAT(Commit(job, 1, 2), IsError(Reason::kStorageFull));
  EXPECT_THAT(store_->Acknowledge(job, 1, "cursor"), IsError(Reason::kStorageFull));
  EXPECT_THAT(store_->CloseJob(job), IsError(Reason::kStorageFull));
  EXPECT_THAT(store_->CancelJob(job, "", true), IsError(Reason::kStorageFull));
  EXPECT_EQ(Everything(job), before);

  MakeRoom();
  EXPECT_EQ(Everything(job), before);
  Open();
  ASSERT_OK_AND_ASSIGN(const model::JobPtr stored, store_->GetJob(job));
  EXPECT_EQ(stored->last_sequence, 3);
  EXPECT_EQ(stored->last_result, 1);
}

TEST_F(RocksFailedWriteTest, TheSameVerbsGoThroughOnceThereIsRoom) {
  const JobKey job = Create();
  for (const std::string id : {"a", "b"}) ASSERT_THAT(Push(job, id), IsOk());
  ASSERT_THAT(Commit(job, 2, 1), IsOk());
  FillDisk();
  EXPECT_FALSE(Push(job, "c").ok());
  EXPECT_FALSE(Commit(job, 1, 1).ok());
  MakeRoom();
  ASSERT_OK_AND_ASSIGN(const PushReceipt receipt, Push(job, "c"));
  EXPECT_FALSE(receipt.chunks[0].duplicate);
  EXPECT_EQ(receipt.chunks[0].sequence, 3);
  ASSERT_OK_AND_ASSIGN(const model::JobPtr committed, Commit(job, 1, 1));
  EXPECT_EQ(committed->last_result, 2);
  EXPECT_EQ(committed->watermark, 2);
  ASSERT_OK_AND_ASSIGN(const auto groups, store_->ListExceptionGroups(job));
  EXPECT_EQ(groups.front().count, 2);
  ASSERT_OK_AND_ASSIGN(const auto run, store_->GetRunStatistics(job));
  EXPECT_EQ(run.nodes.begin()->second.record_count, 6);
}

TEST_F(RocksFailedWriteTest, AJobThatCouldNotBeStoredIsNotThere) {
  model::Job job = ExampleJob("late");
  job.request_id = "request";
  job.request_hash = "hash";
  job.options.unique_key = "key";
  FillDisk();
  EXPECT_THAT(store_->CreateJob(job), IsError(Reason::kStorageFull));
  EXPECT_THAT(store_->GetJob(job.key()), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(store_->ActiveJobs(), IsEmpty());
  MakeRoom();
  EXPECT_THAT(store_->CreateJob(job), IsOk());
}

TEST_F(RocksFailedWriteTest, AJobThatHasEndedStaysAsItWas) {
  const JobKey job = Create();
  for (const std::string id : {"a", "b"}) ASSERT_THAT(Push(job, id), IsOk());
  ASSERT_THAT(Commit(job, 1), IsOk());
  ASSERT_THAT(store_->CancelJob(job, "", false), IsOk());
  const std::string before = Everything(job);
  FillDisk();
  EXPECT_THAT(Commit(job, 2), IsError(Reason::kStorageFull));
  EXPECT_THAT(store_->Acknowledge(job, 1, "cursor"), IsError(Reason::kStorageFull));
  EXPECT_EQ(Everything(job), before);
  MakeRoom();
  EXPECT_THAT(Commit(job, 2), IsOk());
  EXPECT_THAT(store_->Acknowledge(job, 2, "cursor"), IsOk());
}

TEST_F(RocksFailedWriteTest, AJobThatIsToRunAgainStaysAsItWas) {
  const JobKey job = Create();
  for (const std::string id : {"a", "b"}) ASSERT_THAT(Push(job, id), IsOk());
  ASSERT_THAT(Commit(job, 1), IsOk());
  RepeatRecords repeat{.job = job};
  repeat.chunk = millrace::testing::ExampleChunk("again");
  repeat.chunk.repeats = {{1, 0, 3}};
  std::string before = Everything(job);
  FillDisk();
  EXPECT_THAT(store_->RepeatRecords(repeat), IsError(Reason::kStorageFull));
  EXPECT_EQ(Everything(job), before);
  MakeRoom();
  EXPECT_THAT(*store_->ListRepeats(job, 1), IsEmpty());
  EXPECT_NE(*store_->RepeatRecords(repeat), nullptr) << "nobody was faster";

  ASSERT_THAT(store_->CancelJob(job, "", false), IsOk());
  before = Everything(job);
  FillDisk();
  EXPECT_THAT(store_->TakeUpJob(*store_->GetJob(job)), IsError(Reason::kStorageFull));
  EXPECT_EQ(Everything(job), before);
  EXPECT_THAT(store_->ActiveJobs(), IsEmpty());
  MakeRoom();
  EXPECT_THAT(store_->TakeUpJob(*store_->GetJob(job)), IsOk());
}

TEST_F(RocksFailedWriteTest, TheCatalogStaysAsItWas) {
  FillDisk();
  EXPECT_THAT(store_->CreateServiceVersion(ExampleVersion("2.0.0")), IsError(Reason::kStorageFull));
  EXPECT_THAT(store_->DeleteServiceVersion(millrace::testing::kTenant, {"", "", ExampleVersion().version_id}),
              IsError(Reason::kStorageFull));
  MakeRoom();
  ASSERT_OK_AND_ASSIGN(const auto versions,
                       store_->ListServiceVersions(millrace::testing::kTenant, millrace::testing::kService));
  ASSERT_EQ(versions.size(), 1u);
  EXPECT_EQ(versions.front().version, "1.0.0");
}

TEST_F(RocksFailedWriteTest, NobodyHearsOfAChangeThatDidNotHappen) {
  CountingObserver observer;
  Open();
  store_->SetObserver(&observer);
  const JobKey job = Create();
  EXPECT_EQ(observer.changes, 1);
  FillDisk();
  EXPECT_FALSE(Push(job, "a").ok());
  EXPECT_EQ(observer.changes, 1);
  MakeRoom();
  EXPECT_THAT(Push(job, "a"), IsOk());
  EXPECT_EQ(observer.changes, 2);
}

TEST_F(RocksFailedWriteTest, VerbsThatWriteNothingStillAnswer) {
  const JobKey job = Create();
  ASSERT_THAT(Push(job, "a"), IsOk());
  FillDisk();
  ASSERT_OK_AND_ASSIGN(const PushReceipt again, Push(job, "a"));
  EXPECT_TRUE(again.chunks[0].duplicate);
  EXPECT_THAT(store_->Acknowledge(job, 9, "cursor"), IsError(Reason::kCursorInFuture));
}

}  // namespace
}  // namespace millrace::store
