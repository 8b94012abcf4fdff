#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using testing::IsError;
using testing::IsOk;

class CreatePipelineTest : public HandlersFixture {
 protected:
  CreatePipelineTest() { CreateService(); }

  v1::CreatePipelineRequest Request() {
    v1::CreatePipelineRequest request;
    request.set_service("demo/doubler");
    return request;
  }
};

TEST_F(CreatePipelineTest, PinsTheLatestVersionAndFillsInDefaults) {
  CreateService("{service: demo/doubler, version: 1.10.0, inputs: {n: {}}, nodes: {m: {lua: n}}, outputs: [m]}");
  CreateService("{service: demo/doubler, version: 2.0.0-rc.1, inputs: {n: {}}, nodes: {m: {lua: n}}, outputs: [m]}");
  ASSERT_OK_AND_ASSIGN(const v1::Job job, CreatePipeline(Request(), call_, deps_));
  EXPECT_EQ(job.service_uri(), "demo/doubler[1.10.0]");
  EXPECT_EQ(job.state(), v1::JOB_STATE_CREATED);
  EXPECT_EQ(job.pipeline_state(), v1::PIPELINE_STATE_OPEN);
  EXPECT_TRUE(job.idle());
  EXPECT_EQ(job.created_by(), "anonymous");
  EXPECT_EQ(job.configuration().max_workers(), 4);
  EXPECT_EQ(job.configuration().input_buffer_allocated_bytes(), 70'000'000);
  EXPECT_EQ(job.configuration().output_buffer_allocated_bytes(), 80'000'000);
  EXPECT_EQ(job.configuration().record_timeout().seconds(), 5);
  EXPECT_EQ(job.owner(), "server-1");
  EXPECT_EQ(job.config_hash().size(), 64u);
}

TEST_F(CreatePipelineTest, TheSameRequestIdReturnsTheSameJob) {
  v1::CreatePipelineRequest request = Request();
  request.set_request_id("r-1");
  (*request.mutable_parameters()->mutable_fields())["rate"].set_number_value(0.5);
  ASSERT_OK_AND_ASSIGN(const v1::Job first, CreatePipeline(request, call_, deps_));
  ASSERT_OK_AND_ASSIGN(const v1::Job second, CreatePipeline(request, call_, deps_));
  EXPECT_EQ(first.id(), second.id());
}

TEST_F(CreatePipelineTest, ARequestIdForAnotherRequestIsRefused) {
  v1::CreatePipelineRequest request = Request();
  request.set_request_id("r-1");
  ASSERT_THAT(CreatePipeline(request, call_, deps_), IsOk());
  request.mutable_options()->set_max_workers(3);
  EXPECT_THAT(CreatePipeline(request, call_, deps_), IsError(Reason::kRequestIdReused));
}

TEST_F(CreatePipelineTest, ACallerChosenIdMustBeFree) {
  v1::CreatePipelineRequest request = Request();
  request.set_pipeline_id("mine");
  ASSERT_OK_AND_ASSIGN(const v1::Job job, CreatePipeline(request, call_, deps_));
  EXPECT_EQ(job.id(), "mine");
  EXPECT_THAT(CreatePipeline(request, call_, deps_), IsError(Reason::kPipelineIdTaken));
}

TEST_F(CreatePipelineTest, UnknownServicesAndVersionsAreToldApart) {
  v1::CreatePipelineRequest request = Request();
  request.set_service("demo/nobody");
  EXPECT_THAT(CreatePipeline(request, call_, deps_), IsError(Reason::kServiceNotFound));
  request.set_service("demo/doubler[9.9.9]");
  EXPECT_THAT(CreatePipeline(request, call_, deps_), IsError(Reason::kServiceVersionNotFound));
  request.set_service("no-such-version-id");
  EXPECT_THAT(CreatePipeline(request, call_, deps_), IsError(Reason::kServiceVersionNotFound));
}

struct BadField {
  std::string field;
  std::function<void(v1::CreatePipelineRequest&)> spoil;
};

