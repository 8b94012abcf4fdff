// Jobs that tell webhooks and go when their retention is over, under random verbs: a durable store cannot be told from the
// model, whatever was told and whatever went.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/store/notice_store.h"
#include "tests/storage/store/random_stores.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using model::JobKey;
using model::JobPtr;
using model::NoticeKey;

class RandomEndingsTest : public ::testing::TestWithParam<std::tuple<StoreKind, uint64_t>>, protected RandomStores {
 protected:
  RandomEndingsTest() : RandomStores(std::get<0>(GetParam())) {}

  void Run() {
    random_.seed(std::get<1>(GetParam()));
    Reopen();
    OnBoth("CreateServiceVersion", [&](JobStore& store) { return store.CreateServiceVersion(ExampleVersion()); });
    for (int step = 0; step < kSteps && !HasFailure(); ++step) {
      SCOPED_TRACE(absl::StrCat("step ", step));
      clock_.Advance(absl::Milliseconds(Below(3)));
      // Jobs that stay are left behind.
      oldest_job_ = step / 15;
      Step();
      CompareEndings();
    }
    Reopen();
    CompareEndings();
    EXPECT_GT(deleted_, 10) << "the run was too dull to show anything";
    EXPECT_GT(dropped_, 2);
    EXPECT_GT(given_up_, 5);
  }

 private:
  void Step() {
    const JobKey job = SomeJob();
    switch (Below(16)) {
      case 0:
      case 1:
        CreateJob();
        break;
      case 2:
      case 3:
        OnBoth("PushChunks", [&, id = absl::StrCat("c", Below(9))](JobStore& store) {
          return Await<PushReceipt>([&](auto done) { store.PushChunks({job, {ExampleChunk(id)}}, std::move(done)); });
        });
        break;
      case 4:
      case 5:
      case 6:
        Commit(job);
        break;
      case 7:
        OnBoth("CloseJob", [&](JobStore& store) { return store.CloseJob(job); });
        break;
      case 8:
        OnBoth("CancelJob", [&, force = OneIn(2)](JobStore& store) { return store.CancelJob(job, "why", force); });
        break;
      case 9:
        OnBoth("PauseJob", [&](JobStore& store) { return store.PauseJob(job, "why"); });
        OnBoth("ResumeJob", [&](JobStore& store) { return store.ResumeJob(job, false); });
        break;
      case 10:
        Settle(job);
        break;
      case 11:
      case 12:
        OneIn(6) ? Reopen() : Tell();
        break;
      default:
        Expire();
    }
    Compare(job);
  }

  void CreateJob() {
    model::Job job = ExampleJob(SomeJob().job_id);
    if (OneIn(2)) {
      job.options.webhook = {
          .url = "http://h", .tells_end = OneIn(2), .tells_pause = OneIn(2), .tells_first_exception = OneIn(2)};
    }
    if (!OneIn(4)) job.options.retention = absl::Milliseconds(1 + Below(20));
    job.options.drop_unresolved_exceptions = !OneIn(4);
    OnBoth("CreateJob", [&](JobStore& store) { return store.CreateJob(job); });
  }

  void Commit(const JobKey& job) {
    const absl::StatusOr<JobPtr> stored = model_->GetJob(job);
    const int64_t sequence = stored.ok() ? (*stored)->watermark + 1 : 1;
    const auto failed = static_cast<int32_t>(Below(4));
    OnBoth("CommitChunk", [&](JobStore& store) {
      model::ChunkCommit commit = ExampleCommit(job, sequence, 3, failed);
      commit.epoch = store.epoch();
      return Await<JobPtr>([&](auto done) { store.CommitChunk(std::move(commit), std::move(done)); });
    });
  }

