#include "server/execution/crash_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/server/execution/worker_pool_fixture.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::execution {
namespace {

using ::millrace::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const model::JobKey kJob{"default", "job-1"};

class FlightRecorderTest : public ::testing::Test {
 protected:
  std::filesystem::path File() const { return folder_.path() / "flight_recorder"; }
  const harness::TemporaryFolder folder_;
};

TEST_F(FlightRecorderTest, TheFileTellsWhatEachThreadRuns) {
  ASSERT_OK_AND_ASSIGN(const auto recorder, FlightRecorder::Start(File(), 3, 7));
  EXPECT_THAT(FlightRecorder::Read(File()), IsEmpty());
  recorder->Begin(0, kJob, 4)->store(17);
  recorder->Begin(2, {"tenant", "other"}, 5)->store(0);
  const std::vector<LastFlight> flights = FlightRecorder::Read(File());
  ASSERT_THAT(flights, SizeIs(2));
  EXPECT_EQ(flights[0].epoch, 7);
  EXPECT_EQ(flights[0].job, kJob);
  EXPECT_EQ(flights[0].sequence, 4);
  EXPECT_EQ(flights[0].index, 17);
  EXPECT_EQ(flights[1].job.job_id, "other");
  EXPECT_EQ(flights[1].index, 0);
}

TEST_F(FlightRecorderTest, NothingRunsBetweenChunksNorBeforeTheFirstRecord) {
  ASSERT_OK_AND_ASSIGN(const auto recorder, FlightRecorder::Start(File(), 1, 1));
  recorder->Begin(0, kJob, 1);
  EXPECT_THAT(FlightRecorder::Read(File()), IsEmpty());
  recorder->Begin(0, kJob, 1)->store(3);
  recorder->End(0);
  EXPECT_THAT(FlightRecorder::Read(File()), IsEmpty());
}

TEST_F(FlightRecorderTest, AFileThatIsNoneTellsNothing) {
  EXPECT_THAT(FlightRecorder::Read(File()), IsEmpty());
  for (const std::string& bytes : {std::string("short"), std::string(512, '\xFF'), std::string(5'000, 'x')}) {
    std::ofstream(File(), std::ios::binary) << bytes;
    EXPECT_THAT(FlightRecorder::Read(File()), IsEmpty());
  }
}

TEST_F(FlightRecorderTest, WithoutAFolderThereIsAReason) {
  EXPECT_EQ(FlightRecorder::Start(folder_.path() / "none" / "file", 1, 1).status().code(),
            absl::StatusCode::kUnavailable);
}

bool Always(const model::JobKey&, int64_t) { return true; }

/// A death of run `epoch` at which the record `index` of chunk 4 was running.
std::vector<LastFlight> DeathAt(int64_t epoch, int32_t index) {
  return {{.epoch = epoch, .job = kJob, .sequence = 4, .index = index}};
}

TEST(QuarantineTest, ThreeDeathsInARowAreEnough) {
  Quarantine quarantine;
  EXPECT_THAT(quarantine.CountDeath(DeathAt(1, 9), Always), IsEmpty());
  EXPECT_THAT(quarantine.CountDeath(DeathAt(2, 9), Always), IsEmpty());
  EXPECT_THAT(quarantine.Find(kJob, 4), IsEmpty());
  EXPECT_THAT(quarantine.CountDeath(DeathAt(3, 9), Always), SizeIs(1));
  EXPECT_THAT(quarantine.Find(kJob, 4), ElementsAre(9));
  EXPECT_THAT(quarantine.Find(kJob, 5), IsEmpty());
  EXPECT_THAT(quarantine.Find({"default", "job-2"}, 4), IsEmpty());
}

TEST(QuarantineTest, ADeathOfAnotherRecordBeginsTheCountAnew) {
  Quarantine quarantine;
  quarantine.CountDeath(DeathAt(1, 9), Always);
  quarantine.CountDeath(DeathAt(2, 9), Always);
  quarantine.CountDeath(DeathAt(3, 8), Always);
  EXPECT_THAT(quarantine.CountDeath(DeathAt(4, 9), Always), IsEmpty());
}

TEST(QuarantineTest, AStopSaysNothingAboutARecord) {
  Quarantine quarantine;
  quarantine.CountDeath(DeathAt(1, 9), Always);
  quarantine.CountDeath(DeathAt(2, 9), Always);
  quarantine.CountDeath({}, Always);
  EXPECT_THAT(quarantine.CountDeath(DeathAt(4, 9), Always), SizeIs(1));
}

TEST(QuarantineTest, ADeathIsCountedOnce) {
  Quarantine quarantine;
  for (int i = 0; i < 5; ++i) EXPECT_THAT(quarantine.CountDeath(DeathAt(1, 9), Always), IsEmpty());
}

TEST(QuarantineTest, AQuarantinedRecordStaysSoWhenAnotherOneKills) {
  Quarantine quarantine;
  for (const int64_t epoch : {1, 2, 3}) quarantine.CountDeath(DeathAt(epoch, 9), Always);
  for (const int64_t epoch : {4, 5, 6}) quarantine.CountDeath(DeathAt(epoch, 2), Always);
  EXPECT_THAT(quarantine.Find(kJob, 4), ElementsAre(2, 9));
}

TEST(QuarantineTest, WhatNoLongerWaitsIsForgotten) {
  Quarantine quarantine;
  for (const int64_t epoch : {1, 2, 3}) quarantine.CountDeath(DeathAt(epoch, 9), Always);
  quarantine.CountDeath({}, [](const model::JobKey&, int64_t) { return false; });
  EXPECT_THAT(quarantine.Find(kJob, 4), IsEmpty());
}

TEST(QuarantineTest, CountsSurviveInTheirFile) {
  const harness::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "deaths";
  EXPECT_THAT(Quarantine::Load(file).Find(kJob, 4), IsEmpty());
  for (const int64_t epoch : {1, 2, 3}) {
    Quarantine quarantine = Quarantine::Load(file);
    quarantine.CountDeath(DeathAt(epoch, 9), Always);
    quarantine.CountDeath(DeathAt(epoch, 9), Always);
    ASSERT_THAT(quarantine.Save(file), IsOk());
  }
  EXPECT_THAT(Quarantine::Load(file).Find(kJob, 4), ElementsAre(9));
}

TEST_F(WorkerPoolTest, AQuarantinedRecordIsNotRunAndTheOthersAre) {
  const model::JobKey key = CreateAndPush({{R"({"n":0})", R"({"n":1})", R"({"n":2})"}});
  CrashGuard guard;
  for (const int64_t epoch : {1, 2, 3}) {
    guard.quarantine.CountDeath({{.epoch = epoch, .job = key, .sequence = 1, .index = 1}}, Always);
  }
  std::vector<int32_t> ran;
  Start(
      [&ran](const std::string& record, int32_t index, model::ChunkOutcome& outcome) {
        ran.push_back(index);
        Succeed(record, outcome);
      },
      std::move(guard));
  const model::JobPtr job = AwaitAllCommitted();
  EXPECT_THAT(ran, ElementsAre(0, 2));
  EXPECT_EQ(job->counters.records_completed, 2);
  ASSERT_OK_AND_ASSIGN(const auto exceptions, store_->ListExceptions({.job = key}));
  ASSERT_THAT(exceptions.items, SizeIs(1));
  EXPECT_EQ(exceptions.items[0].index, 1);
  EXPECT_EQ(exceptions.items[0].code, "WORKER_DIED");
  EXPECT_EQ(exceptions.items[0].input, R"({"n":1})");
}

TEST_F(WorkerPoolTest, ADeathIsFoundOutByTheNextStart) {
  const model::JobKey key = CreateAndPush({{"{}"}});
  const harness::TemporaryFolder files;
  for (int death = 1; death <= Quarantine::kDeathsMax; ++death) {
    // What a server leaves behind whose epoch is not counted yet: this store's stays the same.
    ASSERT_OK_AND_ASSIGN(const auto recorder, FlightRecorder::Start(files.path() / "flight_recorder", 1, death));
    recorder->Begin(0, key, 1)->store(0);
    const CrashGuard guard = StartCrashGuard(files.path(), 1, *store_);
    ASSERT_NE(guard.recorder, nullptr);
    EXPECT_THAT(guard.quarantine.Find(key, 1), SizeIs(death == Quarantine::kDeathsMax ? 1 : 0));
  }
  ASSERT_THAT(store_->CancelJob(key, "", true), IsOk());
  EXPECT_THAT(StartCrashGuard(files.path(), 1, *store_).quarantine.Find(key, 1), IsEmpty());
  Start([](const std::string&, int32_t, model::ChunkOutcome&) {});
}

}  // namespace
}  // namespace millrace::execution
