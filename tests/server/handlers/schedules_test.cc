// The verbs of ScheduleService.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "server/core/convert.h"
#include "server/handlers/schedule_handlers.h"
#include "storage/model/limits.h"
#include "storage/store/schedule_store.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::Reason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SchedulesTest : public HandlersFixture {
 protected:
  SchedulesTest() { CreateService(); }

  static v1::CreateScheduleRequest Daily(const std::string& id = "nightly") {
    v1::CreateScheduleRequest request;
    request.set_schedule_id(id);
    request.mutable_spec()->mutable_cron()->set_expression("0 7 * * *");
    request.mutable_spec()->mutable_cron()->set_time_zone("Europe/Berlin");
    v1::SubmitJobRequest& job = *request.mutable_spec()->mutable_job();
    job.set_service("demo/doubler");
    job.mutable_source()->mutable_range()->set_count(3);
    return request;
  }

  absl::StatusOr<v1::Schedule> Create(const v1::CreateScheduleRequest& request) {
    return CreateSchedule(request, call_, deps_);
  }
  absl::StatusOr<v1::ScheduleRun> Trigger(const std::string& request_id = "") {
    v1::TriggerScheduleRequest request;
    request.set_schedule_id("nightly");
    request.set_request_id(request_id);
    return TriggerSchedule(request, call_, deps_);
  }
  v1::Schedule Get() {
    v1::GetScheduleRequest request;
    request.set_schedule_id("nightly");
    return *GetSchedule(request, call_, deps_);
  }
  absl::StatusOr<v1::Schedule> Update(const std::vector<std::string>& paths, const v1::ScheduleSpec& spec) {
    v1::UpdateScheduleRequest request;
    request.set_schedule_id("nightly");
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    *request.mutable_spec() = spec;
    return UpdateSchedule(request, call_, deps_);
  }

  /// The message of a request that is refused for its field.
  std::string WhyNot(const v1::CreateScheduleRequest& request) {
    const absl::Status status = Create(request).status();
    EXPECT_THAT(status, IsError(Reason::kFieldInvalid));
    EXPECT_THAT(std::string(status.message()), HasSubstr(model::DetailsOf(status).field + ": "));
    return std::string(status.message());
  }
};

TEST_F(SchedulesTest, AScheduleTellsWhatItIsAndWhenItFires) {
  v1::CreateScheduleRequest request = Daily();
  request.mutable_spec()->set_description("what for");
  ASSERT_OK_AND_ASSIGN(const v1::Schedule schedule, Create(request));
  EXPECT_EQ(schedule.id(), "nightly");
  EXPECT_EQ(schedule.created_by(), "anonymous");
  EXPECT_EQ(schedule.spec().description(), "what for");
  EXPECT_EQ(schedule.spec().cron().time_zone(), "Europe/Berlin");
  EXPECT_EQ(schedule.spec().overlap(), v1::OVERLAP_POLICY_SKIP);
  EXPECT_EQ(schedule.spec().catch_up(), v1::CATCH_UP_POLICY_LATEST);
  EXPECT_EQ(schedule.spec().job().source().range().count(), 3);
  EXPECT_GT(schedule.next_fire_time().seconds(), schedule.create_time().seconds());
  EXPECT_EQ(schedule.runs(), 0);
  EXPECT_FALSE(schedule.paused());
  EXPECT_EQ(Get().SerializeAsString(), schedule.SerializeAsString());
}

TEST_F(SchedulesTest, TheSameRequestAgainReturnsTheScheduleAsItIsNow) {
  ASSERT_THAT(Create(Daily()), IsOk());
  v1::PauseScheduleRequest pause;
  pause.set_schedule_id("nightly");
  ASSERT_THAT(PauseSchedule(pause, call_, deps_), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::Schedule again, Create(Daily()));
  EXPECT_TRUE(again.paused());
  v1::CreateScheduleRequest other = Daily();
  other.mutable_spec()->mutable_cron()->set_expression("1 7 * * *");
  EXPECT_THAT(Create(other), IsError(Reason::kScheduleIdTaken));
}

