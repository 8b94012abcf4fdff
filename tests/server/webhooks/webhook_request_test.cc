#include "server/webhooks/webhook_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/records/json_text.h"
#include "tests/support/factories.h"

namespace millrace::webhooks {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::ExampleJob;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

model::Notice Example() {
  model::Notice notice;
  notice.job = ExampleJob("job-1");
  notice.job.create_time = At(0);
  notice.job.complete_time = At(61);
  notice.job.state = model::JobState::kCompleted;
  notice.job.metadata.name = "month-end \"prices\"";
  notice.job.metadata.tags = {"eu", "nightly"};
  notice.job.counters.records_submitted = 3;
  notice.job.counters.records_completed = 2;
  notice.job.counters.records_failed = 1;
  notice.job.options.webhook = {.url = "https://hooks.example.org/jobs", .secret = "ops", .tells_end = true};
  notice.event = {.number = 7,
                  .time = At(61),
                  .kind = model::JobEventKind::kStateChanged,
                  .by = "ann",
                  .from_state = model::JobState::kClosed,
                  .to_state = model::JobState::kCompleted};
  return notice;
}

TEST(WebhookRequestTest, TheBodyTellsWhatHappenedToWhichJobInNumbers) {
  const std::string body = MakeBody(Example());
  EXPECT_TRUE(records::IsJson(body)) << body;
  EXPECT_THAT(
      body, StartsWith(R"({"type":"job.ended","timestamp":"2024-01-01T00:01:01+00:00","data":{"event":7,"by":"ann")"));
  EXPECT_THAT(body, HasSubstr(R"("job":{"id":"job-1","tenant":"default","service":"demo/double")"));
  EXPECT_THAT(body, HasSubstr(R"("state":"completed","outcome":"partial")"));
  EXPECT_THAT(body, HasSubstr(R"("name":"month-end \"prices\"")"));
  EXPECT_THAT(body, HasSubstr(R"("tags":["eu","nightly"])"));
  EXPECT_THAT(body,
              HasSubstr(R"("records":{"submitted":3,"completed":2,"failed":1,"held":0,"discarded":0,"skipped":0}})"));
}

TEST(WebhookRequestTest, EachKindOfEventHasATypeOfItsOwn) {
  model::JobEvent event = Example().event;
  EXPECT_EQ(TypeOf(event), "job.ended");
  event.to_state = model::JobState::kPaused;
  EXPECT_EQ(TypeOf(event), "job.paused");
  event.kind = model::JobEventKind::kFirstException;
  EXPECT_EQ(TypeOf(event), "job.first_exception");
}

TEST(WebhookRequestTest, TheSignatureIsThatOfTheStandardWebhooks) {
  // printf 'id.1.{}' | openssl dgst -sha256 -hmac key -binary | base64
  EXPECT_EQ(Sign("key", "id", "1", "{}"), "v1,5PVmP2AfJGwnp9flV+flrzfukNWA9zyUdqvI+IQalVs=");
  EXPECT_NE(Sign("key", "id", "2", "{}"), Sign("key", "id", "1", "{}"));
}

TEST(WebhookRequestTest, AnAttemptCarriesIdTimeAndSignature) {
  const std::string secret = "hush";
  const WebhookRequest request = MakeRequest(Example(), &secret, At(100));
  EXPECT_EQ(request.url, "https://hooks.example.org/jobs");
  EXPECT_THAT(request.headers, Contains("webhook-id: job-1-1704067200000000-7"));
  EXPECT_THAT(request.headers, Contains("webhook-timestamp: 1704067300"));
  EXPECT_THAT(request.headers,
              Contains("webhook-signature: " + Sign("hush", "job-1-1704067200000000-7", "1704067300", request.body)));
  const WebhookRequest unsigned_one = MakeRequest(Example(), nullptr, At(100));
  EXPECT_THAT(unsigned_one.headers, Not(Contains(StartsWith("webhook-signature"))));
}

}  // namespace
}  // namespace millrace::webhooks
