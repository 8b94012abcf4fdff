// CompareJob.
#include <gmock/gmock.h>

#include <string>

#include "storage/model/built_in.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using ::testing::HasSubstr;
using testing::IsError;
using testing::IsOk;

constexpr char kCandidate[] = R"yaml(
service: demo/doubler
version: 9.9.9
inputs: {n: {type: number}}
nodes: {twice: {lua: "n == 3 and fail('ODD', 'three') or n * 2 + (n == 2 and 0.25 or 0)"}}
outputs: [twice]
)yaml";

class CompareJobTest : public HandlersFixture {
 protected:
  /// A job with the records n = 1 to `count`, and one that is no number, all run.
  std::string RunJob(int count) {
    std::string id = CreateDoublerPipeline();
    std::string lines;
    for (int n = 1; n <= count; ++n) lines += "{\"n\":" + std::to_string(n) + "}\n";
    EXPECT_THAT(PushLines(id, lines + "{\"n\":\"x\"}\n"), IsOk());
    StartWorkers();
    AwaitCommitted(id);
    return id;
  }
  static v1::CompareJobRequest Request(const std::string& id) {
    v1::CompareJobRequest request;
    request.set_job_id(id);
    request.set_definition(kCandidate);
    return request;
  }
  absl::StatusOr<v1::CompareJobResponse> Compare(const v1::CompareJobRequest& request) {
    return CompareJob(request, call_, deps_);
  }
};

TEST_F(CompareJobTest, SaysWhatWouldComeOutDifferently) {
  const std::string id = RunJob(4);
  ASSERT_OK_AND_ASSIGN(const v1::CompareJobResponse comparison, Compare(Request(id)));
  EXPECT_EQ(comparison.records_compared(), 5);
  EXPECT_EQ(comparison.records_same(), 2);
  EXPECT_EQ(comparison.records_different(), 1);
  EXPECT_EQ(comparison.records_broken(), 1);
  EXPECT_EQ(comparison.records_failing(), 1);
  ASSERT_EQ(comparison.fields_size(), 1);
  EXPECT_EQ(comparison.fields(0).path(), "twice");
  EXPECT_EQ(comparison.fields(0).largest_difference(), 0.25);
  ASSERT_EQ(comparison.differences_size(), 2);
  EXPECT_EQ(comparison.differences(0).index(), 1);
  EXPECT_EQ(comparison.differences(0).fields(0).before(), "4");
  EXPECT_EQ(comparison.differences(0).fields(0).after(), "4.25");
  EXPECT_EQ(comparison.differences(1).index(), 2);
  EXPECT_THAT(comparison.differences(1).error_after(), HasSubstr("ODD: three"));
  EXPECT_NE(comparison.config_hash(), "");
}

/// On which three seconds pass between two looks.
class FastClock final : public model::Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch(); }
  int64_t SteadyNanos() const override { return nanos_ += 3'000'000'000; }
  void WaitUntil(std::condition_variable_any& changed, absl::Mutex& mutex, int64_t nanos) const override {
    model::SystemClock::Get()->WaitUntil(changed, mutex, nanos);
  }

 private:
  mutable int64_t nanos_ = 0;
};

TEST_F(CompareJobTest, WhatIsLeftWhenTheTimeIsOverIsSkipped) {
  const std::string id = RunJob(99);
  const FastClock clock;
  const Deps deps{
      .store = *store_, .leases = hub_, .compiler = *compiler_, .clock = clock, .ids = ids_, .server = deps_.server};
  ASSERT_OK_AND_ASSIGN(const v1::CompareJobResponse comparison, CompareJob(Request(id), call_, deps));
  EXPECT_EQ(comparison.records_compared(), 50) << "five times ten until 20 s are over";
  EXPECT_EQ(comparison.records_skipped(), 50);
}

TEST_F(CompareJobTest, WhatWouldBeMendedIsShownWithWhyItFailed) {
  v1::CompareJobRequest request = Request(RunJob(1));
  request.set_definition(
      "{service: demo/doubler, version: 9.9.9, inputs: {n: {}}, outputs: [twice],"
      " nodes: {twice: {lua: \"type(n) == 'number' and n * 2 or 0\"}}}");
  ASSERT_OK_AND_ASSIGN(const v1::CompareJobResponse comparison, Compare(request));
  EXPECT_EQ(comparison.records_same(), 1);
  EXPECT_EQ(comparison.records_mended(), 1);
  ASSERT_EQ(comparison.differences_size(), 1);
  // It failed before any node ran.
  EXPECT_THAT(comparison.differences(0).error_before(), ::testing::StartsWith("INPUT_TYPE: "));
  EXPECT_EQ(comparison.differences(0).error_after(), "");
}