  /// Discards, or runs again, some record that failed.
  void Settle(const JobKey& job) {
    const auto all = model_->ListExceptions({.job = job, .states = {model::ExceptionState::kUnresolved}});
    if (!all.ok() || all->items.empty()) return;
    ResolveExceptions request{.job = job, .exceptions = {all->items.front().place()}};
    if (OneIn(3)) {
      request.kind = model::ResolutionKind::kReprocess;
      request.chunk = ExampleChunk(absl::StrCat("rerun-", ++reruns_), 1);
    }
    OnBoth("ResolveExceptions", [&](JobStore& store) { return store.ResolveExceptions(request); });
  }

  /// What became of a notice, or of one that is not there.
  void Tell() {
    const std::vector<NoticeKey> notices = Notices(*model_);
    const NoticeKey notice = notices.empty() || OneIn(5)
                                 ? NoticeKey{SomeJob(), clock_.Now(), 1}
                                 : notices[static_cast<size_t>(Below(static_cast<int64_t>(notices.size())))];
    const bool is_told = OneIn(3);
    given_up_ += is_told || notices.empty() ? 0 : 1;
    OnBoth("notices", [&](JobStore& store) {
      return is_told ? store.notices().RemoveNotice(notice) : store.notices().GiveUpNotice(notice, "status 500");
    });
    Compare(notice.job);
  }

  void Expire() {
    const std::vector<model::Expiry> expired = *model_->ListExpired(clock_.Now(), {}, 2);
    for (const model::Expiry& expiry : expired) ExpireOne(expiry.job);
    ExpireOne(SomeJob());
  }

  void ExpireOne(const JobKey& job) {
    const absl::StatusOr<model::Expiration> tested = tested_->ExpireJob(job);
    const absl::StatusOr<model::Expiration> expected = model_->ExpireJob(job);
    EXPECT_EQ(TextOf(tested.status()), TextOf(expected.status()));
    if (!tested.ok() || !expected.ok()) return;
    EXPECT_EQ(*tested, *expected);
    deleted_ += *expected == model::Expiration::kDeleted ? 1 : 0;
    dropped_ += *expected == model::Expiration::kDropped ? 1 : 0;
    // Its place is taken by another one.
    if (*expected == model::Expiration::kDropped) {
      OnBoth("DeleteJob",
             [&, keeps = OneIn(4)](JobStore& store) { return keeps ? absl::OkStatus() : store.DeleteJob(job); });
    }
    Compare(job);
  }

  static std::vector<NoticeKey> Notices(JobStore& store) { return *store.notices().ListNotices({}, 10'000); }

  void CompareEndings() {
    const std::vector<NoticeKey> notices = Notices(*tested_);
    ASSERT_EQ(notices, Notices(*model_));
    if (!notices.empty()) {
      const NoticeKey& some = notices[static_cast<size_t>(Below(static_cast<int64_t>(notices.size())))];
      ASSERT_OK_AND_ASSIGN(const model::Notice tested, tested_->notices().GetNotice(some));
      ASSERT_OK_AND_ASSIGN(const model::Notice expected, model_->notices().GetNotice(some));
      EXPECT_EQ(tested.event, expected.event);
      EXPECT_EQ(WithoutEpoch(Describe(tested.job)), WithoutEpoch(Describe(expected.job)));
    }
    const absl::Time until = clock_.Now() + absl::Milliseconds(Below(30));
    ASSERT_OK_AND_ASSIGN(const auto expired, tested_->ListExpired(until, {}, 100));
    ASSERT_OK_AND_ASSIGN(const auto expected, model_->ListExpired(until, {}, 100));
    EXPECT_EQ(expired, expected);
  }

  int reruns_ = 0;
  int deleted_ = 0;
  int dropped_ = 0;
  int given_up_ = 0;
};

TEST_P(RandomEndingsTest, CannotBeToldFromTheModel) { Run(); }

INSTANTIATE_TEST_SUITE_P(Stores, RandomEndingsTest,
                         ::testing::Combine(::testing::ValuesIn(DurableStores()), ::testing::Values(1, 2)),
                         [](const auto& info) {
                           return absl::StrCat(std::get<0>(info.param).name, "Seed", std::get<1>(info.param));
                         });

}  // namespace
}  // namespace millrace::store
