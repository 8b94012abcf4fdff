#include "server/execution/bulk_runner.h"

#include <string>
#include <utility>

#include "tests/server/execution/bulk_world.h"

namespace millrace::execution {
namespace {

using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::JobState;
using model::Reason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using BulkRunnerTest = BulkWorld;

TEST_F(BulkRunnerTest, EachRecordRunsAsAJobAndTheBulkRunEndsWithTheLast) {
  Bulk({"ok:a", "ok:b", "ok:c"}, SideBySide(3));
  Drive();
  EXPECT_THAT(Children(), UnorderedElementsAre(Pair("ok:a", JobState::kCompleted), Pair("ok:b", JobState::kCompleted),
                                               Pair("ok:c", JobState::kCompleted)));
  EXPECT_EQ(StateOf("bulk"), JobState::kCompleted);
  EXPECT_EQ(model::OutcomeOf(*Job("bulk")), model::Outcome::kSucceeded);
  EXPECT_EQ(hub_->in_flight(), 0);
}

TEST_F(BulkRunnerTest, TheOutcomeNamesTheJobAndWhatBecameOfIt) {
  Bulk({"ok:a"});
  Drive();
  const std::string job_id = Job("bulk")->last_result == 1 ? "job-1-1" : "";
  EXPECT_EQ(
      store_->ReadResults(Key("bulk"), 0, 1, 1'000)->at(0).json_lines,
      "{\"job_id\":\"" + job_id +
          "\",\"name\":\"ok:a\",\"state\":\"COMPLETED\",\"outcome\":\"SUCCEEDED\",\"records_submitted\":0,"
          "\"records_completed\":0,\"records_failed\":0,\"records_skipped\":0,\"run_seconds\":0,\"attempts\":1}\n");
}

TEST_F(BulkRunnerTest, AtMostMaxWorkersRunSideBySideAndNoThreadIsKept) {
  Bulk({"stay:a", "stay:b", "stay:c"}, SideBySide(2));
  Drive();
  EXPECT_THAT(Children(), SizeIs(2));
  EXPECT_EQ(hub_->running(Key("bulk")), 2);
  EXPECT_EQ(hub_->running(), 0) << "no worker is busy";
  ASSERT_THAT(store_->CloseJob(Key(IdOf("stay:a"))), IsOk());
  Drive();
  EXPECT_THAT(Children(), SizeIs(3));
}

TEST_F(BulkRunnerTest, SequentiallyAJobBeginsWhenTheOneBeforeIsThrough) {
  Bulk({"stay:a", "stay:b"});
  Drive();
  EXPECT_THAT(Children(), ElementsAre(Pair("stay:a", JobState::kCreated)));
  ASSERT_THAT(store_->FailJob(Key(IdOf("stay:a")), "broke"), IsOk());
  Drive();
  EXPECT_THAT(Children(), ElementsAre(Pair("stay:a", JobState::kFailed), Pair("stay:b", JobState::kCreated)));
}

TEST_F(BulkRunnerTest, AJobThatDoesNotSucceedIsAnExceptionThatSaysWhy) {
  Bulk({"ok", "bad", "no", "stay"}, SideBySide(4));
  Drive();
  ASSERT_THAT(store_->CancelJob(Key(IdOf("stay")), "by hand", false), IsOk());
  Drive();
  EXPECT_THAT(Outcomes(), ElementsAre("OK", "CHILD_FAILED", "SERVICE_NOT_FOUND", "CHILD_CANCELLED"));
  EXPECT_EQ(model::OutcomeOf(*Job("bulk")), model::Outcome::kPartial);
  const auto exception = store_->GetException(Key("bulk"), {2, 0});
  ASSERT_THAT(exception, IsOk());
  EXPECT_EQ(exception->input, "bad");
  EXPECT_EQ(exception->node, "job");
  EXPECT_THAT(exception->message, HasSubstr(" failed (it is bad): 0 of 0 records failed"));
}

TEST_F(BulkRunnerTest, StopOnErrorEndsTheBulkRunAndLetsWhatRunsRunOn) {
  model::JobOptions options = SideBySide(2);
  options.stop_on_error = true;
  Bulk({"stay:a", "bad", "ok", "ok"}, options);
  Drive();
  EXPECT_EQ(StateOf("bulk"), JobState::kFailed);
  EXPECT_THAT(Children(), UnorderedElementsAre(Pair("stay:a", JobState::kCreated), Pair("bad", JobState::kFailed)));
  EXPECT_EQ(hub_->in_flight(), 0) << "nobody waits for it";
  EXPECT_THAT(store_->CloseJob(Key(IdOf("stay:a"))), IsOk());
  Drive();
  EXPECT_EQ(model::RecordsSkipped(*Job("bulk")), 3);
}

TEST_F(BulkRunnerTest, ACancelReachesWhatRunsAndSkipsWhatWaits) {
  Bulk({"stay:a", "stay:b", "ok"}, SideBySide(2));
  Drive();
  ASSERT_THAT(store_->CancelJob(Key("bulk"), "wrong month", false), IsOk());
  Drive();
  EXPECT_THAT(Children(),
              UnorderedElementsAre(Pair("stay:a", JobState::kCancelled), Pair("stay:b", JobState::kCancelled)));
  EXPECT_THAT(Outcomes(), ElementsAre("CHILD_CANCELLED", "CHILD_CANCELLED"));
  EXPECT_EQ(model::RecordsSkipped(*Job("bulk")), 1);
  EXPECT_EQ(hub_->in_flight(), 0);
}

TEST_F(BulkRunnerTest, ACancelByForceIsOneOfItsJobsTooAndWaitsForNothing) {
  Bulk({"stay:a", "ok"});
  Drive();
  const std::string child = IdOf("stay:a");
  ASSERT_THAT(store_->CancelJob(Key("bulk"), "", true), IsOk());
  Drive();
  EXPECT_EQ(Job(child)->cancel_mode, model::CancelMode::kForce);
  EXPECT_THAT(Job(child)->state_reason, HasSubstr("bulk run bulk was cancelled"));
  EXPECT_EQ(hub_->in_flight(), 0);
}

TEST_F(BulkRunnerTest, ACancelReachesTheJobsOfBulkRunsInside) {
  Bulk({"bulk stay:a stay:b ok", "stay:c"}, SideBySide(2));
  Drive();
  ASSERT_THAT(store_->CancelJob(Key("bulk"), "", false), IsOk());
  Drive();
  for (const model::JobPtr& job : store_->ActiveJobs()) ADD_FAILURE() << job->id << " is still at work";
  EXPECT_EQ(hub_->in_flight(), 0);
}

TEST_F(BulkRunnerTest, AJobThatFailsIsTriedAgainAsOftenAsItsRecordAllows) {
  attempts_max_ = 3;
  Bulk({"bad", "ok"});
  Drive();
  EXPECT_THAT(Children(), SizeIs(3)) << "bad, bad! (twice) and ok";
  EXPECT_EQ(submissions_, 4);
  const auto exception = store_->GetException(Key("bulk"), {1, 0});
  ASSERT_THAT(exception, IsOk());
  EXPECT_EQ(exception->retries, 2);
}

TEST_F(BulkRunnerTest, AJobThatIsCancelledByHandIsNotTriedAgain) {
  attempts_max_ = 3;
  Bulk({"stay"});
  Drive();
  ASSERT_THAT(store_->CancelJob(Key(IdOf("stay")), "", false), IsOk());
  Drive();
  EXPECT_EQ(submissions_, 1);
  EXPECT_THAT(Outcomes(), ElementsAre("CHILD_CANCELLED"));
}

TEST_F(BulkRunnerTest, ARefusalThatMayPassIsTriedAgainAfterABackoffAndThenTaken) {
  model::JobOptions options;
  options.retry.max_attempts = 3;
  Bulk({"later"}, options);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    Drive();
    EXPECT_EQ(submissions_, attempt);
    clock_.Advance(absl::Minutes(1));
  }
  EXPECT_THAT(Outcomes(), ElementsAre("SOURCE_CONNECTION_FAILED"));
}

TEST_F(BulkRunnerTest, AFullDiskIsNoRecordsFault) {
  model::JobOptions options;
  options.retry.max_attempts = 1;
  is_disk_full_ = true;
  Bulk({"full"}, options);
  Drive();
  EXPECT_THAT(Outcomes(), IsEmpty());
  is_disk_full_ = false;
  clock_.Advance(absl::Minutes(2));
  Drive();
  EXPECT_THAT(Outcomes(), ElementsAre("OK"));
}

TEST_F(BulkRunnerTest, WhatAnEndedBulkRunLeftToDoIsNotDoneToOneThatWasTakenUp) {
  for (const bool failed : {true, false}) {
    const std::string id = failed ? "failed" : "cancelled";
    Bulk({absl::StrCat("stay:", id)}, {}, id);
    Drive();
    const std::string child = IdOf(absl::StrCat("stay:", id));
    if (failed) {
      ASSERT_THAT(store_->FailJob(Key(id), "the test says so"), IsOk());
    } else {
      ASSERT_THAT(store_->CancelJob(Key(id), "", false), IsOk());
    }
    ASSERT_THAT(store_->TakeUpJob(*store_->GetJob(Key(id))), IsOk());
    Drive();
    EXPECT_EQ(StateOf(child), JobState::kCreated);
    ASSERT_THAT(store_->CloseJob(Key(child)), IsOk());
    Drive();
    EXPECT_EQ(StateOf(id), JobState::kCompleted);
    EXPECT_THAT(Outcomes(id), ElementsAre("OK"));
  }
}

TEST_F(BulkRunnerTest, APauseHoldsBackNewJobsAndTakesTheOutcomesOfOthers) {
  Bulk({"stay:a", "stay:b"});
  Drive();
  ASSERT_THAT(store_->PauseJob(Key("bulk"), ""), IsOk());
  ASSERT_THAT(store_->CloseJob(Key(IdOf("stay:a"))), IsOk());
  Drive();
  EXPECT_THAT(Children(), SizeIs(1));
  EXPECT_THAT(Outcomes(), ElementsAre("OK"));
  ASSERT_THAT(store_->ResumeJob(Key("bulk"), false), IsOk());
  Drive();
  EXPECT_THAT(Children(), SizeIs(2));
}

TEST_F(BulkRunnerTest, TheRecordsOfOneChunkRunOneAfterTheOtherAndAreCommittedTogether) {
  const model::JobKey bulk = Bulk({}, SideBySide(4));
  store::PushChunks push{.job = bulk, .chunks = {}};
  push.chunks.push_back({.id = "c", .json_lines = "stay:a\nbad\nok:b\n", .record_count = 3});
  ASSERT_THAT(
      store::Await<store::PushReceipt>([&](auto done) { store_->PushChunks(std::move(push), std::move(done)); }),
      IsOk());
  Drive();
  EXPECT_THAT(Children(), SizeIs(1));
  RestartModelStore();
  ASSERT_THAT(store_->CloseJob(Key(IdOf("stay:a"))), IsOk());
  Drive();
  EXPECT_THAT(Children(), SizeIs(3));
  const auto results = store_->ReadResults(bulk, 0, 10, 10'000);
  ASSERT_THAT(results, IsOk());
  ASSERT_THAT(*results, SizeIs(1));
  ASSERT_THAT(results->at(0).errors, SizeIs(1));
  EXPECT_EQ(results->at(0).errors[0].index, 1);
}

TEST_F(BulkRunnerTest, OfAChunkThatIsCancelledHalfWayTheRestFailsAndNothingMoreIsSubmitted) {
  const model::JobKey bulk = Bulk({});
  store::PushChunks push{.job = bulk, .chunks = {}};
  push.chunks.push_back({.id = "c", .json_lines = "ok:a\nstay:b\nok:c\n", .record_count = 3});
  ASSERT_THAT(
      store::Await<store::PushReceipt>([&](auto done) { store_->PushChunks(std::move(push), std::move(done)); }),
      IsOk());
  Drive();
  ASSERT_THAT(store_->CancelJob(bulk, "", false), IsOk());
  Drive();
  EXPECT_THAT(Children(),
              UnorderedElementsAre(Pair("ok:a", JobState::kCompleted), Pair("stay:b", JobState::kCancelled)));
  const auto results = store_->ReadResults(bulk, 0, 10, 10'000);
  ASSERT_THAT(results, IsOk());
  ASSERT_THAT(*results, SizeIs(1));
  ASSERT_THAT(results->at(0).errors, SizeIs(2));
  EXPECT_EQ(results->at(0).errors[1].code, "CHILD_CANCELLED");
}

TEST_F(BulkRunnerTest, ARestartFindsTheJobsThatRunAndSubmitsNoneTwice) {
  Bulk({"stay:a", "bulk stay:b ok:c", "ok:d"}, SideBySide(2));
  Drive();
  const std::string a = IdOf("stay:a");
  for (int i = 0; i < 3; ++i) {
    RestartModelStore();
    Drive();
  }
  EXPECT_EQ(IdOf("stay:a"), a);
  ASSERT_THAT(store_->CloseJob(Key(a)), IsOk());
  ASSERT_THAT(store_->CloseJob(Key(IdOf("stay:b"))), IsOk());
  Drive();
  EXPECT_THAT(Children(),
              UnorderedElementsAre(Pair("stay:a", JobState::kCompleted), Pair("stay:b ok:c", JobState::kCompleted),
                                   Pair("ok:d", JobState::kCompleted)));
  EXPECT_THAT(Outcomes(), ElementsAre("OK", "OK", "OK"));
}

TEST_F(BulkRunnerTest, AJobThatEndedWhileNobodyServedIsSeen) {
  Bulk({"stay:a"});
  Drive();
  const std::string a = IdOf("stay:a");
  runner_->Stop();
  store_->SetObserver(nullptr);
  ASSERT_THAT(store_->CloseJob(Key(a)), IsOk());
  EXPECT_THAT(store_->DeleteJob(Key(a)), IsError(Reason::kJobNotFinished)) << "its outcome is not taken yet";
  RestartModelStore();
  Drive();
  EXPECT_THAT(Outcomes(), ElementsAre("OK"));
  EXPECT_THAT(store_->DeleteJob(Key(a)), IsOk());
}

TEST_F(BulkRunnerTest, ACancelThatTheServerDidNotSurviveReachesTheJobsAtTheNextStart) {
  Bulk({"stay:a", "stay:b"}, SideBySide(2));
  Drive();
  runner_->Stop();
  store_->SetObserver(nullptr);
  ASSERT_THAT(store_->CancelJob(Key("bulk"), "", false), IsOk());
  RestartModelStore();
  Drive();
  EXPECT_THAT(Children(),
              UnorderedElementsAre(Pair("stay:a", JobState::kCancelled), Pair("stay:b", JobState::kCancelled)));
}

TEST_F(BulkRunnerTest, ABulkRunIsThereUntilItsCancelHasReachedTheJobs) {
  Bulk({"stay:a", "stay:b"}, SideBySide(2));
  Drive();
  ASSERT_THAT(store_->CancelJob(Key("bulk"), "", true), IsOk());
  EXPECT_THAT(store_->DeleteJob(Key("bulk")), IsError(Reason::kJobNotFinished));
  Drive();
  EXPECT_THAT(Children(),
              UnorderedElementsAre(Pair("stay:a", JobState::kCancelled), Pair("stay:b", JobState::kCancelled)));
  EXPECT_THAT(store_->DeleteJob(Key("bulk")), IsOk());
}

TEST_F(BulkRunnerTest, StoppingGivesUpEveryLease) {
  Bulk({"stay:a", "stay:b"}, SideBySide(2));
  Drive();
  EXPECT_EQ(hub_->in_flight(), 2);
  runner_->Stop();
  EXPECT_EQ(hub_->in_flight(), 0);
}

}  // namespace
}  // namespace millrace::execution