TEST_F(CompareJobTest, ToleranceAndSampleAndHowMuchIsShown) {
  const std::string id = RunJob(4);
  v1::CompareJobRequest request = Request(id);
  request.set_tolerance(0.25);
  ASSERT_OK_AND_ASSIGN(v1::CompareJobResponse comparison, Compare(request));
  EXPECT_EQ(comparison.records_different(), 0);
  (*request.mutable_field_tolerances())["twice"] = 0.1;
  request.set_max_differences(1);
  ASSERT_OK_AND_ASSIGN(comparison, Compare(request));
  EXPECT_EQ(comparison.records_different(), 1);
  EXPECT_EQ(comparison.records_broken(), 1);
  EXPECT_EQ(comparison.differences_size(), 1);
  request.mutable_sample()->set_every_n(3);
  ASSERT_OK_AND_ASSIGN(comparison, Compare(request));
  EXPECT_EQ(comparison.records_compared(), 2) << "n = 1 and n = 4";
}

TEST_F(CompareJobTest, TheSameCodeMakesNoDifferenceAndNothingIsStored) {
  const std::string id = RunJob(4);
  const auto before = deps_.store.GetJob(call_.job(id));
  v1::CompareJobRequest request = Request(id);
  request.clear_definition();
  request.set_service_version((*before)->service_version);
  ASSERT_OK_AND_ASSIGN(const v1::CompareJobResponse comparison, Compare(request));
  EXPECT_EQ(comparison.records_same(), 4);
  EXPECT_EQ(comparison.records_failing(), 1);
  EXPECT_EQ(comparison.config_hash(), (*before)->config_hash);
  EXPECT_EQ(*deps_.store.GetJob(call_.job(id)), *before);
}

TEST_F(CompareJobTest, WhatHasNoOutcomeIsSkipped) {
  const std::string id = CreateDoublerPipeline();
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n{\"n\":2}\n"), IsOk());
  ASSERT_OK_AND_ASSIGN(const v1::CompareJobResponse comparison, Compare(Request(id)));
  EXPECT_EQ(comparison.records_compared(), 0);
  EXPECT_EQ(comparison.records_skipped(), 2);
}

TEST_F(CompareJobTest, BadInputIsNamed) {
  const std::string id = CreateDoublerPipeline();
  EXPECT_THAT(Compare(Request("none")), IsError(Reason::kPipelineNotFound));
  v1::CompareJobRequest both = Request(id);
  both.set_service_version("1.0.0");
  EXPECT_THAT(Compare(both), IsError(Reason::kFieldInvalid));
  v1::CompareJobRequest unknown = Request(id);
  unknown.clear_definition();
  unknown.set_service_version("8.8.8");
  EXPECT_THAT(Compare(unknown), IsError(Reason::kServiceVersionNotFound));
  v1::CompareJobRequest negative = Request(id);
  negative.set_tolerance(-1);
  EXPECT_THAT(Compare(negative), IsError(Reason::kFieldInvalid));
  v1::CompareJobRequest broken = Request(id);
  broken.set_definition("nodes: {");
  EXPECT_THAT(Compare(broken), IsError(Reason::kServiceDefinitionInvalid));
}

TEST_F(CompareJobTest, ABulkRunHasNoCodeToCompare) {
  v1::SubmitJobRequest submit;
  submit.set_service(std::string(model::kJobsService));
  submit.mutable_source()->mutable_inline_()->mutable_records()->set_json_lines("{\"service\":\"demo/doubler\"}\n");
  ASSERT_OK_AND_ASSIGN(const v1::Job bulk, SubmitJob(submit, call_, deps_));
  const absl::Status refused = Compare(Request(bulk.id())).status();
  EXPECT_EQ(FieldOf(refused), "job_id");
  EXPECT_THAT(std::string(refused.message()), HasSubstr("compare its jobs"));
}

}  // namespace
}  // namespace millrace::handlers
