#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::Job;
using model::JobKey;
using model::JobPtr;
using model::Reason;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Writes down what it hears: state, then pushed chunks, results and acknowledged results.
class Recorder final : public JobObserver {
 public:
  void OnJobChanged(const JobPtr& job) override {
    absl::MutexLock lock(&mutex_);
    heard_.push_back(absl::StrCat(std::string(model::JobStateName(job->state)), " ", job->last_sequence, "/",
                                  job->last_result, "/", job->acknowledged_result));
  }

  /// What was heard since the last call.
  std::vector<std::string> Take() {
    absl::MutexLock lock(&mutex_);
    return std::exchange(heard_, {});
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::string> heard_ ABSL_GUARDED_BY(mutex_);
};

class ObserverTest : public JobStoreTest {
 protected:
  ObserverTest() { store().SetObserver(&recorder_); }

  Recorder recorder_;
};

TEST_P(ObserverTest, HearsOfEachChangeInOrder) {
  const JobKey job = Create()->key();
  PushMany(job, 2);
  CommitOne(job, 2);
  CommitOne(job, 1);
  ASSERT_THAT(store().Acknowledge(job, 1, "cursor"), IsOk());
  ASSERT_THAT(store().CloseJob(job), IsOk());
  EXPECT_THAT(recorder_.Take(), ElementsAre("CREATED 0/0/0", "IN_PROGRESS 2/0/0", "IN_PROGRESS 2/1/0",
                                            "IN_PROGRESS 2/2/0", "IN_PROGRESS 2/2/1", "COMPLETED 2/2/1"));
}

TEST_P(ObserverTest, HearsNothingWhereNothingChanges) {
  Job wanted = ExampleJob();
  wanted.request_id = "r";
  const JobKey job = Create(wanted)->key();
  PushMany(job, 1);
  ASSERT_THAT(store().CancelJob(job, "", true), IsOk());
  recorder_.Take();
  Create(wanted);
  EXPECT_THAT(Push(job, ExampleChunk("c1")), IsOk());
  EXPECT_THAT(Push(job, ExampleChunk("new")), IsError(Reason::kPipelineCancelled));
  EXPECT_THAT(Commit(ExampleCommit(job, 1)), IsError(Reason::kLeaseStale));
  EXPECT_THAT(store().CancelJob(job, "", true), IsOk());
  EXPECT_THAT(store().Acknowledge(job, 0, "cursor"), IsOk());
  EXPECT_THAT(store().CloseJob(job), IsError(Reason::kPipelineCancelled));
  EXPECT_THAT(recorder_.Take(), IsEmpty());
}

TEST_P(ObserverTest, HearsBeforeTheCompletion) {
  const JobKey job = Create()->key();
  PushMany(job, 1);
  recorder_.Take();
  std::vector<std::string> heard_before;
  model::ChunkCommit commit = ExampleCommit(job, 1);
  commit.epoch = store().epoch();
  absl::Notification finished;
  store().CommitChunk(std::move(commit), [&](absl::StatusOr<JobPtr> outcome) {
    EXPECT_THAT(outcome, IsOk());
    heard_before = recorder_.Take();
    finished.Notify();
  });
  finished.WaitForNotification();
  EXPECT_THAT(heard_before, ElementsAre("IN_PROGRESS 1/1/0"));
}

INSTANTIATE_TEST_SUITE_P(Stores, ObserverTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
