// ListJobEvents, and the messages of WatchJob.
#include <gmock/gmock.h>

#include <string>

#include "storage/model/limits.h"
#include "tests/server/handlers/handlers_fixture.h"

namespace millrace::handlers {
namespace {

using model::Reason;
using testing::IsError;
using testing::IsOk;

class ListJobEventsTest : public HandlersFixture {
 protected:
  absl::StatusOr<v1::ListJobEventsResponse> List(const std::string& id, int page_size = 0,
                                                 const std::string& token = "") {
    v1::ListJobEventsRequest request;
    request.set_job_id(id);
    request.set_page_size(page_size);
    request.set_page_token(token);
    return ListJobEvents(request, call_, deps_);
  }
  absl::StatusOr<v1::WatchJobResponse> WatchAfter(const std::string& id, int64_t after) {
    v1::WatchJobRequest request;
    request.set_job_id(id);
    request.set_after_event(after);
    return WatchJob(request, call_, deps_);
  }
};

TEST_F(ListJobEventsTest, PagesFollowEachOtherWithoutAGap) {
  const std::string id = CreateDoublerPipeline();
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n"), IsOk());
  v1::CancelPipelineRequest cancel;
  cancel.set_pipeline_id(id);
  cancel.set_reason("wrong file");
  ASSERT_THAT(CancelPipeline(cancel, call_, deps_), IsOk());

  ASSERT_OK_AND_ASSIGN(const v1::ListJobEventsResponse first, List(id, 2));
  ASSERT_EQ(first.events_size(), 2);
  EXPECT_EQ(first.events(0).kind(), v1::JOB_EVENT_KIND_CREATED);
  EXPECT_EQ(first.events(0).by(), call_.principal.user);
  EXPECT_EQ(first.events(1).to_state(), v1::JOB_STATE_IN_PROGRESS);
  EXPECT_EQ(first.events(1).by(), "");
  ASSERT_OK_AND_ASSIGN(const v1::ListJobEventsResponse second, List(id, 2, first.next_page_token()));
  ASSERT_EQ(second.events_size(), 1);
  EXPECT_EQ(second.events(0).number(), 3);
  EXPECT_EQ(second.events(0).from_state(), v1::JOB_STATE_IN_PROGRESS);
  EXPECT_EQ(second.events(0).to_state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(second.events(0).by(), call_.principal.user);
  EXPECT_EQ(second.events(0).detail(), "wrong file");
  EXPECT_EQ(second.next_page_token(), "");
}

TEST_F(ListJobEventsTest, ASlowWatcherIsToldHowManyEventsItMissed) {
  const std::string id = CreateDoublerPipeline();
  ASSERT_THAT(PushLines(id, "{\"n\":1}\n"), IsOk());
  EXPECT_EQ(WatchAfter(id, 0)->missed_event_count(), 0);
  // Two events each: one more than are kept have happened behind the second event.
  for (int64_t i = 0; i <= model::kJobEventsMax / 2; ++i) {
    ASSERT_THAT(store_->PauseJob(call_.job(id), ""), IsOk());
    ASSERT_THAT(store_->ResumeJob(call_.job(id), false), IsOk());
  }
  ASSERT_OK_AND_ASSIGN(const v1::WatchJobResponse news, WatchAfter(id, 2));
  EXPECT_EQ(news.missed_event_count(), 2);
  ASSERT_EQ(news.events_size(), model::kJobEventsMax);
  EXPECT_EQ(news.events(0).number(), 5);
  EXPECT_EQ(news.last_event(), model::kJobEventsMax + 4);
  EXPECT_EQ(WatchAfter(id, 4)->missed_event_count(), 0) << "the first one that is kept is the next one";
  EXPECT_EQ(WatchAfter(id, news.last_event())->missed_event_count(), 0);
  EXPECT_EQ(WatchAfter(id, news.last_event() + 7)->missed_event_count(), 0) << "there is none yet";
  EXPECT_EQ(WatchAfter(id, -1)->missed_event_count(), 0) << "it asks for none before the first message";
}

TEST_F(ListJobEventsTest, BadInputIsNamed) {
  EXPECT_THAT(List(""), IsError(Reason::kFieldInvalid));
  EXPECT_THAT(List("none"), IsError(Reason::kPipelineNotFound));
  const std::string id = CreateDoublerPipeline();
  EXPECT_THAT(List(id, -1), IsError(Reason::kFieldInvalid));
  EXPECT_THAT(List(id, 1, "x"), IsError(Reason::kPageTokenInvalid));
}

}  // namespace
}  // namespace millrace::handlers
