// DeleteServiceVersion: what holds a version besides jobs that have not ended, and what does not.
#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "server/handlers/schedule_handlers.h"
#include "storage/model/limits.h"
#include "storage/store/schedule_store.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using ::testing::HasSubstr;
using testing::IsError;
using testing::IsOk;
using testing::MetadataOf;
using ::testing::Not;

class DeleteServiceVersionTest : public HandlersFixture {
 protected:
  DeleteServiceVersionTest() { CreateService(); }

  absl::Status Delete(bool force = false, const std::string& service = "demo/doubler[1.0.0]") {
    v1::DeleteServiceVersionRequest request;
    request.set_service(service);
    request.set_force(force);
    return DeleteServiceVersion(request, call_, deps_).status();
  }

  void Schedule(const std::string& id, const std::string& service) {
    v1::CreateScheduleRequest request;
    request.set_schedule_id(id);
    request.mutable_spec()->mutable_cron()->set_expression("0 7 * * *");
    request.mutable_spec()->mutable_job()->set_service(service);
    request.mutable_spec()->mutable_job()->mutable_source()->mutable_range()->set_count(3);
    ASSERT_THAT(CreateSchedule(request, call_, deps_), IsOk());
  }

  /// Neither its times nor a person makes it fire again.
  void EndSchedule(const std::string& id) {
    ASSERT_THAT(store_->schedules().ChangeSchedule({call_.principal.tenant, id},
                                                   [](model::ScheduleChange& change) -> absl::StatusOr<bool> {
                                                     change.schedule.next_fire_time = absl::InfinitePast();
                                                     return true;
                                                   }),
                IsOk());
  }

  /// A job of the doubler that has ended, with one record that failed.
  void RunFailing(const std::string& id) {
    if (pool_ == nullptr) StartWorkers();
    v1::CreatePipelineRequest create;
    create.set_service("demo/doubler");
    create.set_pipeline_id(id);
    ASSERT_THAT(CreatePipeline(create, call_, deps_), IsOk());
    ASSERT_THAT(PushLines(id, "{\"n\":1}\n{\"n\":\"x\"}\n"), IsOk());
    v1::ClosePipelineRequest close;
    close.set_pipeline_id(id);
    ASSERT_THAT(ClosePipeline(close, call_, deps_), IsOk());
    AwaitCommitted(id);
  }

  void Discard(const std::string& id) {
    v1::ResolveExceptionRequest request;
    request.set_job_id(id);
    request.set_exception_id("1-1");
    request.set_discard(true);
    request.set_note("not wanted");
    ASSERT_THAT(ResolveException(request, call_, deps_), IsOk());
  }
};

TEST_F(DeleteServiceVersionTest, AScheduleThatNamesTheVersionHoldsIt) {
  Schedule("nightly", "demo/doubler[1.0.0]");
  const absl::Status refused = Delete();
  EXPECT_THAT(refused, IsError(Reason::kServiceVersionInUse));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("1 schedule(s) name it: nightly."));
  EXPECT_EQ(MetadataOf(refused, "schedule_id"), "nightly");
  EXPECT_EQ(MetadataOf(refused, "schedule_count"), "1");
  EXPECT_EQ(MetadataOf(refused, "service_uri"), "demo/doubler[1.0.0]");
  EXPECT_THAT(Delete(/*force=*/true), IsOk());
  EXPECT_THAT(Delete(), IsError(Reason::kServiceNotFound));
}

TEST_F(DeleteServiceVersionTest, SoDoesOneThatNamesItsIdOrIsPaused) {
  Schedule("by-id", store_->GetServiceVersion(call_.principal.tenant, {"demo/doubler", "", ""})->version_id);
  Schedule("paused", "demo/doubler[1.0.0]");
  v1::PauseScheduleRequest pause;
  pause.set_schedule_id("paused");
  ASSERT_THAT(PauseSchedule(pause, call_, deps_), IsOk());
  EXPECT_THAT(std::string(Delete().message()), HasSubstr("2 schedule(s) name it: by-id, paused."));
}

TEST_F(DeleteServiceVersionTest, AScheduleWithoutTheVersionOrAtItsEndDoesNotHoldIt) {
  CreateService(
      absl::StrCat(kDoubler, "description: another\n").replace(std::string(kDoubler).find("1.0.0"), 5, "1.1.0"));
  Schedule("latest", "demo/doubler");
  Schedule("other", "demo/doubler[1.1.0]");
  Schedule("over", "demo/doubler[1.0.0]");
  EndSchedule("over");
  EXPECT_THAT(Delete(), IsOk());
}