TEST_F(SchedulesTest, WhatIsWrongIsNamedByItsField) {
  v1::CreateScheduleRequest request = Daily("no/slash");
  EXPECT_THAT(WhyNot(request), HasSubstr("schedule_id: "));
  request = Daily();
  request.mutable_spec()->clear_recurrence();
  EXPECT_EQ(WhyNot(request), "spec: expected one of cron, interval and once: when the schedule fires");
  request = Daily();
  request.mutable_spec()->mutable_cron()->set_expression("0 25 * * *");
  EXPECT_EQ(WhyNot(request), "spec.cron.expression: hour: '25' is not one of 0 to 23");
  request.mutable_spec()->mutable_cron()->set_expression("0 0 30 2 *");
  EXPECT_EQ(WhyNot(request), "spec.cron.expression: names no time that comes, within start_time and end_time");
  request = Daily();
  request.mutable_spec()->mutable_cron()->set_time_zone("Berlin");
  EXPECT_THAT(WhyNot(request), HasSubstr("spec.cron.time_zone: 'Berlin' is no time zone"));
  request = Daily();
  request.mutable_spec()->mutable_interval()->set_nanos(1);
  EXPECT_EQ(WhyNot(request), "spec.interval: expected 1s to 8784h");
  request = Daily();
  *request.mutable_spec()->mutable_once() = core::ToProto(deps_.clock.Now() - absl::Hours(1));
  EXPECT_THAT(WhyNot(request), HasSubstr("spec.once: expected a time that lies ahead"));
  request = Daily();
  request.mutable_spec()->mutable_start_time()->set_seconds(2);
  request.mutable_spec()->mutable_end_time()->set_seconds(1);
  EXPECT_EQ(WhyNot(request), "spec.end_time: expected a time that is not before start_time");
  request = Daily();
  request.mutable_spec()->set_overlap(v1::OVERLAP_POLICY_CANCEL_RUNNING);
  request.mutable_spec()->set_catch_up(v1::CATCH_UP_POLICY_ALL);
  EXPECT_THAT(WhyNot(request), HasSubstr("spec.catch_up: ALL does not go with overlap CANCEL_RUNNING"));
}

TEST_F(SchedulesTest, ItsJobIsCheckedAsSubmitJobWouldAndNamedByItsField) {
  v1::CreateScheduleRequest request = Daily();
  request.mutable_spec()->mutable_job()->set_request_id("r");
  EXPECT_THAT(WhyNot(request), HasSubstr("spec.job.request_id: must be empty"));
  request = Daily();
  request.mutable_spec()->mutable_job()->set_job_id("j");
  EXPECT_THAT(WhyNot(request), HasSubstr("spec.job.job_id: must be empty"));
  request = Daily();
  request.mutable_spec()->mutable_job()->clear_source();
  EXPECT_THAT(WhyNot(request), HasSubstr("spec.job.source"));
  request = Daily();
  request.mutable_spec()->mutable_job()->mutable_source()->mutable_range()->set_count(0);
  EXPECT_THAT(WhyNot(request), HasSubstr("spec.job.source.range.count: expected 1 to"));
  request = Daily();
  request.mutable_spec()->clear_job();
  EXPECT_THAT(WhyNot(request), HasSubstr("spec.job: is required"));
  request = Daily();
  request.mutable_spec()->mutable_job()->set_service("demo/other");
  EXPECT_THAT(Create(request), IsError(Reason::kServiceNotFound));
}

