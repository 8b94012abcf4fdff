#include "storage/model/worker_labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/model/errors.h"
#include "storage/model/limits.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;
using ::testing::HasSubstr;

const WorkerLabels kParis = {{"node", "n7"}, {"site", "paris"}};

TEST(MatchesTest, AWorkerHasEveryLabelThatIsAskedForAndMayHaveMore) {
  EXPECT_TRUE(Matches({{"site", "paris"}}, kParis));
  EXPECT_TRUE(Matches({{"node", "n7"}}, kParis));
  EXPECT_TRUE(Matches(kParis, kParis));
}

TEST(MatchesTest, ALabelWithAnotherValueOrNoneIsNotHad) {
  EXPECT_FALSE(Matches({{"site", "berlin"}}, kParis));
  EXPECT_FALSE(Matches({{"site", "berlin"}, {"node", "n7"}}, kParis)) << "one of two is not enough";
  EXPECT_FALSE(Matches({{"gpu", "yes"}}, kParis));
  EXPECT_FALSE(Matches({{"site", "paris"}}, {}));
  EXPECT_FALSE(Matches({{"paris", "site"}}, kParis));
}

TEST(MatchesTest, WhoAsksForNothingRunsEverywhere) {
  EXPECT_TRUE(Matches({}, kParis));
  EXPECT_TRUE(Matches({}, {}));
}

TEST(ParseWorkerLabelsTest, ReadsWhatPeopleWrite) {
  EXPECT_TRUE(ParseWorkerLabels("--worker-label", {})->empty());
  ASSERT_OK_AND_ASSIGN(const WorkerLabels labels, ParseWorkerLabels("--worker-label", {"site=paris", "node=n7"}));
  EXPECT_EQ(labels, kParis);
  EXPECT_EQ(WorkerLabelsText(labels), "node=n7, site=paris");
  EXPECT_EQ(WorkerLabelsText({}), "none");
}

TEST(ParseWorkerLabelsTest, RefusesWhatIsNoLabelAndSaysWhichTextItWas) {
  for (const std::string wrong : {"", "site", "=", "=paris", "site=", "site=a b", "si/te=paris", "site=paris=berlin"}) {
    const absl::StatusOr<WorkerLabels> refused = ParseWorkerLabels("--worker-label", {"node=n7", wrong});
    EXPECT_THAT(refused, IsError(Reason::kFieldInvalid)) << wrong;
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr("--worker-label"));
    EXPECT_THAT(std::string(refused.status().message()), HasSubstr(wrong));
  }
  EXPECT_THAT(std::string(ParseWorkerLabels("f", {"site"}).status().message()),
              HasSubstr("expected LABEL=VALUE such as site=paris, got 'site'"));
}

TEST(ParseWorkerLabelsTest, ALabelHasOneValue) {
  EXPECT_THAT(std::string(ParseWorkerLabels("f", {"site=paris", "site=berlin"}).status().message()),
              HasSubstr("f: has the label site twice"));
}

TEST(ParseWorkerLabelsTest, LabelsAreCounted) {
  std::vector<std::string> texts;
  for (int i = 0; i < kWorkerLabelsMax; ++i) texts.push_back("l" + std::to_string(i) + "=x");
  EXPECT_THAT(ParseWorkerLabels("f", texts), IsOk());
  texts.emplace_back("one=more");
  EXPECT_THAT(std::string(ParseWorkerLabels("f", texts).status().message()),
              HasSubstr("expected at most 16 labels, got 17"));
}

}  // namespace
}  // namespace millrace::model
