#include <string>

#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using testing::IsError;
using testing::IsOk;

class DeleteJobTest : public HandlersFixture {
 protected:
  v1::DeleteJobRequest Request(const std::string& id, bool force = false) {
    v1::DeleteJobRequest request;
    request.set_job_id(id);
    request.set_force(force);
    return request;
  }
};

TEST_F(DeleteJobTest, OnlyAJobThatHasEndedIsDeletedUnlessForced) {
  const std::string id = CreateDoublerPipeline();
  EXPECT_THAT(DeleteJob(Request(id), call_, deps_), IsError(Reason::kJobNotFinished));
  EXPECT_THAT(DeleteJob(Request(id, /*force=*/true), call_, deps_), IsOk());
  EXPECT_THAT(DeleteJob(Request(id), call_, deps_), IsError(Reason::kPipelineNotFound));
  EXPECT_THAT(DeleteJob(Request(id, /*force=*/true), call_, deps_), IsError(Reason::kPipelineNotFound));
}

TEST_F(DeleteJobTest, TheIdIsChecked) {
  EXPECT_EQ(FieldOf(DeleteJob(Request(""), call_, deps_).status()), "job_id");
  EXPECT_EQ(FieldOf(DeleteJob(Request("a/b"), call_, deps_).status()), "job_id");
}

}  // namespace
}  // namespace millrace::handlers
