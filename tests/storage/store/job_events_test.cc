// What happened to a job can be read afterwards, with whose call it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"
#include "tests/storage/store/job_store_fixture.h"

namespace millrace::store {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleChunk;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::millrace::testing::kTenant;
using model::JobEvent;
using model::JobEventKind;
using model::JobKey;
using model::JobState;
using ::testing::ElementsAre;

class JobEventsTest : public JobStoreTest {
 protected:
  /// `kind by detail`, or for a state `from>to by detail`, of each event behind `after`.
  std::vector<std::string> Events(const JobKey& job, int64_t after = 0) {
    std::vector<std::string> texts;
    const auto events = store().ListJobEvents(job, after, 10'000);
    EXPECT_THAT(events, IsOk());
    if (!events.ok()) return texts;
    int64_t number = after;
    for (const JobEvent& event : *events) {
      EXPECT_EQ(event.number, ++number);
      const bool is_state = event.kind == JobEventKind::kStateChanged;
      const std::string what =
          is_state ? absl::StrCat(static_cast<int>(event.from_state), ">", static_cast<int>(event.to_state))
                   : absl::StrCat("kind ", static_cast<int>(event.kind));
      texts.push_back(absl::StrCat(what, "|", event.by, "|", event.detail));
    }
    return texts;
  }
};

TEST_P(JobEventsTest, ALifeIsToldInOrderWithWhoseCallItWas) {
  model::Job job = ExampleJob("job-1");
  job.created_by = "ann";
  const JobKey key = Create(job)->key();
  PushMany(key, 2);
  ASSERT_THAT(store().PauseJob(key, "slow disk", "bob"), IsOk());
  ASSERT_THAT(store().PauseJob(key, "again", "carl"), IsOk());
  ASSERT_THAT(store().CloseJob(key, "dora"), IsOk());
  ASSERT_THAT(store().ResumeJob(key, false, "bob"), IsOk());
  CommitOne(key, 1);
  CommitOne(key, 2, /*failed=*/1);
  const std::string created = absl::StrCat("kind 1|ann|", job.service, " ", job.service_version);
  EXPECT_THAT(Events(key),
              ElementsAre(created, "1>2||the first records came", "2>3|bob|slow disk", "2>4|dora|while paused",
                          "3>4|bob|resumed", "kind 5||2-0: FAILED in mass: unknown size",
                          "4>6||every record has run: 5 completed, 1 failed"));
  EXPECT_EQ(Events(key, 5).size(), 2U);
  if (!GetParam().durable) return;
  Reopen();
  EXPECT_EQ(Events(key).size(), 7U);
}

TEST_P(JobEventsTest, WhatEndedAndGoesOnSaysWhy) {
  const JobKey key = Create()->key();
  PushMany(key, 1);
  ASSERT_THAT(store().CancelJob(key, "wrong file", /*force=*/false, "ann"), IsOk());
  const model::JobPtr cancelled = *store().GetJob(key);
  ASSERT_THAT(store().TakeUpJob(cancelled, "bob"), IsOk());
  EXPECT_THAT(Events(key, cancelled->last_event), ElementsAre("9>4|bob|taken up"));
  ASSERT_THAT(store().PauseJob(key, "", "bob"), IsOk());
  ASSERT_THAT(store().ResumeJob(key, /*ramp=*/true, "bob"), IsOk());
  EXPECT_EQ(Events(key).back(), "3>4|bob|resumed gradually");
}

TEST_P(JobEventsTest, WhatEndsUnderAPauseIsNotSaidToBeResumed) {
  const JobKey done = Create()->key();
  PushMany(done, 1);
  ASSERT_THAT(store().CloseJob(done), IsOk());
  ASSERT_THAT(store().PauseJob(done, ""), IsOk());
  CommitOne(done, 1);
  EXPECT_EQ(Events(done).back(), "3>6||every record has run: 3 completed, 0 failed");
  const JobKey gone = Create(ExampleJob("job-2"))->key();
  ASSERT_THAT(store().PauseJob(gone, ""), IsOk());
  ASSERT_THAT(store().CancelJob(gone, "", /*force=*/false, "ann"), IsOk());
  EXPECT_EQ(Events(gone).back(), "3>9|ann|");
}

TEST_P(JobEventsTest, ChangesSayWhatItWasAndWhatItIs) {
  const JobKey key = Create()->key();
  model::JobUpdate update;
  update.priority = 5;
  update.max_workers = 3;
  update.name = "month-end";
  ASSERT_THAT(store().UpdateJob(key, update, "ann"), IsOk());
  ASSERT_THAT(store().UpdateJob(key, update, "ann"), IsOk());
  EXPECT_THAT(Events(key, 1), ElementsAre("kind 4|ann|name, max_workers 1 -> 3, priority 0 -> 5"));

  ASSERT_OK_AND_ASSIGN(const model::ServiceVersion version, store().CreateServiceVersion(ExampleVersion("9.0.0")));
  model::JobUpdate to_version;
  to_version.version = {{version.version, version.version_id, version.config_hash}};
  ASSERT_THAT(store().UpdateJob(key, to_version, "ann"), IsOk());
  EXPECT_THAT(Events(key, 2), ElementsAre(absl::StrCat("kind 3|ann|", ExampleVersion().version, " -> 9.0.0")));
}

TEST_P(JobEventsTest, WhatWasDoneAboutExceptionsIsAnEvent) {
  const JobKey key = Create()->key();
  PushMany(key, 1);
  CommitOne(key, 1, /*failed=*/2);
  const int64_t before = (*store().GetJob(key))->last_event;
  store::ResolveExceptions request{
      .job = key, .exceptions = {{1, 0}, {1, 1}}, .resolved_by = "ann", .note = "dummy rows"};
  ASSERT_THAT(store().ResolveExceptions(request), IsOk());
  EXPECT_THAT(Events(key, before), ElementsAre("kind 6|ann|2 exceptions discarded: dummy rows"));
}

TEST_P(JobEventsTest, TheEndSaysWhy) {
  const JobKey key = Create()->key();
  ASSERT_THAT(store().CancelJob(key, "wrong file", /*force=*/false, "ann"), IsOk());
  EXPECT_THAT(Events(key, 1), ElementsAre("1>9|ann|wrong file"));
}

TEST_P(JobEventsTest, OnlyTheNewestAreKept) {
  const JobKey key = Create()->key();
  PushMany(key, 1);
  for (int64_t i = 0; i < model::kJobEventsMax / 2; ++i) {
    ASSERT_THAT(store().PauseJob(key, ""), IsOk());
    ASSERT_THAT(store().ResumeJob(key, false), IsOk());
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<JobEvent> events, store().ListJobEvents(key, 0, 10'000));
  ASSERT_EQ(events.size(), static_cast<size_t>(model::kJobEventsMax));
  EXPECT_EQ(events.front().number, 3);
  EXPECT_EQ(events.back().number, model::kJobEventsMax + 2);
}

TEST_P(JobEventsTest, TheyGoWithTheJob) {
  const JobKey key = Create()->key();
  ASSERT_THAT(store().CancelJob(key, "", /*force=*/false), IsOk());
  ASSERT_THAT(store().DeleteJob(key), IsOk());
  EXPECT_THAT(store().ListJobEvents(key, 0, 10).status(), IsError(model::Reason::kPipelineNotFound));
  Create();
  EXPECT_EQ(Events(key).size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Stores, JobEventsTest, ::testing::ValuesIn(AllStores()), StoreName);

}  // namespace
}  // namespace millrace::store