TEST_F(CreatePipelineTest, EachBadFieldIsNamed) {
  const std::vector<BadField> cases = {
      {"service", [](auto& r) { r.clear_service(); }},
      {"service", [](auto& r) { r.set_service("a/b/c"); }},
      {"request_id", [](auto& r) { r.set_request_id("with space"); }},
      {"pipeline_id", [](auto& r) { r.set_pipeline_id("a/b"); }},
      {"pipeline_id", [](auto& r) { r.set_pipeline_id(std::string(129, 'x')); }},
      {"pipeline_id", [](auto& r) { r.set_pipeline_id("ä"); }},
      {"pipeline_id", [](auto& r) { r.set_pipeline_id(std::string("a\0b", 3)); }},
      {"options.max_workers", [](auto& r) { r.mutable_options()->set_max_workers(-1); }},
      {"options.max_workers", [](auto& r) { r.mutable_options()->set_max_workers(5'000); }},
      {"options.input_buffer_bytes", [](auto& r) { r.mutable_options()->set_input_buffer_bytes(-1); }},
      {"options.output_buffer_bytes", [](auto& r) { r.mutable_options()->set_output_buffer_bytes(int64_t{1} << 50); }},
      {"options.record_timeout", [](auto& r) { r.mutable_options()->mutable_record_timeout()->set_seconds(-5); }},
      {"options.record_timeout", [](auto& r) { r.mutable_options()->mutable_record_timeout()->set_seconds(3'601); }},
      {"options.unique_key", [](auto& r) { r.mutable_options()->set_unique_key("?"); }},
      {"options.initial_workers", [](auto& r) { r.mutable_options()->set_initial_workers(5); }},
      {"options.retry.max_attempts", [](auto& r) { r.mutable_options()->mutable_retry()->set_max_attempts(101); }},
      {"options.retry.initial_backoff",
       [](auto& r) { r.mutable_options()->mutable_retry()->mutable_initial_backoff()->set_seconds(-1); }},
      {"options.retry.max_backoff",
       [](auto& r) { r.mutable_options()->mutable_retry()->mutable_max_backoff()->set_nanos(1'000'000); }},
      {"options.max_failed_ratio", [](auto& r) { r.mutable_options()->set_max_failed_ratio(1.5); }},
      {"options.max_failed_ratio",
       [](auto& r) { r.mutable_options()->set_max_failed_ratio(std::numeric_limits<double>::quiet_NaN()); }},
      {"options.min_records_for_ratio", [](auto& r) { r.mutable_options()->set_min_records_for_ratio(-1); }},
      {"options.idle_timeout", [](auto& r) { r.mutable_options()->mutable_idle_timeout()->set_nanos(5); }},
      {"options.throttle.records_per_second",
       [](auto& r) { r.mutable_options()->mutable_throttle()->set_records_per_second(-1); }},
      {"options.throttle.delay_between_chunks",
       [](auto& r) { r.mutable_options()->mutable_throttle()->mutable_delay_between_chunks()->set_seconds(4'000); }},
      {"options.priority", [](auto& r) { r.mutable_options()->set_priority(101); }},
      {"options.weight", [](auto& r) { r.mutable_options()->set_weight(-1); }},
      {"options.ordering_key", [](auto& r) { r.mutable_options()->set_ordering_key(std::string(129, 'k')); }},
      {"options.target_chunk_time", [](auto& r) { r.mutable_options()->mutable_target_chunk_time()->set_nanos(1); }},
      {"options.worker_selector[a b]", [](auto& r) { (*r.mutable_options()->mutable_worker_selector())["a b"] = "x"; }},
      {"metadata.name", [](auto& r) { r.mutable_metadata()->set_name(std::string(2'000, 'x')); }},
      {"metadata.tags",
       [](auto& r) {
         for (int i = 0; i < 65; ++i) r.mutable_metadata()->add_tags("t");
       }},
      {"selected_outputs[0]", [](auto& r) { r.add_selected_outputs("thrice"); }},
      {"parameters",
       [](auto& r) {
         (*r.mutable_parameters()->mutable_fields())["x"].set_number_value(std::numeric_limits<double>::infinity());
       }},
  };
  for (const BadField& bad : cases) {
    v1::CreatePipelineRequest request = Request();
    bad.spoil(request);
    const absl::Status status = CreatePipeline(request, call_, deps_).status();
    EXPECT_THAT(status, IsError(Reason::kFieldInvalid)) << bad.field;
    EXPECT_EQ(FieldOf(status), bad.field) << status;
  }
}

TEST_F(CreatePipelineTest, ABulkRunHasNoSelectorForItRunsOnNoWorker) {
  v1::CreatePipelineRequest request = Request();
  (*request.mutable_options()->mutable_worker_selector())["site"] = "paris";
  ASSERT_OK_AND_ASSIGN(const v1::Job job, CreatePipeline(request, call_, deps_));
  EXPECT_EQ(job.configuration().worker_selector().at("site"), "paris");
  request.set_service("millrace/jobs");
  const absl::Status refused = CreatePipeline(request, call_, deps_).status();
  EXPECT_THAT(refused, IsError(Reason::kFieldInvalid));
  EXPECT_EQ(FieldOf(refused), "options.worker_selector");
}

TEST_F(CreatePipelineTest, AUniqueKeyIsFreeAgainWhenItsJobHasEnded) {
  v1::CreatePipelineRequest request = Request();
  request.mutable_options()->set_unique_key("nightly");
  ASSERT_OK_AND_ASSIGN(const v1::Job first, CreatePipeline(request, call_, deps_));
  const absl::Status refused = CreatePipeline(request, call_, deps_).status();
  EXPECT_THAT(refused, IsError(Reason::kUniqueKeyTaken));
  EXPECT_EQ(testing::MetadataOf(refused, "pipeline_id"), first.id());
  v1::ClosePipelineRequest close;
  close.set_pipeline_id(first.id());
  ASSERT_THAT(ClosePipeline(close, call_, deps_), IsOk());
  EXPECT_THAT(CreatePipeline(request, call_, deps_), IsOk());
}

}  // namespace
}  // namespace millrace::handlers
