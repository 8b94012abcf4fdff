// Who is told of a job, and how long it is kept: what creators ask for, and what the server was started with.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/server/handlers/handlers_fixture.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::handlers {
namespace {

using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using model::Reason;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kUrl[] = "https://hooks.example.org/jobs";

class EndingOptionsTest : public HandlersFixture {
 protected:
  EndingOptionsTest() {
    CreateService();
    setenv("MILLRACE_TEST_SECRET", "hush", 1);
    SetUpWebhooks("");
  }

  void SetUpWebhooks(const std::string& more) {
    const std::filesystem::path file = folder_.path() / "webhooks.yaml";
    std::ofstream(file, std::ios::binary)
        << "allow: [https://hooks.example.org]\nsecrets: {ops: MILLRACE_TEST_SECRET}\n"
        << more;
    absl::StatusOr<core::WebhookTargets> read = core::WebhookTargets::Read(file);
    ASSERT_THAT(read, IsOk());
    targets_ = *std::move(read);
  }

  /// A pipeline with these options.
  absl::StatusOr<v1::Job> Create(const v1::JobOptions& options) {
    Deps deps = deps_;
    deps.webhooks = has_webhooks_ ? &targets_ : nullptr;
    deps.server.retention = retention_;
    v1::CreatePipelineRequest request;
    request.set_service("demo/doubler");
    *request.mutable_options() = options;
    return CreatePipeline(request, call_, deps);
  }

  v1::JobConfiguration ConfigurationWith(const v1::JobOptions& options) {
    const absl::StatusOr<v1::Job> job = Create(options);
    EXPECT_THAT(job, IsOk());
    return job.ok() ? job->configuration() : v1::JobConfiguration();
  }

  /// The field that is wrong.
  std::string WrongIn(const v1::JobOptions& options) {
    const absl::Status status = Create(options).status();
    EXPECT_THAT(status, IsError(Reason::kFieldInvalid));
    return FieldOf(status);
  }

  static v1::JobOptions Webhook(const std::string& url, const std::string& secret = "") {
    v1::JobOptions options;
    options.mutable_webhook()->set_url(url);
    options.mutable_webhook()->set_secret(secret);
    return options;
  }

  static v1::JobOptions Retention(int64_t seconds) {
    v1::JobOptions options;
    options.mutable_retention()->set_seconds(seconds);
    return options;
  }

