// What a job tells, and that it goes, through kills of the server.
#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/e2e/e2e_fixture.h"
#include "tools/harness/http_receiver.h"

namespace millrace::e2e {
namespace {

using harness::HttpReceiver;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr char kService[] = R"yaml(
service: test/number
version: 1.0.0
inputs: {n: {type: integer}}
nodes: {m: {lua: "n ~= 2 and n or fail('two')"
}
}
outputs: [m]
)yaml";

class WebhooksTest : public E2eFixture {
 protected:
  WebhooksTest() {
    setenv("MILLRACE_TEST_SECRET", "hush", 1);
    setenv("no_proxy", "127.0.0.1", 1);
    std::ofstream(Path("webhooks.yaml")) << "allow: ['" << receiver_.Url("/") << "']\n"
                                         << "secrets: {ops: MILLRACE_TEST_SECRET}\n";
    more_flags_ = {"--webhooks", Path("webhooks.yaml").string()};
  }

  void CreateService() const {
    v1::CreateServiceVersionRequest request;
    request.set_definition(kService);
    ASSERT_TRUE(Connect().CreateServiceVersion(request).ok());
  }

  std::atomic<int> status_ = 200;
  HttpReceiver receiver_{[this](const HttpReceiver::Request&) { return status_.load(); }};
};

TEST_F(WebhooksTest, AKillBetweenDeliveryAndItsNoteRepeatsItUnderTheSameId) {
  StartServer();
  CreateService();
  status_ = 0;
  ASSERT_EQ(
      RunCli({"jobs", "submit", "test/number", "--range", "3", "--id", "told", "--webhook", receiver_.Url("/jobs"),
              "--webhook-events", "ended,first_exception", "--webhook-secret", "ops", "--wait", "--allow-exceptions"}),
      0)
      << Stderr();
  // The job has ended although nobody has answered yet.
  receiver_.Await(2);
  server_->Kill();
  status_ = 200;
  StartServer();
  const std::vector<HttpReceiver::Request> requests = receiver_.Await(4);
  std::map<std::string, int> by_id;
  for (const HttpReceiver::Request& request : requests) {
    ++by_id[request.headers.at("webhook-id")];
    EXPECT_THAT(request.headers.at("webhook-signature"), HasSubstr("v1,"));
  }
  EXPECT_THAT(by_id, SizeIs(2));
  for (const auto& [id, count] : by_id) EXPECT_EQ(count, 2) << id;

  ASSERT_EQ(RunCli({"jobs", "show", "told"}), 0);
  EXPECT_THAT(Stdout(), HasSubstr(receiver_.Url("/jobs") + ": ENDED, FIRST_EXCEPTION, signed with ops"));
}

TEST_F(WebhooksTest, WhatTheOperatorDidNotAllowIsRefused) {
  StartServer();
  CreateService();
  EXPECT_NE(RunCli({"pipelines", "create", "test/number", "--webhook", "http://127.0.0.1:1/"}), 0);
  EXPECT_THAT(Stderr(), HasSubstr("it lies below no URL that `allow`"));
  server_->Terminate();
  more_flags_.clear();
  StartServer();
  EXPECT_NE(RunCli({"pipelines", "create", "test/number", "--webhook", receiver_.Url("/")}), 0);
  EXPECT_THAT(Stderr(), HasSubstr("started without --webhooks"));
}

TEST_F(WebhooksTest, AJobGoesWhenItsRetentionIsOverAndItsExceptionsAreNamed) {
  more_flags_ = {"--retention", "1s"};
  StartServer();
  CreateService();
  const std::vector<std::string> submit = {"jobs", "submit", "test/number", "--wait", "--allow-exceptions"};
  const auto run = [&](const std::string& id, std::vector<std::string> more) {
    more.insert(more.begin(), submit.begin(), submit.end());
    more.insert(more.end(), {"--id", id});
    ASSERT_EQ(RunCli(more), 0) << Stderr();
  };
  run("kept", {"--range", "3", "--retention", "0s"});
  run("goes", {"--range", "1"});
  run("stays", {"--range", "3"});
  run("drops", {"--range", "3", "--drop-unresolved-exceptions"});
  server_->Kill();
  StartServer();
  const client::Client client = Connect();
  const auto get = [&](const std::string& id) {
    v1::GetJobRequest request;
    request.set_job_id(id);
    return client.GetJob(request);
  };
  Await("the job is deleted", [&] { return !get("goes").ok(); });
  AwaitJob(client, "drops", [](const v1::Job& job) { return job.has_drop_time(); });
  EXPECT_TRUE(get("kept").ok());
  EXPECT_TRUE(get("stays").ok()) << "it has an exception that nobody settled";
  ASSERT_EQ(RunCli({"jobs", "events", "drops"}), 0);
  EXPECT_THAT(Stdout(), HasSubstr("EXCEPTIONS_DROPPED"));
  EXPECT_THAT(Stdout(), HasSubstr("1 of "));
}

}  // namespace
}  // namespace millrace::e2e
