#include "server/core/webhook_targets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::core {
namespace {

using ::millrace::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class WebhookTargetsTest : public ::testing::Test {
 protected:
  WebhookTargetsTest() {
    setenv("MILLRACE_TEST_SECRET", "hush", 1);
    setenv("MILLRACE_TEST_BASE64", "whsec_aHVzaA==", 1);
    setenv("MILLRACE_TEST_DAMAGED", "whsec_?", 1);
  }

  absl::StatusOr<WebhookTargets> Read(const std::string& text) const {
    std::ofstream(File(), std::ios::binary) << text;
    return WebhookTargets::Read(File());
  }

  std::string WrongIn(const std::string& text) const { return std::string(Read(text).status().message()); }

  std::filesystem::path File() const { return folder_.path() / "webhooks.yaml"; }

  const harness::TemporaryFolder folder_;
};

TEST_F(WebhookTargetsTest, AllOfTheFileIsRead) {
  ASSERT_OK_AND_ASSIGN(const WebhookTargets targets,
                       Read("allow: [https://h/a, 'http://127.0.0.1:8080']\n"
                            "secrets: {ops: MILLRACE_TEST_SECRET, tool: MILLRACE_TEST_BASE64}\n"
                            "default: {url: https://h/a/b, events: [paused, first_exception], secret: ops}\n"));
  EXPECT_THAT(targets.Check("https://h/a/c"), IsOk());
  EXPECT_THAT(targets.Check("http://127.0.0.1:8080/x"), IsOk());
  EXPECT_THAT(std::string(targets.Check("https://h/b").message()), HasSubstr("lies below no URL that `allow`"));
  EXPECT_THAT(targets.Check("nothing"), Not(IsOk()));
  EXPECT_EQ(targets.SecretNames(), "ops, tool");
  ASSERT_NE(targets.FindSecret("ops"), nullptr);
  EXPECT_EQ(*targets.FindSecret("ops"), "hush");
  EXPECT_EQ(*targets.FindSecret("tool"), "hush") << "base64 behind its prefix";
  EXPECT_EQ(targets.FindSecret("nobody"), nullptr);
  const model::Webhook wanted{
      .url = "https://h/a/b", .secret = "ops", .tells_end = false, .tells_pause = true, .tells_first_exception = true};
  EXPECT_EQ(targets.fallback(), wanted);
}

TEST_F(WebhookTargetsTest, TheDefaultTellsTheEndAndIsNobodyWhereItIsLeftOut) {
  EXPECT_TRUE(Read("allow: [http://h]\ndefault: {url: http://h/x}\n")->fallback().tells_end);
  EXPECT_EQ(Read("allow: [http://h]\n")->fallback(), model::Webhook());
  EXPECT_TRUE(WebhookTargets().empty());
}

TEST_F(WebhookTargetsTest, WhatIsWrongIsNamedWithFileLineAndField) {
  EXPECT_THAT(WrongIn("secrets: {}\n"), StartsWith(File().string() + ":1: allow: expected a list"));
  EXPECT_THAT(WrongIn("allow: []\n"), HasSubstr(":1: allow: expected a list of URLs, at least one"));
  EXPECT_THAT(WrongIn("allow:\n- http://h\n- gopher://h\n"), HasSubstr(":3: allow: expected a URL that begins with"));
  EXPECT_THAT(WrongIn("allow: [http://h]\nallowed: 5\n"), HasSubstr(":2: allowed: is not known"));
  EXPECT_THAT(WrongIn("allow: [http://h]\nsecrets: {a: MILLRACE_TEST_NONE}\n"),
              HasSubstr(":2: secrets.a: the environment has no variable MILLRACE_TEST_NONE"));
  EXPECT_THAT(WrongIn("allow: [http://h]\nsecrets: {a: MILLRACE_TEST_DAMAGED}\n"), HasSubstr("is not base64"));
  EXPECT_THAT(WrongIn("allow: [http://h]\nsecrets: {a b: X}\n"), HasSubstr("secrets: a name is"));
  EXPECT_THAT(WrongIn("allow: [http://h]\ndefault: {url: http://evil/}\n"),
              HasSubstr(":2: default.url: webhooks may not"));
  EXPECT_THAT(WrongIn("allow: [http://h]\ndefault: {url: http://h, secret: x}\n"),
              HasSubstr("default.secret: is none"));
  EXPECT_THAT(WrongIn("allow: [http://h]\ndefault: {url: http://h, events: [born]}\n"),
              HasSubstr("default.events: known"));
  EXPECT_THAT(WrongIn("allow: [http://h]\ndefault: {to: http://h}\n"), HasSubstr("default.to: is not known"));
  EXPECT_THAT(WrongIn("5\n"), HasSubstr("expected a mapping"));
  EXPECT_THAT(WrongIn("[\n"), HasSubstr(File().string()));
  EXPECT_THAT(std::string(WebhookTargets::Read(folder_.path() / "none").status().message()), HasSubstr("cannot read"));
}

TEST_F(WebhookTargetsTest, NoMessageHoldsASecret) {
  ASSERT_OK_AND_ASSIGN(const WebhookTargets targets, Read("allow: [https://h/a]\n"));
  const std::string refused(targets.Check("https://h/hush?token=hush").message());
  EXPECT_THAT(refused, HasSubstr("https://h:443: it lies below no URL"));
  EXPECT_THAT(refused, Not(HasSubstr("hush"))) << "receivers know who calls by path and query";
  EXPECT_THAT(WrongIn("allow: [http://h]\nsecrets: {a: MILLRACE_TEST_SECRET, a: MILLRACE_TEST_SECRET}\n"),
              Not(HasSubstr("hush")));
}

}  // namespace
}  // namespace millrace::core
