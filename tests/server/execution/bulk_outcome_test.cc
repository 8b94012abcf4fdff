#include "server/execution/bulk_outcome.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "storage/model/exception.h"

namespace millrace::execution {
namespace {

using ::testing::HasSubstr;

model::Job Ended(const std::string& id, model::JobState state, int64_t failed) {
  model::Job job;
  job.id = id;
  job.state = state;
  job.counters.records_submitted = 10;
  job.counters.records_completed = 10 - failed;
  job.counters.records_failed = failed;
  return job;
}

TEST(JudgeChildTest, NamesTheJobAndItsNumbers) {
  const ChildVerdict verdict = JudgeChild(Ended("nightly-7", model::JobState::kCompleted, 3));
  EXPECT_FALSE(verdict.succeeded);
  EXPECT_THAT(verdict.message, HasSubstr("job 'nightly-7' ended with the outcome PARTIAL: 3 of 10 records failed"));
}

TEST(JudgeChildTest, JobsThatEndedAlikeMakeOneGroupOfExceptions) {
  for (const model::JobState state :
       {model::JobState::kCompleted, model::JobState::kFailed, model::JobState::kCancelled}) {
    const std::string one = JudgeChild(Ended("1m7eb0rt3ex9txsfqd2ky", state, 3)).message;
    const std::string other = JudgeChild(Ended("by-hand", state, 4)).message;
    EXPECT_NE(one, other);
    EXPECT_EQ(model::NormaliseMessage(one), model::NormaliseMessage(other));
  }
}

}  // namespace
}  // namespace millrace::execution