TEST_F(DeleteServiceVersionTest, TheFirstThreeOfManyAreNamed) {
  for (int i = 0; i < 30; ++i) Schedule(absl::StrCat("s", 10 + i), "demo/doubler[1.0.0]");
  EXPECT_THAT(std::string(Delete().message()), HasSubstr("30 schedule(s) name it: s10, s11, s12 and 27 more."));
}

TEST_F(DeleteServiceVersionTest, UnresolvedExceptionsOfAJobThatHasEndedHoldIt) {
  RunFailing("first");
  RunFailing("second");
  const absl::Status refused = Delete();
  EXPECT_THAT(refused, IsError(Reason::kServiceVersionInUse));
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("2 ended job(s) have unresolved exceptions under it: second, first."));
  EXPECT_EQ(MetadataOf(refused, "pipeline_id"), "second");
  EXPECT_EQ(MetadataOf(refused, "exception_job_count"), "2");
  Discard("second");
  EXPECT_THAT(std::string(Delete().message()), HasSubstr("1 ended job(s)"));
  EXPECT_THAT(Delete(/*force=*/true), IsOk());
}

TEST_F(DeleteServiceVersionTest, ExceptionsThatAreSettledOrUnderAnotherVersionDoNotHoldIt) {
  RunFailing("settled");
  RunFailing("moved");
  Discard("settled");
  CreateService(
      absl::StrCat(kDoubler, "description: another\n").replace(std::string(kDoubler).find("1.0.0"), 5, "1.1.0"));
  v1::UpdateJobRequest update;
  update.set_job_id("moved");
  update.mutable_update_mask()->add_paths("service_version");
  update.set_service_version("1.1.0");
  ASSERT_THAT(UpdateJob(update, call_, deps_), IsOk());
  EXPECT_THAT(Delete(), IsOk());
  EXPECT_THAT(Delete(/*force=*/false, "demo/doubler[1.1.0]"), IsError(Reason::kServiceVersionInUse));
}

TEST_F(DeleteServiceVersionTest, ForceIsNoHelpWhileAJobHasNotEnded) {
  v1::CreatePipelineRequest create;
  create.set_service("demo/doubler");
  ASSERT_THAT(CreatePipeline(create, call_, deps_), IsOk());
  const absl::Status refused = Delete(/*force=*/true);
  EXPECT_THAT(refused, IsError(Reason::kServiceVersionInUse));
  EXPECT_EQ(MetadataOf(refused, "job_count"), "1");
}

/// A second passes with each look at it.
class HastyClock final : public model::Clock {
 public:
  absl::Time Now() const override { return absl::FromUnixSeconds(1'700'000'000); }
  int64_t SteadyNanos() const override { return nanos_ += 1'000'000'000; }
  void WaitUntil(std::condition_variable_any&, absl::Mutex&, int64_t) const override {}

 private:
  mutable int64_t nanos_ = 0;
};

TEST_F(DeleteServiceVersionTest, WhereThereIsNoTimeToLookAtAllJobsItStays) {
  RunFailing("oldest");
  clock_.Advance(absl::Seconds(1));
  for (int i = 0; i <= model::kPageSizeMax; ++i) {
    v1::CreatePipelineRequest create;
    create.set_service("demo/doubler");
    create.set_pipeline_id(absl::StrCat("j", i));
    ASSERT_THAT(CreatePipeline(create, call_, deps_), IsOk());
    ASSERT_THAT(store_->CancelJob(call_.job(create.pipeline_id()), "", /*force=*/true), IsOk());
  }
  const HastyClock hasty;
  const Deps deps{.store = *store_, .leases = hub_, .compiler = *compiler_, .clock = hasty, .ids = ids_, .server = {}};
  v1::DeleteServiceVersionRequest request;
  request.set_service("demo/doubler[1.0.0]");
  const absl::Status refused = DeleteServiceVersion(request, call_, deps).status();
  EXPECT_THAT(refused, IsError(Reason::kServiceVersionInUse));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("there was no time to look at all jobs for exceptions"));
  EXPECT_THAT(std::string(refused.message()), Not(HasSubstr("oldest")));
  EXPECT_EQ(MetadataOf(refused, "exception_job_count"), "0");
  EXPECT_THAT(std::string(Delete().message()),
              HasSubstr("1 ended job(s) have unresolved exceptions under it: oldest."));
  Discard("oldest");
  EXPECT_THAT(DeleteServiceVersion(request, call_, deps), IsOk()) << "no job of the service has any: no look is needed";
}

}  // namespace
}  // namespace millrace::handlers
