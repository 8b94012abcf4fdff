#include "client/cpp/internal/service_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/protobuf/descriptor.h"
#include "millrace/v1/catalog_service.pb.h"
#include "millrace/v1/exception_service.pb.h"
#include "millrace/v1/job_service.pb.h"
#include "millrace/v1/pipeline_service.pb.h"
#include "tests/support/status_matchers.h"

namespace millrace::client::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kConfig = R"({"methodConfig": [
  {"name": [{"service": "p.A"}, {"service": "p.B", "method": "Own"}], "timeout": "1.5s",
   "retryPolicy": {"maxAttempts": 5, "initialBackoff": "0.1s", "maxBackoff": "2s", "backoffMultiplier": 1.5,
                   "retryableStatusCodes": ["UNAVAILABLE", "ABORTED"]}},
  {"name": [{"service": "p.B"}, {"service": "p.A", "method": "Own"}], "timeout": "3s"}]})";

TEST(ServiceConfigTest, EveryFieldIsRead) {
  ASSERT_OK_AND_ASSIGN(const ServiceConfig config, ServiceConfig::Parse(kConfig));
  const MethodPolicy policy = config.Find("p.A/Any");
  EXPECT_EQ(policy.timeout, absl::Milliseconds(1500));
  EXPECT_EQ(policy.initial_backoff, absl::Milliseconds(100));
  EXPECT_EQ(policy.max_backoff, absl::Seconds(2));
  EXPECT_EQ(policy.backoff_multiplier, 1.5);
  EXPECT_THAT(policy.retryable_codes, ElementsAre(absl::StatusCode::kUnavailable, absl::StatusCode::kAborted));
}

TEST(ServiceConfigTest, AMethodGoesBeforeItsService) {
  ASSERT_OK_AND_ASSIGN(const ServiceConfig config, ServiceConfig::Parse(kConfig));
  EXPECT_EQ(config.Find("p.A/Own").timeout, absl::Seconds(3));
  EXPECT_THAT(config.Find("p.A/Own").retryable_codes, IsEmpty());
  EXPECT_EQ(config.Find("p.B/Own").timeout, absl::Milliseconds(1500));
  EXPECT_EQ(config.Find("p.B/Any").timeout, absl::Seconds(3));
}

TEST(ServiceConfigTest, AMethodThatIsNotNamedHasNeitherTimeoutNorRetries) {
  ASSERT_OK_AND_ASSIGN(const ServiceConfig config, ServiceConfig::Parse(kConfig));
  EXPECT_EQ(config.Find("p.C/Any").timeout, absl::InfiniteDuration());
  EXPECT_THAT(config.Find("p.C/Any").retryable_codes, IsEmpty());
}

TEST(ServiceConfigTest, ErrorsSayWhatIsWrong) {
  const auto message = [](std::string_view json) { return std::string(ServiceConfig::Parse(json).status().message()); };
  EXPECT_THAT(message("{"), HasSubstr("not JSON"));
  EXPECT_THAT(message("{}"), HasSubstr("methodConfig"));
  EXPECT_THAT(message(R"({"methodConfig": [{"name": [{}]}]})"), HasSubstr("must name a service"));
  EXPECT_THAT(message(R"({"methodConfig": [{"name": [{"service": "a"}, {"service": "a"}]}]})"),
              HasSubstr("a/ has two entries"));
  EXPECT_THAT(message(R"({"methodConfig": [{"timeout": "soon"}]})"), HasSubstr("timeout"));
  EXPECT_THAT(message(R"({"methodConfig": [{"retryPolicy": {"initialBackoff": "1s"}}]})"), HasSubstr("maxBackoff"));
  EXPECT_THAT(message(R"({"methodConfig": [{"retryPolicy": {"initialBackoff": "1s", "maxBackoff": "1s",
                         "backoffMultiplier": 0.5}}]})"),
              HasSubstr("backoffMultiplier"));
  EXPECT_THAT(message(R"({"methodConfig": [{"retryPolicy": {"initialBackoff": "1s", "maxBackoff": "1s",
                         "backoffMultiplier": 2, "retryableStatusCodes": ["UNLUCKY"]}}]})"),
              HasSubstr("UNLUCKY"));
}

TEST(ServiceConfigTest, TheBuiltInFileCoversEveryRpc) {
  ASSERT_OK_AND_ASSIGN(const ServiceConfig config, ServiceConfig::Parse(EmbeddedServiceConfig()));
  for (const auto* file : {v1::PushRequest::descriptor()->file(), v1::ServiceVersion::descriptor()->file(),
                           v1::GetJobRequest::descriptor()->file(), v1::RecordException::descriptor()->file()}) {
    const auto* service = file->service(0);
    for (int i = 0; i < service->method_count(); ++i) {
      const std::string name = service->full_name() + "/" + service->method(i)->name();
      if (service->method(i)->client_streaming() || service->method(i)->server_streaming()) {
        // A stream lives as long as its user wants, who also knows what to send again.
        EXPECT_EQ(config.Find(name).timeout, absl::InfiniteDuration()) << name;
        continue;
      }
      EXPECT_LT(config.Find(name).timeout, absl::InfiniteDuration()) << name;
      EXPECT_THAT(config.Find(name).retryable_codes,
                  ElementsAre(absl::StatusCode::kUnavailable, absl::StatusCode::kDeadlineExceeded))
          << name;
    }
  }
}

}  // namespace
}  // namespace millrace::client::internal
