// The list of the jobs that run for records of a bulk run.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "storage/format/keys.h"
#include "storage/format/rows.h"
#include "tests/support/factories.h"

namespace millrace::format {
namespace {

using ::millrace::testing::At;

const model::JobKey kBulk{"acme", "bulk"};

bool Holds(const KeyRange& range, const std::string& key) { return range.begin <= key && key < range.end; }

TEST(ChildJobKeyTest, ChildrenSortByCreateTimeThenId) {
  std::vector<std::string> keys = {ChildJobKey(kBulk, At(-1), "z"), ChildJobKey(kBulk, At(1), "a"),
                                   ChildJobKey(kBulk, At(1), "b"), ChildJobKey(kBulk, At(2), "a")};
  for (size_t i = 1; i < keys.size(); ++i) EXPECT_LT(keys[i - 1], keys[i]);
  for (const std::string& key : keys) EXPECT_TRUE(Holds(ChildJobs(kBulk), key));
}

TEST(ChildJobKeyTest, TheListHoldsNoOtherKeyAndGoesWithTheJob) {
  const std::string key = ChildJobKey(kBulk, At(1), "child");
  EXPECT_TRUE(Holds(JobRange(kBulk), key));
  EXPECT_FALSE(Holds(ChildJobs({"acme", "bulk-2"}), key));
  EXPECT_FALSE(Holds(ChildJobs({"acme", "bul"}), key));
  EXPECT_FALSE(Holds(ChildJobs(kBulk), ChunkIdKey(kBulk, "child")));
  EXPECT_FALSE(Holds(ChunkIds(kBulk), key));
}

TEST(ChildJobKeyTest, TheChildIsReadBack) {
  EXPECT_EQ(ParseChildJob(ChildJobKey(kBulk, At(1), "child")), "child");
  EXPECT_EQ(ParseChildJob("x"), std::nullopt);
}

TEST(ChildJobRowTest, TheRecordThatAJobRunsForIsKeptWithIt) {
  model::Job job = testing::ExampleJob();
  const std::string without = EncodeJobDefinition(job);
  job.parent = {.job_id = "bulk", .job_create_time = At(1), .sequence = 3, .index = 2, .attempt = 4, .depth = 5};
  const std::string with = EncodeJobDefinition(job);
  EXPECT_GT(with.size(), without.size());
  const auto decoded = DecodeJob(with, EncodeJobProgress(job));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->parent, job.parent);
  EXPECT_EQ(DecodeJob(without, EncodeJobProgress(job))->parent.job_id, "");
}

}  // namespace
}  // namespace millrace::format
