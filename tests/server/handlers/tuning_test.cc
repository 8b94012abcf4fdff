// PauseJob, ResumeJob and UpdateJob.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsError;
using testing::IsOk;

constexpr char kTripler[] = R"(
service: demo/doubler
version: 1.1.0
inputs: {n: {type: number}}
nodes: {twice: {lua: "n * 3"}}
outputs: [twice]
)";

class TuningTest : public HandlersFixture {
 protected:
  absl::StatusOr<v1::Job> Pause(const std::string& id, const std::string& reason = "") {
    v1::PauseJobRequest request;
    request.set_job_id(id);
    request.set_reason(reason);
    return PauseJob(request, call_, deps_);
  }
  absl::StatusOr<v1::Job> Resume(const std::string& id, bool ramp = false) {
    v1::ResumeJobRequest request;
    request.set_job_id(id);
    request.set_ramp(ramp);
    return ResumeJob(request, call_, deps_);
  }

  static v1::UpdateJobRequest Request(const std::string& id, const std::vector<std::string>& paths) {
    v1::UpdateJobRequest request;
    request.set_job_id(id);
    for (const std::string& path : paths) request.mutable_update_mask()->add_paths(path);
    return request;
  }
  absl::StatusOr<v1::Job> Update(const v1::UpdateJobRequest& request) { return UpdateJob(request, call_, deps_); }

  void Close(const std::string& id) {
    v1::ClosePipelineRequest request;
    request.set_pipeline_id(id);
    ASSERT_THAT(ClosePipeline(request, call_, deps_), IsOk());
  }
};