TEST_F(SchedulesTest, ATriggeredRunHasItsJobAtOnceWhichNamesItsSchedule) {
  ASSERT_THAT(Create(Daily()), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::ScheduleRun run, Trigger("r1"));
  EXPECT_EQ(run.number(), 1);
  EXPECT_EQ(run.state(), v1::SCHEDULE_RUN_STATE_RUNNING);
  EXPECT_EQ(run.triggered_by(), "anonymous");
  v1::GetJobRequest get;
  get.set_job_id(run.job_id());
  ASSERT_OK_AND_ASSIGN(const v1::Job job, GetJob(get, call_, deps_));
  EXPECT_EQ(job.metadata().name(), "nightly");
  EXPECT_EQ(job.metadata().correlation_id(), "nightly/1");
  EXPECT_EQ(job.source().range().count(), 3);
  // The same request is the same run; another one obeys the overlap policy.
  ASSERT_OK_AND_ASSIGN(const v1::ScheduleRun again, Trigger("r1"));
  EXPECT_EQ(again.SerializeAsString(), run.SerializeAsString());
  ASSERT_OK_AND_ASSIGN(const v1::ScheduleRun skipped, Trigger("r2"));
  EXPECT_EQ(skipped.state(), v1::SCHEDULE_RUN_STATE_SKIPPED);
  EXPECT_EQ(skipped.message(), "run 1 is not over");
  EXPECT_EQ(Get().open_runs_size(), 1);
  EXPECT_EQ(Get().runs_skipped(), 1);
}

TEST_F(SchedulesTest, ARunWhoseJobHasJustEndedIsNotInTheWayOfATrigger) {
  ASSERT_THAT(Create(Daily()), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::ScheduleRun first, Trigger());
  ASSERT_THAT(store_->CancelJob(call_.job(first.job_id()), "", false), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::ScheduleRun second, Trigger());
  EXPECT_EQ(second.state(), v1::SCHEDULE_RUN_STATE_RUNNING);
  EXPECT_EQ(Get().last_ended_run().job_state(), v1::JOB_STATE_CANCELLED);
}

TEST_F(SchedulesTest, AJobThatIsRefusedIsARunThatTellsWhy) {
  ASSERT_THAT(Create(Daily()), IsOk());
  v1::DeleteServiceVersionRequest remove;
  remove.set_service("demo/doubler[1.0.0]");
  ASSERT_THAT(DeleteServiceVersion(remove, call_, deps_), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::ScheduleRun run, Trigger());
  EXPECT_EQ(run.state(), v1::SCHEDULE_RUN_STATE_REFUSED);
  EXPECT_EQ(run.reason(), v1::SERVICE_NOT_FOUND);
  EXPECT_THAT(run.message(), HasSubstr("demo/doubler"));
}

TEST_F(SchedulesTest, AnUpdateChangesWhatItNamesAndNothingElse) {
  v1::CreateScheduleRequest request = Daily();
  request.mutable_spec()->set_description("what for");
  request.mutable_spec()->set_overlap(v1::OVERLAP_POLICY_QUEUE);
  ASSERT_THAT(Create(request), IsOk());
  const v1::Schedule before = Get();
  v1::ScheduleSpec spec;
  spec.set_description("not named");
  spec.mutable_interval()->set_seconds(600);
  ASSERT_OK_AND_ASSIGN(v1::Schedule after, Update({"interval", "overlap"}, spec));
  EXPECT_EQ(after.spec().description(), "what for");
  EXPECT_EQ(after.spec().interval().seconds(), 600);
  EXPECT_FALSE(after.spec().has_cron());
  // Named and left out: its default.
  EXPECT_EQ(after.spec().overlap(), v1::OVERLAP_POLICY_SKIP);
  EXPECT_EQ(after.spec().job().SerializeAsString(), before.spec().job().SerializeAsString());
  EXPECT_LT(after.next_fire_time().seconds(), before.next_fire_time().seconds());
  // No recurrence, or no job, is none.
  EXPECT_THAT(Update({"cron"}, spec), IsError(Reason::kFieldInvalid));
  EXPECT_THAT(Update({"job"}, spec), IsError(Reason::kFieldInvalid));
  EXPECT_THAT(Update({}, spec), IsError(Reason::kFieldInvalid));
  EXPECT_THAT(std::string(Update({"paused"}, spec).status().message()), HasSubstr("'paused' cannot be changed"));
  EXPECT_EQ(Get().SerializeAsString(), after.SerializeAsString());
}

