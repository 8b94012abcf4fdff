#include "server/background/source_queue.h"

#include <optional>
#include <string>
#include <thread>

#include "server/background/source_threads.h"
#include "tests/server/background/source_fixture.h"

namespace millrace::background {
namespace {

using model::JobKey;
using model::SourceKind;

class SourceQueueTest : public SourceFixture {
 protected:
  static model::JobPtr JobWith(const std::string& id, int64_t used_bytes = 0,
                               model::JobState state = model::JobState::kInProgress) {
    model::Job job = JobOf({.kind = SourceKind::kRange, .count = 1, .field = "n"});
    job.id = id;
    job.state = state;
    job.options.input_buffer_bytes = 100;
    job.input_buffer_used_bytes = used_bytes;
    return std::make_shared<const model::Job>(std::move(job));
  }

  std::string Next() {
    const std::optional<JobKey> job = queue_.TryTake();
    return job.has_value() ? job->job_id : "";
  }

  static JobKey Key(const std::string& id) { return {std::string(testing::kTenant), id}; }

  SourceQueue queue_{&clock_};
};

TEST_F(SourceQueueTest, JobsTakeTurns) {
  for (const char* id : {"a", "b", "c"}) queue_.OnJobChanged(JobWith(id));
  std::string turns;
  for (int i = 0; i < 6; ++i) {
    const std::string job = Next();
    turns += job;
    queue_.Return(Key(job), {.next = SourceNext::kMore});
  }
  EXPECT_EQ(turns, "abcabc");
}

TEST_F(SourceQueueTest, AJobIsInOneHandOnly) {
  queue_.OnJobChanged(JobWith("a"));
  EXPECT_EQ(Next(), "a");
  queue_.OnJobChanged(JobWith("a"));
  EXPECT_EQ(Next(), "");
  queue_.Return(Key("a"), {.next = SourceNext::kMore});
  EXPECT_EQ(Next(), "a");
}

TEST_F(SourceQueueTest, JobsWithoutSourceAndJobsThatAreOverAreNotRead) {
  queue_.OnJobChanged(std::make_shared<const model::Job>(testing::ExampleJob()));
  queue_.OnJobChanged(JobWith("a", 0, model::JobState::kClosed));
  queue_.OnJobChanged(JobWith("b"));
  queue_.OnJobChanged(JobWith("b", 0, model::JobState::kCancelled));
  EXPECT_EQ(Next(), "");
  EXPECT_EQ(queue_.size(), 0);
}

TEST_F(SourceQueueTest, AJobThatEndsWhileItIsReadIsForgotten) {
  queue_.OnJobChanged(JobWith("a"));
  EXPECT_EQ(Next(), "a");
  queue_.OnJobChanged(JobWith("a", 0, model::JobState::kCancelled));
  queue_.Return(Key("a"), {.next = SourceNext::kMore});
  EXPECT_EQ(queue_.size(), 0);
}

TEST_F(SourceQueueTest, AnotherJobOfTheSameIdIsRead) {
  queue_.OnJobChanged(JobWith("a"));
  EXPECT_EQ(Next(), "a");
  queue_.OnJobChanged(JobWith("a", 0, model::JobState::kCancelled));
  queue_.OnJobChanged(JobWith("a"));
  queue_.Return(Key("a"), {.next = SourceNext::kNothing});
  EXPECT_EQ(Next(), "a");
}

TEST_F(SourceQueueTest, AFullBufferIsWaitedForUntilThereIsEnoughRoom) {
  queue_.OnJobChanged(JobWith("a", 90));
  EXPECT_EQ(Next(), "a");
  queue_.Return(Key("a"), {.next = SourceNext::kRoom, .needed_bytes = 50});
  EXPECT_EQ(Next(), "");
  queue_.OnJobChanged(JobWith("a", 51));
  EXPECT_EQ(Next(), "") << "not enough yet";
  queue_.OnJobChanged(JobWith("a", 50));
  EXPECT_EQ(Next(), "a");
}

TEST_F(SourceQueueTest, RoomThatCameMeanwhileIsNotMissed) {
  queue_.OnJobChanged(JobWith("a", 90));
  EXPECT_EQ(Next(), "a");
  queue_.OnJobChanged(JobWith("a", 0));
  queue_.Return(Key("a"), {.next = SourceNext::kRoom, .needed_bytes = 50});
  EXPECT_EQ(Next(), "a");
}

TEST_F(SourceQueueTest, TroubleIsTriedAgainInAWhile) {
  queue_.OnJobChanged(JobWith("a"));
  EXPECT_EQ(Next(), "a");
  queue_.Return(Key("a"), {.next = SourceNext::kLater});
  clock_.Advance(SourceQueue::kLaterAfter - absl::Nanoseconds(1));
  queue_.OnJobChanged(JobWith("a"));
  EXPECT_EQ(Next(), "");
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(Next(), "a");
}

TEST_F(SourceQueueTest, TroubleThatStaysIsTriedAgainLessOften) {
  queue_.OnJobChanged(JobWith("a"));
  for (const int seconds : {1, 2, 4, 8, 16, 32, 32}) {
    EXPECT_EQ(Next(), "a");
    queue_.Return(Key("a"), {.next = SourceNext::kLater});
    clock_.Advance(absl::Seconds(seconds) - absl::Nanoseconds(1));
    EXPECT_EQ(Next(), "") << seconds;
    clock_.Advance(absl::Nanoseconds(1));
  }
  EXPECT_EQ(Next(), "a");
  queue_.Return(Key("a"), {.next = SourceNext::kMore});
  EXPECT_EQ(Next(), "a");
  queue_.Return(Key("a"), {.next = SourceNext::kLater});
  clock_.Advance(SourceQueue::kLaterAfter);
  EXPECT_EQ(Next(), "a") << "the trouble was over meanwhile";
}

TEST_F(SourceQueueTest, WhoeverWaitsHearsOfAJobAndOfTheEnd) {
  std::string seen;
  std::thread waits([&] {
    for (std::optional<JobKey> job; (job = queue_.Take()).has_value();) {
      seen += job->job_id;
      queue_.Return(*job, {.next = SourceNext::kNothing});
      queue_.Stop();
    }
  });
  queue_.OnJobChanged(JobWith("a"));
  waits.join();
  EXPECT_EQ(seen, "a");
}

TEST_F(SourceQueueTest, ThreadsReadWhatTheQueueHasToTheEnd) {
  store_->SetObserver(&queue_);
  std::vector<JobKey> keys;
  for (const char* id : {"a", "b", "c"}) {
    model::Job job = JobOf({.kind = SourceKind::kRange, .count = 1'000, .field = "n", .chunk_size = 1});
    job.id = id;
    keys.push_back((*store_->CreateJob(std::move(job)))->key());
  }
  SourceReader reader(*store_, places_);
  SourceThreads threads(2, queue_, reader);
  while (queue_.size() > 0) std::this_thread::yield();
  threads.Stop();
  threads.Stop();
  for (const JobKey& key : keys) EXPECT_EQ(RecordsOf(*store_, key), Lines(1'000));
}

}  // namespace
}  // namespace millrace::background