TEST_F(TuningTest, APausedJobSaysSinceWhenAndWhy) {
  const std::string id = CreateDoublerPipeline();
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n"), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::Job paused, Pause(id, "database is down"));
  EXPECT_EQ(paused.state(), v1::JOB_STATE_PAUSED);
  EXPECT_EQ(paused.pause_reason(), "database is down");
  EXPECT_EQ(paused.pause_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_EQ(paused.resume_state(), v1::JOB_STATE_IN_PROGRESS);
  EXPECT_EQ(paused.pipeline_state(), v1::PIPELINE_STATE_OPEN);

  v1::ExplainJobRequest request;
  request.set_job_id(id);
  ASSERT_OK_AND_ASSIGN(const v1::ExplainJobResponse explained, ExplainJob(request, call_, deps_));
  EXPECT_EQ(explained.reason(), v1::EXPLAIN_REASON_PAUSED);
  EXPECT_THAT(explained.explanation(),
              HasSubstr("it is paused since 2023-11-14T22:13:20.000Z (database is down); resume it"));

  ASSERT_OK_AND_ASSIGN(const v1::Job resumed, Resume(id));
  EXPECT_EQ(resumed.state(), v1::JOB_STATE_IN_PROGRESS);
  EXPECT_FALSE(resumed.has_pause_time());
  EXPECT_EQ(resumed.resume_state(), v1::JOB_STATE_UNSPECIFIED);
}

TEST_F(TuningTest, APausedJobRunsNothingUntilItIsResumed) {
  const std::string id = CreateDoublerPipeline();
  ASSERT_THAT(Pause(id), IsOk());
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n"), IsOk());
  Close(id);
  EXPECT_THAT(PushLines(id, "{\"n\":2}\n"), IsError(Reason::kPipelineClosed));
  StartWorkers();
  // Another job goes on, so the workers are there.
  v1::CreatePipelineRequest other;
  other.set_service("demo/doubler");
  const std::string other_id = CreatePipeline(other, call_, deps_)->id();
  ASSERT_THAT(PushLines(other_id, "{\"n\":1}\n"), IsOk());
  AwaitCommitted(other_id);
  EXPECT_EQ((*store_->GetJob(call_.job(id)))->counters.chunks_completed, 0);
  ASSERT_OK_AND_ASSIGN(const v1::Job resumed, Resume(id, true));
  EXPECT_EQ(resumed.pipeline_state(), v1::PIPELINE_STATE_CLOSED);
  AwaitCommitted(id);
  EXPECT_EQ((*store_->GetJob(call_.job(id)))->state, model::JobState::kCompleted);
}

TEST_F(TuningTest, IdsAndReasonsAreChecked) {
  const std::string id = CreateDoublerPipeline();
  EXPECT_EQ(FieldOf(Pause("").status()), "job_id");
  EXPECT_EQ(FieldOf(Pause(id, std::string(1'025, 'x')).status()), "reason");
  EXPECT_EQ(FieldOf(Resume("a/b").status()), "job_id");
  EXPECT_EQ(FieldOf(Update(Request("", {"name"})).status()), "job_id");
  EXPECT_THAT(Pause("nobody"), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(Resume("nobody"), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(Update(Request("nobody", {"name"})), IsError(Reason::kPipelineNotFound));
}

TEST_F(TuningTest, TheMaskSaysWhatChanges) {
  const std::string id = CreateDoublerPipeline();
  v1::UpdateJobRequest request = Request(id, {"max_workers", "throttle.records_per_second", "tags", "name"});
  request.set_max_workers(3);
  request.set_priority(50);
  request.mutable_throttle()->set_records_per_second(12.5);
  request.mutable_throttle()->mutable_delay_between_chunks()->set_seconds(9);
  request.add_tags("urgent");
  request.set_name("anew");
  ASSERT_OK_AND_ASSIGN(const v1::Job job, Update(request));
  EXPECT_EQ(job.configuration().max_workers(), 3);
  EXPECT_EQ(job.configuration().initial_workers(), 3) << "no more than the maximum";
  EXPECT_EQ(job.configuration().priority(), 0) << "not named";
  EXPECT_EQ(job.configuration().throttle().records_per_second(), 12.5);
  EXPECT_EQ(job.configuration().throttle().delay_between_chunks().seconds(), 0) << "not named";
  EXPECT_THAT(job.metadata().tags(), ElementsAre("urgent"));
  EXPECT_EQ(job.metadata().name(), "anew");

  ASSERT_OK_AND_ASSIGN(const v1::Job defaults,
                       Update(Request(id, {"max_workers", "throttle", "tags", "weight", "max_failed_ratio"})));
  EXPECT_EQ(defaults.configuration().max_workers(), 4) << "as many as the server has workers";
  EXPECT_EQ(defaults.configuration().throttle().records_per_second(), 0);
  EXPECT_EQ(defaults.configuration().weight(), 1);
  EXPECT_EQ(defaults.configuration().max_failed_ratio(), 1);
  EXPECT_EQ(defaults.metadata().tags_size(), 0);
}

TEST_F(TuningTest, WrongValuesNameTheirField) {
  const std::string id = CreateDoublerPipeline();
  const auto field_of = [&](const std::string& path, auto set) {
    v1::UpdateJobRequest request = Request(id, {path});
    set(request);
    const absl::Status status = Update(request).status();
    EXPECT_THAT(status, IsError(Reason::kFieldInvalid)) << path;
    return FieldOf(status);
  };
  using R = v1::UpdateJobRequest;
  EXPECT_EQ(field_of("max_workers", [](R& r) { r.set_max_workers(5'000); }), "max_workers");
  EXPECT_EQ(field_of("initial_workers", [](R& r) { r.set_initial_workers(5); }), "initial_workers");
  EXPECT_EQ(field_of("priority", [](R& r) { r.set_priority(101); }), "priority");
  EXPECT_EQ(field_of("weight", [](R& r) { r.set_weight(-1); }), "weight");
  EXPECT_EQ(field_of("throttle", [](R& r) { r.mutable_throttle()->set_records_per_second(-1); }),
            "throttle.records_per_second");
  EXPECT_EQ(field_of("max_failed_ratio", [](R& r) { r.set_max_failed_ratio(1.5); }), "max_failed_ratio");
  EXPECT_EQ(field_of("name", [](R& r) { r.set_name(std::string(1'025, 'x')); }), "name");
  EXPECT_EQ(field_of("tags", [](R& r) { r.add_tags(std::string(1'025, 'x')); }), "tags[0]");
  EXPECT_EQ(field_of("service_version", [](R&) {}), "service_version");
  EXPECT_EQ(field_of("service_version", [](R& r) { r.set_service_version("newest"); }), "service_version");
  EXPECT_EQ(field_of("ordering_key", [](R&) {}), "update_mask");
  EXPECT_EQ(FieldOf(Update(Request(id, {})).status()), "update_mask");
}

TEST_F(TuningTest, ANewVersionRunsWhatStartsFromThenOn) {
  const std::string id = CreateDoublerPipeline();
  CreateService(kTripler);
  StartWorkers();
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n"), IsOk());
  AwaitCommitted(id);
  v1::UpdateJobRequest request = Request(id, {"service_version"});
  request.set_service_version("1.1.0");
  ASSERT_OK_AND_ASSIGN(const v1::Job moved, Update(request));
  EXPECT_EQ(moved.service_uri(), "demo/doubler[1.1.0]");
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n"), IsOk());
  AwaitCommitted(id);
  ASSERT_OK_AND_ASSIGN(const v1::PullResponse results, PullAfter(id, 0));
  ASSERT_EQ(results.results_size(), 2);
  EXPECT_EQ(results.results(0).json_lines(), "{\"twice\":2}\n");
  EXPECT_EQ(results.results(1).json_lines(), "{\"twice\":3}\n");
  EXPECT_NE(results.results(0).config_hash(), results.results(1).config_hash());
  EXPECT_EQ(results.results(1).config_hash(), moved.config_hash());

  v1::DeleteServiceVersionRequest remove;
  remove.set_service("demo/doubler[1.1.0]");
  EXPECT_THAT(DeleteServiceVersion(remove, call_, deps_), IsError(Reason::kServiceVersionInUse));
  remove.set_service("demo/doubler[1.0.0]");
  EXPECT_THAT(DeleteServiceVersion(remove, call_, deps_), IsOk());
}

TEST_F(TuningTest, AVersionMustExistAndHaveTheOutputsOfTheJob) {
  CreateService();
  v1::CreatePipelineRequest create;
  create.set_service("demo/doubler");
  create.add_selected_outputs("twice");
  const std::string id = CreatePipeline(create, call_, deps_)->id();
  v1::UpdateJobRequest request = Request(id, {"service_version"});
  request.set_service_version("3.0.0");
  EXPECT_THAT(Update(request), IsError(Reason::kServiceVersionNotFound));
  CreateService(R"(
service: demo/doubler
version: 3.0.0
inputs: {n: {type: number}}
nodes: {thrice: {lua: "n * 3"}}
outputs: [thrice]
)");
  const absl::Status lacking = Update(request).status();
  EXPECT_EQ(FieldOf(lacking), "service_version");
  EXPECT_THAT(std::string(lacking.message()), HasSubstr("has no output 'twice'; it has thrice"));
}

TEST_F(TuningTest, AJobThatHasEndedIsNotTuned) {
  const std::string id = CreateDoublerPipeline();
  CreateService(kTripler);
  Close(id);
  v1::UpdateJobRequest request = Request(id, {"weight", "name"});
  request.set_weight(3);
  request.set_name("anew");
  EXPECT_THAT(Update(request), IsError(Reason::kPipelineClosed));
  EXPECT_EQ((*store_->GetJob(call_.job(id)))->metadata.name, "") << "all or nothing";
  request = Request(id, {"service_version", "description"});
  request.set_service_version("1.1.0");
  request.set_description("to be run again");
  ASSERT_OK_AND_ASSIGN(const v1::Job moved, Update(request));
  EXPECT_EQ(moved.service_version(), "1.1.0");
  EXPECT_EQ(moved.state(), v1::JOB_STATE_COMPLETED);
}

}  // namespace
}  // namespace millrace::handlers
