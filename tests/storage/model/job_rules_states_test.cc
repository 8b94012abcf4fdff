// Every state against every event, as one table; docs/STATE_MACHINE.md draws it.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "tests/support/describe.h"
#include "tests/support/factories.h"
#include "tests/support/status_matchers.h"

namespace millrace::model {
namespace {

using ::millrace::testing::At;
using ::millrace::testing::Describe;
using ::millrace::testing::ExampleCommit;
using ::millrace::testing::ExampleJob;
using ::millrace::testing::IsError;
using ::millrace::testing::IsOk;

/// What an event leads to: a state, or an error that leaves the job as it was.
struct Expected {
  Expected(JobState to) : state(to) {}           // NOLINT(google-explicit-constructor): keeps the table readable
  Expected(Reason refused) : reason(refused) {}  // NOLINT(google-explicit-constructor)

  std::optional<JobState> state;
  Reason reason = Reason::kUnspecified;
};

constexpr JobState kRunning = JobState::kInProgress;
constexpr JobState kPaused = JobState::kPaused;
constexpr JobState kClosed = JobState::kClosed;
constexpr JobState kTimedOut = JobState::kClosedByTimeout;
constexpr JobState kDone = JobState::kCompleted;
constexpr JobState kDoneLate = JobState::kCompletedByTimeout;
constexpr JobState kFailed = JobState::kFailed;
constexpr JobState kCancelled = JobState::kCancelled;
constexpr CancelMode kNone = CancelMode::kNone;
constexpr CancelMode kDrain = CancelMode::kDrain;
constexpr CancelMode kForce = CancelMode::kForce;
constexpr Reason kIsClosed = Reason::kPipelineClosed;
constexpr Reason kIsCancelled = Reason::kPipelineCancelled;
constexpr Reason kStale = Reason::kLeaseStale;

struct Row {
  JobState from;
  CancelMode cancel_mode;
  Expected push;
  /// Of one of two waiting chunks, and of the only one.
  Expected commit;
  Expected last_commit;
  Expected close;
  Expected cancel;
  Expected force_cancel;
};

const std::vector<Row>& Table() {
  // clang-format off
  static const std::vector<Row> rows = {
      // from      mode    push          commit      last        close         cancel      force
      {kRunning,   kNone,  kRunning,     kRunning,   kRunning,   kClosed,      kCancelled, kCancelled},
      {kPaused,    kNone,  kPaused,      kPaused,    kPaused,    kClosed,      kCancelled, kCancelled},
      {kClosed,    kNone,  kIsClosed,    kClosed,    kDone,      kClosed,      kCancelled, kCancelled},
      {kTimedOut,  kNone,  kIsClosed,    kTimedOut,  kDoneLate,  kTimedOut,    kCancelled, kCancelled},
      {kDone,      kNone,  kIsClosed,    kStale,     kStale,     kDone,        kIsClosed,  kIsClosed},
      {kDoneLate,  kNone,  kIsClosed,    kStale,     kStale,     kDoneLate,    kIsClosed,  kIsClosed},
      {kFailed,    kNone,  kIsClosed,    kStale,     kStale,     kIsClosed,    kIsClosed,  kIsClosed},
      {kCancelled, kDrain, kIsCancelled, kCancelled, kCancelled, kIsCancelled, kCancelled, kCancelled},
      {kCancelled, kForce, kIsCancelled, kStale,     kStale,     kIsCancelled, kCancelled, kCancelled},
  };
  // clang-format on
  return rows;
}

/// A job in a state of the table, with three chunks of which `waiting` are not committed.
Job JobOf(const Row& row, int64_t waiting) {
  Job job = ExampleJob();
  ApplyCreate(job, 1, At(0));
  EXPECT_THAT(ApplyPush(job, {.chunks = 3, .records = 9, .bytes = 72}, At(1)), IsOk());
  job.counters.chunks_completed = 3 - waiting;
  job.state = row.from;
  job.cancel_mode = row.cancel_mode;
  return job;
}

Chunk WaitingChunk() {
  Chunk chunk;
  chunk.sequence = 3;
  chunk.record_count = 3;
  return chunk;
}

/// Applies an event that returns a status to a copy of the job, and checks where it leads.
template <typename Event>
void Check(const Row& row, const char* event_name, const Expected& expected, Job job, Event&& event) {
  SCOPED_TRACE(std::string(JobStateName(row.from)) + " on " + event_name);
  const std::string before = Describe(job);
  const absl::Status applied = event(job);
  if (expected.state.has_value()) {
    EXPECT_THAT(applied, IsOk());
    EXPECT_EQ(JobStateName(job.state), JobStateName(*expected.state));
  } else {
    EXPECT_THAT(applied, IsError(expected.reason));
    EXPECT_EQ(Describe(job), before) << "a refused event changed the job";
  }
}

TEST(JobStatesTest, EachEventLeadsWhereTheTableSays) {
  for (const Row& row : Table()) {
    Check(row, "push", row.push, JobOf(row, 2),
          [](Job& job) { return ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 8}, At(9)); });
    for (const int64_t waiting : {2, 1}) {
      Check(row, waiting == 1 ? "last commit" : "commit", waiting == 1 ? row.last_commit : row.commit,
            JobOf(row, waiting), [](Job& job) {
              Chunk chunk = WaitingChunk();
              return ApplyCommit(job, chunk, ExampleCommit(job.key(), 3), 1, At(9));
            });
    }
    Check(row, "close", row.close, JobOf(row, 2), [](Job& job) { return ApplyClose(job, At(9)).status(); });
    Check(row, "cancel", row.cancel, JobOf(row, 2),
          [](Job& job) { return ApplyCancel(job, "enough", false, At(9)).status(); });
    Check(row, "forced cancel", row.force_cancel, JobOf(row, 2),
          [](Job& job) { return ApplyCancel(job, "enough", true, At(9)).status(); });
  }
}

