// A real receiver on loopback, a store in memory, and a clock that moves when it is told.
#include "server/webhooks/webhook_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/store/model_job_store.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"
#include "tools/harness/http_receiver.h"
#include "tools/harness/program.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::webhooks {
namespace {

using harness::HttpReceiver;
using ::millrace::testing::At;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::ExampleVersion;
using ::millrace::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// Between two looks at what the receiver did. What it does ends a wait early.
constexpr absl::Duration kWait = absl::Milliseconds(100);

class WebhookSenderTest : public ::testing::Test {
 protected:
  WebhookSenderTest() {
    setenv("MILLRACE_TEST_SECRET", "hush", 1);
    setenv("no_proxy", "127.0.0.1", 1);
    EXPECT_THAT(store_->CreateServiceVersion(ExampleVersion()), IsOk());
    Allow({receiver_.Url("/")});
  }

  /// Webhooks may call these from now on; the sender is a new one.
  void Allow(const std::vector<std::string>& prefixes) {
    const std::filesystem::path file = folder_.path() / "webhooks.yaml";
    std::ofstream out(file, std::ios::binary);
    for (const std::string& prefix : prefixes)
      out << (&prefix == &prefixes.front() ? "allow:\n" : "") << "- " << prefix << "\n";
    out << "secrets: {ops: MILLRACE_TEST_SECRET}\n";
    out.close();
    absl::StatusOr<core::WebhookTargets> read = core::WebhookTargets::Read(file);
    ASSERT_THAT(read, IsOk());
    targets_ = *std::move(read);
    StartAnew();
  }

  /// As after a restart of the server: what is in memory is gone.
  void StartAnew() {
    sender_ = std::make_unique<WebhookSender>(store_->notices(), targets_, clock_, counts_);
    store_->notices().SetObserver(sender_.get());
  }

  /// A job that has just ended, and tells `url` so.
  model::JobKey EndJob(const std::string& url, const std::string& id = "job-1") {
    model::Job job = ExampleJob(id);
    job.options.webhook = {.url = url, .secret = "ops", .tells_end = true};
    EXPECT_THAT(store_->CreateJob(job), IsOk());
    model::JobKey key{std::string(millrace::testing::kTenant), id};
    EXPECT_THAT(store_->CloseJob(key), IsOk());
    return key;
  }

  std::vector<model::NoticeKey> Left() { return *store_->notices().ListNotices({}, 1'000); }

  /// Until so many attempts have ended.
  void RunUntil(const std::function<bool()>& is_done) {
    while (!is_done()) sender_->RunOnce(kWait);
  }
  void AwaitDelivered(int64_t count) {
    RunUntil([&] { return counts_.delivered == count; });
  }
  void AwaitFailed(int64_t count) {
    RunUntil([&] { return counts_.failed_attempts == count; });
  }

  std::atomic<int> status_ = 200;
  HttpReceiver receiver_{[this](const HttpReceiver::Request&) { return status_.load(); }};
  harness::TemporaryFolder folder_;
  model::ManualClock clock_{At(0)};
  core::WebhookCounts counts_;
  core::WebhookTargets targets_;
  std::unique_ptr<store::JobStore> store_ = store::MakeModelJobStore(&clock_);
  std::unique_ptr<WebhookSender> sender_;
};

TEST_F(WebhookSenderTest, AnEventIsDeliveredOnceAndForgotten) {
  EndJob(receiver_.Url("/jobs?x=1"));
  AwaitDelivered(1);
  EXPECT_THAT(Left(), IsEmpty());
  sender_->RunOnce(absl::ZeroDuration());
  const auto requests = receiver_.requests();
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_EQ(requests[0].path, "/jobs?x=1");
  EXPECT_EQ(requests[0].headers.at("content-type"), "application/json");
  EXPECT_THAT(requests[0].body, HasSubstr(R"("type":"job.ended")"));
  EXPECT_EQ(counts_.waiting, 0);
}

TEST_F(WebhookSenderTest, AReceiverThatFailsIsAskedAgainLaterAndLaterUnderTheSameId) {
  status_ = 500;
  EndJob(receiver_.Url("/jobs"));
  AwaitFailed(1);
  sender_->RunOnce(absl::ZeroDuration());
  EXPECT_EQ(counts_.failed_attempts, 1) << "not before a second, less a quarter, is over";
  clock_.Advance(absl::Seconds(1));
  AwaitFailed(2);
  clock_.Advance(absl::Seconds(1));
  sender_->RunOnce(absl::ZeroDuration());
  EXPECT_EQ(counts_.failed_attempts, 2) << "two seconds now";
  status_ = 204;
  clock_.Advance(absl::Seconds(1));
  AwaitDelivered(1);
  const auto requests = receiver_.requests();
  ASSERT_THAT(requests, SizeIs(3));
  for (const auto& request : requests) {
    EXPECT_EQ(request.headers.at("webhook-id"), requests[0].headers.at("webhook-id"));
    EXPECT_EQ(request.body, requests[0].body);
  }
  EXPECT_NE(requests[0].headers.at("webhook-signature"), requests[2].headers.at("webhook-signature"))
      << "signed with the time of the attempt";
}

TEST_F(WebhookSenderTest, WhatAnEarlierServerLeftIsDelivered) {
  store_->notices().SetObserver(nullptr);
  for (int i = 0; i < 3; ++i) EndJob(receiver_.Url("/jobs"), absl::StrCat("job-", i));
  StartAnew();
  AwaitDelivered(3);
  EXPECT_THAT(Left(), IsEmpty());
}

TEST_F(WebhookSenderTest, OneThatDiedBeforeItForgotRepeatsWithTheSameId) {
  // The receiver has it, and the server is gone before it hears so.
  status_ = 0;
  EndJob(receiver_.Url("/jobs"));
  RunUntil([&] { return !receiver_.requests().empty(); });
  EXPECT_THAT(Left(), SizeIs(1));
  status_ = 200;
  StartAnew();
  AwaitDelivered(1);
  const auto requests = receiver_.requests();
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].headers.at("webhook-id"), requests[1].headers.at("webhook-id"));
}

TEST_F(WebhookSenderTest, AfterADayItIsGivenUpAndTheJobSaysSo) {
  status_ = 503;
  const model::JobKey key = EndJob(receiver_.Url("/jobs"));
  AwaitFailed(1);
  clock_.Advance(absl::Hours(24));
  AwaitFailed(2);
  EXPECT_THAT(Left(), IsEmpty());
  EXPECT_EQ(counts_.given_up, 1);
  ASSERT_OK_AND_ASSIGN(const auto events, store_->ListJobEvents(key, 2, 10));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].detail, "event 2 was not told: the receiver answered with status 503");
}

