// What the webhook of a job is to be told is stored with the event that it tells, and stays until somebody takes it away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/store/notice_store.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsOk;
using model::JobKey;
using model::JobState;
using model::Notice;
using model::NoticeKey;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Heard final : public NoticeObserver {
 public:
  void OnNotice(const NoticeKey& notice) override { numbers.push_back(notice.number); }
  std::vector<int64_t> numbers;
};

class NoticesTest : public JobStoreTest {
 protected:
  static model::Job Told(std::string_view id = "job-1") {
    model::Job job = ExampleJob(id);
    job.options.webhook = {.url = "https://hooks.example.org/jobs",
                           .secret = "ops",
                           .tells_end = true,
                           .tells_pause = true,
                           .tells_first_exception = true};
    return job;
  }

  std::vector<NoticeKey> All() {
    const auto notices = store().notices().ListNotices({}, 1'000);
    EXPECT_THAT(notices, IsOk());
    return notices.value_or(std::vector<NoticeKey>());
  }

  /// `NUMBER STATE: DETAIL` of each notice.
  std::vector<std::string> Texts() {
    std::vector<std::string> texts;
    for (const NoticeKey& key : All()) {
      const auto notice = store().notices().GetNotice(key);
      EXPECT_THAT(notice, IsOk());
      if (!notice.ok()) continue;
      EXPECT_EQ(notice->key(), key);
      texts.push_back(
          absl::StrCat(notice->event.number, " ", static_cast<int>(notice->job.state), ": ", notice->event.detail));
    }
    return texts;
  }
};

TEST_P(NoticesTest, WhatIsToBeToldIsKeptAsTheEventLeftTheJob) {
  model::Job job = Told();
  job.parameters_json = R"({"large":true})";
  const JobKey key = Create(job)->key();
  PushMany(key, 2);
  CommitOne(key, 1, /*failed=*/1);
  ASSERT_THAT(store().PauseJob(key, "slow disk", "bob"), IsOk());
  ASSERT_THAT(store().ResumeJob(key, false, "bob"), IsOk());
  ASSERT_THAT(store().CloseJob(key, "dora"), IsOk());
  CommitOne(key, 2);
  EXPECT_THAT(Texts(), ElementsAre("3 2: 1-0: FAILED in mass: unknown size", "4 3: slow disk",
                                   "7 6: every record has run: 5 completed, 1 failed"));

  ASSERT_OK_AND_ASSIGN(const Notice first, store().notices().GetNotice(All().front()));
  EXPECT_EQ(first.job.counters.records_failed, 1);
  EXPECT_EQ(first.job.counters.records_completed, 2);
  EXPECT_EQ(first.job.options.webhook, job.options.webhook);
  EXPECT_EQ(first.job.parameters_json, "{}") << "a notice is small";
  if (!GetParam().durable) return;
  Reopen();
  EXPECT_THAT(Texts(), SizeIs(3));
}

TEST_P(NoticesTest, OnlyWhatTheWebhookAsksForIsKept) {
  model::Job job = Told();
  job.options.webhook.tells_pause = false;
  job.options.webhook.tells_first_exception = false;
  const JobKey key = Create(job)->key();
  const JobKey silent = Create("silent")->key();
  for (const JobKey& each : {key, silent}) {
    PushMany(each, 1);
    CommitOne(each, 1, /*failed=*/3);
    ASSERT_THAT(store().PauseJob(each, "why"), IsOk());
    EXPECT_THAT(All(), IsEmpty());
  }
  ASSERT_THAT(store().CancelJob(silent, "enough", true), IsOk());
  ASSERT_THAT(store().CancelJob(key, "enough", true), IsOk());
  EXPECT_THAT(Texts(), ElementsAre("5 9: enough"));
}

TEST_P(NoticesTest, TheObserverHearsOfEachOnce) {
  Heard heard;
  store().notices().SetObserver(&heard);
  const JobKey key = Create(Told())->key();
  PushMany(key, 1);
  ASSERT_THAT(store().PauseJob(key, "why"), IsOk());
  ASSERT_THAT(store().PauseJob(key, "again"), IsOk());
  ASSERT_THAT(store().CancelJob(key, "enough", true), IsOk());
  EXPECT_THAT(heard.numbers, ElementsAre(3, 4));
  store().notices().SetObserver(nullptr);
}

TEST_P(NoticesTest, WhatWasToldGoesAndTheRestIsListedInPages) {
  for (const char* id : {"a", "b", "c"}) {
    const JobKey key = Create(Told(id))->key();
    ASSERT_THAT(store().CloseJob(key), IsOk());
  }
  const std::vector<NoticeKey> all = All();
  ASSERT_THAT(all, SizeIs(3));
  ASSERT_OK_AND_ASSIGN(const std::vector<NoticeKey> page, store().notices().ListNotices(all[0], 1));
  EXPECT_THAT(page, ElementsAre(all[1]));
  ASSERT_THAT(store().notices().RemoveNotice(all[1]), IsOk());
  ASSERT_THAT(store().notices().RemoveNotice(all[1]), IsOk()) << "it is gone already";
  EXPECT_THAT(All(), ElementsAre(all[0], all[2]));
  EXPECT_EQ(store().notices().GetNotice(all[1]).status().code(), absl::StatusCode::kNotFound);
}

TEST_P(NoticesTest, WhatCannotBeToldIsNamedInTheLogOfItsJob) {
  const JobKey key = Create(Told())->key();
  ASSERT_THAT(store().CloseJob(key), IsOk());
  Tick();
  ASSERT_THAT(store().notices().GiveUpNotice(All().front(), "status 500"), IsOk());
  EXPECT_THAT(All(), IsEmpty()) << "that it was given up is told to nobody";
  ASSERT_OK_AND_ASSIGN(const auto events, store().ListJobEvents(key, 2, 10));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].kind, model::JobEventKind::kWebhookGivenUp);
  EXPECT_EQ(events[0].detail, "event 2 was not told: status 500");
  EXPECT_EQ(events[0].time, clock_.Now());
  ASSERT_THAT(store().notices().GiveUpNotice({key, clock_.Now(), 2}, "again"), IsOk()) << "there is none";
}

TEST_P(NoticesTest, ANoticeOutlivesItsJobAndIsNotThatOfTheNextOne) {
  const JobKey key = Create(Told())->key();
  ASSERT_THAT(store().CloseJob(key), IsOk());
  ASSERT_THAT(store().DeleteJob(key), IsOk());
  Tick();
  Create(Told());
  ASSERT_THAT(store().CloseJob(key), IsOk());
  const std::vector<NoticeKey> all = All();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[0].number, all[1].number);
  EXPECT_NE(model::NoticeId(all[0]), model::NoticeId(all[1]));
  ASSERT_THAT(store().notices().GiveUpNotice(all[0], "down"), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto events, store().ListJobEvents(key, 0, 10));
  EXPECT_THAT(events, SizeIs(2)) << "the log of the next job says nothing of it";
}

INSTANTIATE_TEST_SUITE_P(Stores, NoticesTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