TEST(JobStatesTest, APushThatBringsNothingNewIsWelcomeInEveryState) {
  for (const Row& row : Table()) {
    Job job = JobOf(row, 2);
    const std::string before = Describe(job);
    EXPECT_THAT(ApplyPush(job, {}, At(9)), IsOk()) << JobStateName(row.from);
    EXPECT_EQ(Describe(job), before);
  }
}

TEST(JobStatesTest, ACreatedJobStartsWithItsFirstPush) {
  Job job = ExampleJob();
  ApplyCreate(job, 1, At(0));
  EXPECT_EQ(job.state, JobState::kCreated);
  EXPECT_THAT(ApplyPush(job, {.chunks = 1, .records = 1, .bytes = 8}, At(1)), IsOk());
  EXPECT_EQ(job.state, JobState::kInProgress);
}

TEST(JobStatesTest, FinalStatesAreThoseThatAreNeverLeft) {
  EXPECT_FALSE(IsFinal(JobState::kCreated));
  for (const Row& row : Table()) {
    const bool takes_cancel = row.cancel.state.has_value() && row.from != JobState::kCancelled;
    EXPECT_EQ(IsFinal(row.from), !takes_cancel) << JobStateName(row.from);
  }
}

TEST(JobStatesTest, InputIsTakenWherePushIsWelcome) {
  EXPECT_TRUE(TakesInput(JobState::kCreated));
  for (const Row& row : Table()) {
    EXPECT_EQ(TakesInput(row.from), row.push.state.has_value()) << JobStateName(row.from);
  }
}

TEST(JobStatesTest, DispatchNeedsAnUnfinishedJobThatIsStartedAndNotPaused) {
  EXPECT_FALSE(MayDispatch(JobState::kCreated));
  EXPECT_FALSE(MayDispatch(JobState::kPaused));
  EXPECT_TRUE(MayDispatch(JobState::kInProgress));
  EXPECT_TRUE(MayDispatch(JobState::kClosed));
  EXPECT_TRUE(MayDispatch(JobState::kClosedByTimeout));
  for (const Row& row : Table()) {
    EXPECT_FALSE(IsFinal(row.from) && MayDispatch(row.from)) << JobStateName(row.from);
  }
}

}  // namespace
}  // namespace millrace::model