TEST_F(WebhookSenderTest, WhatIsOlderThanADayAtTheStartIsTriedForADay) {
  status_ = 503;
  store_->notices().SetObserver(nullptr);
  EndJob(receiver_.Url("/jobs"));
  clock_.Advance(absl::Hours(25));
  StartAnew();
  AwaitFailed(1);
  EXPECT_THAT(Left(), SizeIs(1));
  clock_.Advance(absl::Hours(23));
  AwaitFailed(2);
  EXPECT_EQ(counts_.given_up, 0);
  clock_.Advance(absl::Hours(1));
  AwaitFailed(3);
  EXPECT_EQ(counts_.given_up, 1);
  EXPECT_THAT(Left(), IsEmpty());
}

TEST_F(WebhookSenderTest, AReceiverThatIsGoneForGoodIsNotAskedAgain) {
  status_ = 410;
  EndJob(receiver_.Url("/jobs"));
  AwaitFailed(1);
  EXPECT_EQ(counts_.given_up, 1);
  EXPECT_THAT(Left(), IsEmpty());
}

TEST_F(WebhookSenderTest, ARedirectIsNotFollowed) {
  status_ = 302;
  EndJob(receiver_.Url("/jobs"));
  AwaitFailed(1);
  EXPECT_THAT(receiver_.requests(), SizeIs(1));
  EXPECT_THAT(Left(), SizeIs(1));
}

TEST_F(WebhookSenderTest, AReceiverThatNeverAnswersDelaysNoOther) {
  HttpReceiver silent([](const HttpReceiver::Request&) { return 0; });
  Allow({receiver_.Url("/"), silent.Url("/")});
  for (int i = 0; i < 20; ++i) EndJob(silent.Url("/jobs"), absl::StrCat("silent-", i));
  for (int i = 0; i < 20; ++i) EndJob(receiver_.Url("/jobs"), absl::StrCat("swift-", i));
  AwaitDelivered(20);
  EXPECT_LE(silent.requests().size(), size_t{model::kWebhookTransfersPerHostMax});
  EXPECT_THAT(Left(), SizeIs(20));
  sender_->Stop();
  sender_->RunOnce(kWait);
}

TEST_F(WebhookSenderTest, WhatTheServerDoesNotAllowAnyMoreIsNotCalled) {
  Allow({"https://elsewhere.example.org/"});
  const model::JobKey key = EndJob(receiver_.Url("/jobs"));
  AwaitFailed(1);
  clock_.Advance(absl::Hours(24));
  AwaitFailed(2);
  EXPECT_THAT(receiver_.requests(), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto events, store_->ListJobEvents(key, 2, 10));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_THAT(events[0].detail, HasSubstr("it lies below no URL"));
}

// The way that docs/WEBHOOKS.md shows.
TEST_F(WebhookSenderTest, TheExampleOfTheDocumentationChecksTheSignature) {
  EndJob(receiver_.Url("/jobs"));
  AwaitDelivered(1);
  std::ifstream page(std::string(MILLRACE_SOURCE_DIR) + "/docs/WEBHOOKS.md", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(page), {}};
  const std::string fence = "```python\n";
  const size_t begin = text.find(fence);
  ASSERT_NE(begin, std::string::npos);
  const size_t end = text.find("```", begin + fence.size());
  const auto request = receiver_.requests().front();
  const std::filesystem::path body = folder_.path() / "body";
  std::ofstream(body, std::ios::binary) << request.body;
  const auto check = [&](const std::string& secret) {
    const std::filesystem::path script = folder_.path() / "check.py";
    std::ofstream(script, std::ios::binary)
        << text.substr(begin + fence.size(), end - begin - fence.size()) << "import sys\n"
        << "headers = {'webhook-id': sys.argv[2], 'webhook-timestamp': sys.argv[3], 'webhook-signature': sys.argv[4]}\n"
        << "sys.exit(0 if is_genuine(b'" << secret
        << "', headers, open(sys.argv[1], 'rb').read(), now=" << 1'704'067'200 << ") else 1)\n";
    auto program =
        harness::Program::Start({"python3", script.string(), body.string(), request.headers.at("webhook-id"),
                                 request.headers.at("webhook-timestamp"), request.headers.at("webhook-signature")});
    return program.ok() ? (*program)->Wait() : -1;
  };
  EXPECT_EQ(check("hush"), 0);
  EXPECT_EQ(check("another"), 1);
}

}  // namespace
}  // namespace millrace::webhooks
