// Every data folder that an earlier version wrote is opened by the present code, and all that can be seen in it is what
// stands beside it. A difference here is a user's data read wrongly. See docs/STORAGE_FORMAT.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/format/keys.h"
#include "tests/golden/golden_folder.h"
#include "tests/support/status_matchers.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::golden {
namespace {

using ::millrace::testing::IsOk;
using ::testing::HasSubstr;

std::filesystem::path Version(int64_t version) {
  return std::filesystem::path(MILLRACE_GOLDEN_DIR) / absl::StrCat("format-", version);
}

std::string Read(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(GoldenTest, EachFormatVersionHasAFolder) {
  for (int64_t version = 1; version <= format::kFormatVersion; ++version) {
    EXPECT_TRUE(std::filesystem::exists(Version(version) / "data" / "CURRENT"))
        << "format " << version << ": write it with millrace_golden write, see docs/STORAGE_FORMAT.md";
  }
}

TEST(GoldenTest, WhatEarlierVersionsWroteIsReadAsItWasMeant) {
  for (int64_t version = 1; version <= format::kFormatVersion; ++version) {
    SCOPED_TRACE(absl::StrCat("format ", version));
    const harness::TemporaryFolder folder;
    const std::filesystem::path copy = folder.path() / "data";
    std::filesystem::copy(Version(version) / "data", copy);
    ASSERT_OK_AND_ASSIGN(const std::string text, DescribeFolder(copy));
    EXPECT_EQ(text, Read(Version(version) / "expected.txt"));
  }
}

TEST(GoldenTest, WhatIsWrittenNowShowsTheSameAsTheKeptFolder) {
  const harness::TemporaryFolder folder;
  const std::filesystem::path fresh = folder.path() / "data";
  ASSERT_THAT(WriteGoldenFolder(fresh), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::string text, DescribeFolder(fresh));
  EXPECT_EQ(text, Read(Version(format::kFormatVersion) / "expected.txt"));
}

TEST(GoldenTest, TheFolderHasJobsInEveryState) {
  const std::string text = Read(Version(format::kFormatVersion) / "expected.txt");
  for (const char* state : {"CREATED", "IN_PROGRESS", "PAUSED", "CLOSED", "CLOSED_BY_TIMEOUT", "COMPLETED",
                            "COMPLETED_BY_TIMEOUT", "FAILED", "CANCELLED"}) {
    EXPECT_THAT(text, HasSubstr(absl::StrCat("state: ", state, "\n")));
  }
}

}  // namespace
}  // namespace millrace::golden