  const harness::TemporaryFolder folder_;
  core::WebhookTargets targets_;
  bool has_webhooks_ = true;
  absl::Duration retention_ = absl::ZeroDuration();
};

TEST_F(EndingOptionsTest, AWebhookTellsTheEndUnlessToldOtherwise) {
  v1::JobOptions options = Webhook(kUrl, "ops");
  const v1::Webhook webhook = ConfigurationWith(options).webhook();
  EXPECT_EQ(webhook.url(), kUrl);
  EXPECT_EQ(webhook.secret(), "ops");
  EXPECT_THAT(webhook.events(), ElementsAre(v1::WEBHOOK_EVENT_ENDED));
  options.mutable_webhook()->add_events(v1::WEBHOOK_EVENT_PAUSED);
  options.mutable_webhook()->add_events(v1::WEBHOOK_EVENT_FIRST_EXCEPTION);
  EXPECT_THAT(ConfigurationWith(options).webhook().events(),
              ElementsAre(v1::WEBHOOK_EVENT_PAUSED, v1::WEBHOOK_EVENT_FIRST_EXCEPTION));
  EXPECT_FALSE(ConfigurationWith({}).has_webhook());
}

TEST_F(EndingOptionsTest, WhatTheOperatorDidNotAllowIsRefused) {
  EXPECT_EQ(WrongIn(Webhook("https://elsewhere.example.org/")), "options.webhook.url");
  EXPECT_EQ(WrongIn(Webhook("https://hooks.example.org.evil.com/")), "options.webhook.url");
  EXPECT_EQ(WrongIn(Webhook("hooks")), "options.webhook.url");
  EXPECT_EQ(WrongIn(Webhook("", "ops")), "options.webhook.url");
  EXPECT_EQ(WrongIn(Webhook(kUrl, "nobody")), "options.webhook.secret");
  v1::JobOptions options = Webhook(kUrl);
  options.mutable_webhook()->add_events(v1::WEBHOOK_EVENT_UNSPECIFIED);
  EXPECT_EQ(WrongIn(options), "options.webhook.events[0]");
  has_webhooks_ = false;
  const absl::Status status = Create(Webhook(kUrl)).status();
  EXPECT_THAT(status, IsError(Reason::kWebhooksNotEnabled));
  EXPECT_THAT(std::string(status.message()), HasSubstr("--webhooks"));
}

TEST_F(EndingOptionsTest, AJobThatNamesNoWebhookHasThatOfTheServer) {
  SetUpWebhooks("default: {url: https://hooks.example.org/all, events: [paused]}\n");
  const v1::Webhook webhook = ConfigurationWith({}).webhook();
  EXPECT_EQ(webhook.url(), "https://hooks.example.org/all");
  EXPECT_THAT(webhook.events(), ElementsAre(v1::WEBHOOK_EVENT_PAUSED));
  EXPECT_EQ(ConfigurationWith(Webhook(kUrl)).webhook().url(), kUrl);
  EXPECT_FALSE(ConfigurationWith(Webhook("")).has_webhook()) << "it asked for none";
}

TEST_F(EndingOptionsTest, AJobIsKeptForEverUnlessItOrTheServerSaysOtherwise) {
  EXPECT_FALSE(ConfigurationWith({}).has_retention());
  EXPECT_EQ(ConfigurationWith(Retention(60)).retention().seconds(), 60);
  retention_ = absl::Hours(1);
  EXPECT_EQ(ConfigurationWith({}).retention().seconds(), 3600);
  EXPECT_EQ(ConfigurationWith(Retention(60)).retention().seconds(), 60);
  EXPECT_FALSE(ConfigurationWith(Retention(0)).has_retention());
  EXPECT_EQ(WrongIn(Retention(-1)), "options.retention");
  EXPECT_EQ(WrongIn(Retention(int64_t{101} * 366 * 24 * 3600)), "options.retention");
  v1::JobOptions options;
  options.set_drop_unresolved_exceptions(true);
  EXPECT_TRUE(ConfigurationWith(options).drop_unresolved_exceptions());
}

TEST_F(EndingOptionsTest, AJobThatHasEndedTellsWhenItGoes) {
  const absl::StatusOr<v1::Job> job = Create(Retention(60));
  ASSERT_THAT(job, IsOk());
  EXPECT_FALSE(job->has_expire_time());
  v1::ClosePipelineRequest close;
  close.set_pipeline_id(job->id());
  const absl::StatusOr<v1::Job> ended = ClosePipeline(close, call_, deps_);
  ASSERT_THAT(ended, IsOk());
  EXPECT_EQ(ended->expire_time().seconds(), ended->complete_time().seconds() + 60);
}

TEST_F(EndingOptionsTest, WhatADroppedJobHeldCannotBeReadAndSaysWhy) {
  v1::JobOptions options = Retention(60);
  options.set_drop_unresolved_exceptions(true);
  const absl::StatusOr<v1::Job> job = Create(options);
  ASSERT_THAT(job, IsOk());
  StartWorkers();
  ASSERT_THAT(PushLines(job->id(), "{\"n\":1}\n{\"n\":\"one\"}\n"), IsOk());
  AwaitCommitted(job->id());
  v1::ClosePipelineRequest close;
  close.set_pipeline_id(job->id());
  ASSERT_THAT(ClosePipeline(close, call_, deps_), IsOk());
  clock_.Advance(absl::Seconds(60));
  ASSERT_EQ(*store_->ExpireJob(call_.job(job->id())), model::Expiration::kDropped);

  v1::ListRecordsRequest records;
  records.set_job_id(job->id());
  EXPECT_THAT(ListRecords(records, call_, deps_), IsError(Reason::kJobExpired));
  v1::CompareJobRequest compare;
  compare.set_job_id(job->id());
  compare.set_service_version("1.0.0");
  EXPECT_THAT(CompareJob(compare, call_, deps_), IsError(Reason::kJobExpired));
  v1::RetryJobRequest retry;
  retry.set_job_id(job->id());
  retry.set_failed(true);
  EXPECT_THAT(RetryJob(retry, call_, deps_), IsError(Reason::kJobExpired));
  v1::ReprocessExceptionsRequest reprocess;
  reprocess.set_job_id(job->id());
  reprocess.set_all(true);
  EXPECT_THAT(ReprocessExceptions(reprocess, call_, deps_), IsError(Reason::kJobExpired));
  v1::PullRequest pull;
  pull.set_pipeline_id(job->id());
  EXPECT_THAT(Pull(pull, call_, deps_), IsError(Reason::kJobExpired)) << "not drained: nobody pulled it";
  EXPECT_THAT(PullAfter(job->id(), 0), IsError(Reason::kJobExpired));
  EXPECT_THAT(PullAfter(job->id(), 1), IsError(Reason::kJobExpired));
  v1::ListChunksRequest chunks;
  chunks.set_job_id(job->id());
  EXPECT_THAT(ListChunks(chunks, call_, deps_), IsError(Reason::kJobExpired));
  v1::ListExceptionsRequest exceptions;
  exceptions.set_job_id(job->id());
  EXPECT_THAT(ListExceptions(exceptions, call_, deps_), IsError(Reason::kJobExpired));
  v1::ListExceptionGroupsRequest groups;
  groups.set_job_id(job->id());
  EXPECT_THAT(ListExceptionGroups(groups, call_, deps_), IsError(Reason::kJobExpired));
  v1::GetExceptionRequest exception;
  exception.set_job_id(job->id());
  exception.set_exception_id("1-1");
  EXPECT_THAT(GetException(exception, call_, deps_), IsError(Reason::kJobExpired));
  v1::ResolveExceptionRequest resolve;
  resolve.set_job_id(job->id());
  resolve.set_exception_id("1-1");
  resolve.set_discard(true);
  EXPECT_THAT(ResolveException(resolve, call_, deps_), IsError(Reason::kJobExpired));
  v1::GetJobStatisticsRequest statistics;
  statistics.set_job_id(job->id());
  EXPECT_THAT(GetJobStatistics(statistics, call_, deps_), IsError(Reason::kJobExpired));
  v1::SubmitJobRequest submit;
  submit.set_service("demo/doubler");
  submit.mutable_source()->mutable_results()->set_job_id(job->id());
  const absl::Status refused = SubmitJob(submit, call_, deps_).status();
  EXPECT_THAT(refused, IsError(Reason::kJobExpired));
  EXPECT_EQ(FieldOf(refused), "source.results.job_id");
}

}  // namespace
}  // namespace millrace::handlers