TEST_F(SchedulesTest, PauseAndResume) {
  ASSERT_THAT(Create(Daily()), IsOk());
  v1::PauseScheduleRequest pause;
  pause.set_schedule_id("nightly");
  pause.set_reason("orders are late");
  ASSERT_OK_AND_ASSIGN(const v1::Schedule paused, PauseSchedule(pause, call_, deps_));
  EXPECT_TRUE(paused.paused());
  EXPECT_EQ(paused.pause_reason(), "orders are late");
  EXPECT_TRUE(paused.has_pause_time());
  EXPECT_FALSE(paused.has_next_fire_time());
  ASSERT_OK_AND_ASSIGN(const v1::ScheduleRun by_hand, Trigger());
  EXPECT_EQ(by_hand.state(), v1::SCHEDULE_RUN_STATE_RUNNING);
  v1::ResumeScheduleRequest resume;
  resume.set_schedule_id("nightly");
  ASSERT_OK_AND_ASSIGN(const v1::Schedule resumed, ResumeSchedule(resume, call_, deps_));
  EXPECT_FALSE(resumed.paused());
  EXPECT_TRUE(resumed.has_next_fire_time());
  EXPECT_FALSE(resumed.has_pause_time());
  pause.set_reason(std::string(model::kMetadataBytesMax + 1, 'x'));
  EXPECT_THAT(PauseSchedule(pause, call_, deps_), IsError(Reason::kFieldInvalid));
}

TEST_F(SchedulesTest, ListsArePaged) {
  for (const char* id : {"c", "a", "b"}) ASSERT_THAT(Create(Daily(id)), IsOk());
  v1::ListSchedulesRequest request;
  request.set_page_size(2);
  ASSERT_OK_AND_ASSIGN(const v1::ListSchedulesResponse first, ListSchedules(request, call_, deps_));
  ASSERT_EQ(first.schedules_size(), 2);
  EXPECT_EQ(first.schedules(1).id(), "b");
  EXPECT_FALSE(first.schedules(0).spec().job().has_source());
  request.set_page_token(first.next_page_token());
  ASSERT_OK_AND_ASSIGN(const v1::ListSchedulesResponse second, ListSchedules(request, call_, deps_));
  ASSERT_EQ(second.schedules_size(), 1);
  EXPECT_THAT(second.next_page_token(), IsEmpty());
  request.set_page_token("x");
  EXPECT_THAT(ListSchedules(request, call_, deps_), IsError(Reason::kPageTokenInvalid));
}

TEST_F(SchedulesTest, TheHistoryIsPagedNewestFirst) {
  ASSERT_THAT(Create(Daily("nightly")), IsOk());
  for (int i = 0; i < 5; ++i) ASSERT_THAT(Trigger(), IsOk());
  v1::ListScheduleRunsRequest request;
  request.set_schedule_id("nightly");
  request.set_page_size(2);
  std::vector<int64_t> numbers;
  do {
    ASSERT_OK_AND_ASSIGN(const v1::ListScheduleRunsResponse page, ListScheduleRuns(request, call_, deps_));
    for (const v1::ScheduleRun& run : page.runs()) numbers.push_back(run.number());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(numbers, ElementsAre(5, 4, 3, 2, 1));
}

TEST_F(SchedulesTest, WhatIsNotThereIsNotFound) {
  v1::GetScheduleRequest get;
  get.set_schedule_id("none");
  EXPECT_THAT(GetSchedule(get, call_, deps_), IsError(Reason::kScheduleNotFound));
  v1::DeleteScheduleRequest remove;
  remove.set_schedule_id("none");
  EXPECT_THAT(DeleteSchedule(remove, call_, deps_), IsError(Reason::kScheduleNotFound));
  EXPECT_THAT(Trigger(), IsError(Reason::kScheduleNotFound));
  EXPECT_THAT(Update({"overlap"}, {}), IsError(Reason::kScheduleNotFound));
  v1::ListScheduleRunsRequest runs;
  runs.set_schedule_id("none");
  EXPECT_THAT(ListScheduleRuns(runs, call_, deps_), IsError(Reason::kScheduleNotFound));
}

}  // namespace
}  // namespace millrace::handlers
