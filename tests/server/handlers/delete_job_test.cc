#include <string>

#include "storage/model/errors.h"
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

// Readers see an end a little before who hands out chunks does: one that is handed out in between would outlive the job.
TEST_F(DeleteJobTest, AnEndThatIsNotHeardYetIsWaitedFor) {
  const std::string id = CreateDoublerPipeline();
  store_->SetObserver(nullptr);
  ASSERT_THAT(store_->CancelJob(call_.job(id), "", false), IsOk());
  const absl::Status early = DeleteJob(Request(id), call_, deps_).status();
  EXPECT_THAT(early, IsError(Reason::kJobNotFinished));
  EXPECT_GT(model::DetailsOf(early).retry_after, absl::ZeroDuration());
  EXPECT_THAT(DeleteJob(Request(id, /*force=*/true), call_, deps_), IsError(Reason::kJobNotFinished));
  hub_.OnJobChanged(*store_->GetJob(call_.job(id)));
  EXPECT_THAT(DeleteJob(Request(id), call_, deps_), IsOk());
}

TEST_F(DeleteJobTest, TheIdIsChecked) {
  EXPECT_EQ(FieldOf(DeleteJob(Request(""), call_, deps_).status()), "job_id");
  EXPECT_EQ(FieldOf(DeleteJob(Request("a/b"), call_, deps_).status()), "job_id");
}

}  // namespace
}  // namespace millrace::handlers
