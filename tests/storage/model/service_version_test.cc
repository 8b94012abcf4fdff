#include "storage/model/service_version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/model/errors.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

SemanticVersion Parsed(std::string_view text) {
  const absl::StatusOr<SemanticVersion> version = ParseSemanticVersion(text);
  EXPECT_THAT(version, IsOk());
  return version.value_or(SemanticVersion{});
}

TEST(SemanticVersionTest, ReadsNumbersAndPrerelease) {
  const SemanticVersion version = Parsed("12.0.3-rc.1.x-y");
  EXPECT_EQ(version.major, 12);
  EXPECT_EQ(version.minor, 0);
  EXPECT_EQ(version.patch, 3);
  EXPECT_THAT(version.prerelease, ElementsAre("rc", "1", "x-y"));
  EXPECT_THAT(Parsed("1.2.3").prerelease, ElementsAre());
}

TEST(SemanticVersionTest, RefusesWhatIsNotOne) {
  for (const std::string text :
       {"",        "1",          "1.2",    "1.2.3.4", "v1.2.3",      "01.2.3",      "1.02.3",
        "1.2.03",  "1.2.-3",     "1.2.x",  "1..3",    "1.2.3-",      "1.2.3-rc..1", "1.2.3-01",
        "1.2.3-é", "1.2.3-rc_1", " 1.2.3", "1.2.3 ",  "1.2.3+build", "1.2.3-rc+5",  "9223372036854775808.0.0"}) {
    EXPECT_THAT(ParseSemanticVersion(text), IsError(Reason::kFieldInvalid)) << text;
  }
  EXPECT_THAT(ParseSemanticVersion("1.2.3-" + std::string(200, 'a')), IsError(Reason::kFieldInvalid));
}

TEST(SemanticVersionTest, TheErrorSaysWhatWasExpected) {
  EXPECT_THAT(std::string(ParseSemanticVersion("1.2").status().message()), HasSubstr("expected MAJOR.MINOR.PATCH"));
  EXPECT_THAT(std::string(ParseSemanticVersion("1.2.3+b").status().message()), HasSubstr("build metadata"));
}

TEST(SemanticVersionTest, OrdersByPrecedence) {
  // The examples of semver.org section 11 and the corners between them, lowest first.
  const std::vector<std::string> ascending = {"0.0.1",       "0.9.0",         "1.0.0-0",
                                              "1.0.0-2",     "1.0.0-11",      "1.0.0-9999999999999999999",
                                              "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
                                              "1.0.0-beta",  "1.0.0-beta.2",  "1.0.0-beta.11",
                                              "1.0.0-rc.1",  "1.0.0",         "1.0.1",
                                              "1.2.0",       "1.10.0",        "2.0.0-a",
                                              "2.0.0",       "10.0.0"};
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t j = 0; j < ascending.size(); ++j) {
      EXPECT_EQ(Parsed(ascending[i]) < Parsed(ascending[j]), i < j) << ascending[i] << " < " << ascending[j];
    }
  }
}

TEST(SemanticVersionTest, TheLatestIsTheHighestReleaseIfThereIsOne) {
  EXPECT_TRUE(IsBetterLatest(Parsed("1.0.0"), Parsed("2.0.0-rc.1")));
  EXPECT_FALSE(IsBetterLatest(Parsed("2.0.0-rc.1"), Parsed("1.0.0")));
  EXPECT_TRUE(IsBetterLatest(Parsed("1.10.0"), Parsed("1.9.0")));
  EXPECT_TRUE(IsBetterLatest(Parsed("2.0.0-rc.2"), Parsed("2.0.0-rc.1")));
  EXPECT_FALSE(IsBetterLatest(Parsed("1.0.0"), Parsed("1.0.0")));
}

TEST(ServiceReferenceTest, ReadsItsThreeForms) {
  ASSERT_OK_AND_ASSIGN(const ServiceReference latest, ParseServiceReference("aviation/strike"));
  EXPECT_EQ(latest.service, "aviation/strike");
  EXPECT_EQ(latest.version + latest.version_id, "");

  ASSERT_OK_AND_ASSIGN(const ServiceReference pinned, ParseServiceReference("aviation/strike[1.3.0-rc.1]"));
  EXPECT_EQ(pinned.service, "aviation/strike");
  EXPECT_EQ(pinned.version, "1.3.0-rc.1");
  EXPECT_EQ(pinned.version_id, "");

  ASSERT_OK_AND_ASSIGN(const ServiceReference by_id, ParseServiceReference("01hq3x"));
  EXPECT_EQ(by_id.version_id, "01hq3x");
  EXPECT_EQ(by_id.service + by_id.version, "");
}

TEST(ServiceReferenceTest, IsWhatServiceUriMakes) {
  ASSERT_OK_AND_ASSIGN(const ServiceReference reference, ParseServiceReference(ServiceUri("a/b", "1.2.3")));
  EXPECT_EQ(reference.service, "a/b");
  EXPECT_EQ(reference.version, "1.2.3");
}

TEST(ServiceReferenceTest, RefusesWhatIsNone) {
  for (const std::string text : {"", "a b", "a/", "/b", "a/b/c", "a/b[", "a/b[1.0.0", "a/b[]", "a/b[1.0]",
                                 "a/b[1.0.0]]", "a/b[1.0.0]x", "a[1.0.0]", "[1.0.0]", "a/b@1.0.0", "é"}) {
    EXPECT_THAT(ParseServiceReference(text), IsError(Reason::kFieldInvalid)) << text;
  }
}

TEST(ServiceNameTest, HasAFolderAndAName) {
  EXPECT_THAT(ValidateServiceName("a/b"), IsOk());
  EXPECT_THAT(ValidateServiceName("Team-1/strike_severity.v2"), IsOk());
  EXPECT_THAT(ValidateServiceName(std::string(64, 'a') + "/" + std::string(64, 'b')), IsOk());
}

TEST(ServiceNameTest, RefusesOtherShapes) {
  const std::string long_part(65, 'a');
  for (const std::string& name : {std::string(""), std::string("a"), std::string("a/"), std::string("/a"),
                                  std::string("a//b"), std::string("a/b/c"), std::string(".a/b"), std::string("a/-b"),
                                  std::string("a b/c"), std::string("a/é"), long_part + "/b", "a/" + long_part}) {
    EXPECT_THAT(ValidateServiceName(name), IsError(Reason::kFieldInvalid)) << name;
  }
}

}  // namespace
}  // namespace millrace::model
