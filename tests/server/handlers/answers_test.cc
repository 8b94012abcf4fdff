// A person answers what a service asks about a record, and the record runs again with that.
#include <gmock/gmock.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using testing::IsOk;

class AnswersTest : public HandlersFixture {
 protected:
  static v1::ResolveExceptionRequest Resolve(const std::string& job, const std::string& exception) {
    v1::ResolveExceptionRequest request;
    request.set_job_id(job);
    request.set_exception_id(exception);
    return request;
  }

  v1::RecordException Get(const std::string& job, const std::string& id) {
    v1::GetExceptionRequest request;
    request.set_job_id(job);
    request.set_exception_id(id);
    return GetException(request, call_, deps_).value_or(v1::RecordException());
  }

  model::JobPtr Job(const std::string& job) { return *store_->GetJob(call_.job(job)); }
};

TEST_F(AnswersTest, AnAnswerGoesToTheServiceWithThoseBeforeIt) {
  CreateService(R"yaml(
service: demo/asking
version: 1.0.0
inputs: {n: {type: number}}
nodes:
  limit: {lua: "n > 9 and tonumber(hold('which limit for ' .. n .. '?')) or 9"}
  m: {lua: "if n > limit then return hold('is ' .. n .. ' right?') .. ', as was said' end return 'fine'"}
outputs: [limit, m]
)yaml");
  v1::CreatePipelineRequest create;
  create.set_service("demo/asking");
  const std::string job = CreatePipeline(create, call_, deps_)->id();
  StartWorkers();
  ASSERT_THAT(PushLines(job, "{\"n\":5}\n{\"n\":50}\n{\"n\":60}\n"), IsOk());
  AwaitCommitted(job);

  v1::ResolveExceptionRequest first = Resolve(job, "1-1");
  first.set_answer("20");
  ASSERT_OK_AND_ASSIGN(const v1::RecordException answered, ResolveException(first, call_, deps_));
  EXPECT_EQ(answered.resolution().kind(), v1::RESOLUTION_KIND_ANSWER);
  EXPECT_EQ(answered.resolution().answer(), "20");
  EXPECT_EQ(answered.resolution().resolved_by(), "anonymous");
  EXPECT_EQ(answered.input(), "{\"n\":50}");
  AwaitCommitted(job);
  EXPECT_EQ(Get(job, "2-0").message(), "is 50 right?") << "the next question";
  EXPECT_EQ(Get(job, "2-0").replaces_exception_id(), "1-1");

  // As it is: the answer that was given goes along, and the question that is open is asked again.
  v1::ReprocessExceptionsRequest again;
  again.set_job_id(job);
  again.mutable_ids()->add_ids("2-0");
  ASSERT_THAT(ReprocessExceptions(again, call_, deps_), IsOk());
  AwaitCommitted(job);
  EXPECT_EQ(Get(job, "3-0").message(), "is 50 right?");
  v1::ResolveExceptionRequest second = Resolve(job, "3-0");
  second.set_answer("yes");
  ASSERT_THAT(ResolveException(second, call_, deps_), IsOk());
  AwaitCommitted(job);
  EXPECT_EQ(Get(job, "3-0").state(), v1::EXCEPTION_STATE_RESOLVED);
  ASSERT_OK_AND_ASSIGN(const v1::PullResponse results, PullAfter(job, 3));
  ASSERT_EQ(results.results_size(), 1);
  EXPECT_EQ(results.results(0).json_lines(), "{\"limit\":20,\"m\":\"yes, as was said\"}\n");
  EXPECT_EQ(Get(job, "1-2").message(), "which limit for 60?") << "nobody answered for the other record";
  EXPECT_EQ(Job(job)->counters.records_held, 1);

  v1::CompareJobRequest compare;
  compare.set_job_id(job);
  compare.set_service_version("1.0.0");
  ASSERT_OK_AND_ASSIGN(const v1::CompareJobResponse comparison, CompareJob(compare, call_, deps_));
  EXPECT_EQ(comparison.records_same(), 1);
  EXPECT_EQ(comparison.records_failing(), 1) << "it is asked about under both";
  EXPECT_EQ(comparison.records_broken(), 0);
  EXPECT_EQ(comparison.records_skipped(), 1) << "what a person answered is not run without the answer";

  v1::ResolveExceptionRequest bad = Resolve(job, "1-2");
  bad.set_answer("");
  EXPECT_EQ(FieldOf(ResolveException(bad, call_, deps_).status()), "answer");
  bad.set_answer(std::string(model::kAnswerBytesMax + 1, 'x'));
  EXPECT_EQ(FieldOf(ResolveException(bad, call_, deps_).status()), "answer");
  ASSERT_THAT(PushLines(job, "{\"n\":\"x\"}\n"), IsOk());
  AwaitCommitted(job);
  bad = Resolve(job, absl::StrCat(Job(job)->last_sequence, "-0"));
  bad.set_answer("yes");
  EXPECT_EQ(FieldOf(ResolveException(bad, call_, deps_).status()), "answer") << "it asked nothing";
}

}  // namespace
}  // namespace millrace::handlers
