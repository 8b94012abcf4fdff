#include "server/core/page_token.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace millrace::core {
namespace {

using model::Reason;
using testing::IsError;

TEST(PageTokenTest, ATokenOpensToWhatWasSealed) {
  const std::string token = SealPageToken("ListJobs/default", std::string("\0\xff raw", 6));
  ASSERT_OK_AND_ASSIGN(const std::string opened, OpenPageToken("ListJobs/default", token));
  EXPECT_EQ(opened, std::string("\0\xff raw", 6));
}

TEST(PageTokenTest, TheEndOfAListIsEmptyBothWays) {
  EXPECT_EQ(SealPageToken("ListJobs", ""), "");
  ASSERT_OK_AND_ASSIGN(const std::string opened, OpenPageToken("ListJobs", ""));
  EXPECT_EQ(opened, "");
}

TEST(PageTokenTest, ATokenOfAnotherListIsRefused) {
  EXPECT_THAT(OpenPageToken("ListJobs/b", SealPageToken("ListJobs/a", "x")), IsError(Reason::kPageTokenInvalid));
}

TEST(PageTokenTest, RubbishIsRefused) {
  for (const char* token : {"x", "!!!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
    EXPECT_THAT(OpenPageToken("ListJobs", token), IsError(Reason::kPageTokenInvalid)) << token;
  }
}

}  // namespace
}  // namespace millrace::core
