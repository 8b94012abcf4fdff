// A million random steps of the whole server's brain; everything promised to clients holds after each crash.
// MILLRACE_SEED=n runs other worlds; a failure names the seed of its world.
#include <gtest/gtest.h>

#include <cstdlib>

#include "absl/strings/numbers.h"
#include "tests/simulation/world/world.h"

namespace millrace::simulation {
namespace {

constexpr int64_t kSteps = 1'000'000;

uint64_t Seed() {
  uint64_t seed = 1;
  const char* wanted = std::getenv("MILLRACE_SEED");
  if (wanted != nullptr && !absl::SimpleAtoi(wanted, &seed)) seed = 1;
  return seed;
}

TEST(SimulationTest, EveryAcceptedRecordEndsOnceWhateverCrashes) {
  const RunReport report = RunWorlds(Seed(), kSteps);
  EXPECT_EQ(report.fault, "");
  // A run in which little happens shows little.
  EXPECT_GT(report.tally.crashes, kSteps / 50);
  EXPECT_GT(report.tally.commits, kSteps / 50);
  EXPECT_GT(report.tally.duplicates, kSteps / 100);
  EXPECT_GT(report.tally.stale_refused, kSteps / 200);
  EXPECT_GT(report.tally.clock_jumps, kSteps / 50);
  EXPECT_GT(report.tally.parked, kSteps / 1'000);
  EXPECT_GT(report.tally.contested, kSteps / 100);
  EXPECT_GT(report.tally.shares_compared, kSteps / 1'000);
  EXPECT_GT(report.tally.skipped, 0);
  EXPECT_GT(report.tally.failed_jobs, 0);
  EXPECT_GT(report.tally.closed_idle, 0);
  EXPECT_GT(report.tally.taken_up, 0);
}

TEST(SimulationTest, ASeedGivesTheSameWorldAgain) {
  const RunReport first = RunWorlds(7, 10'000);
  const RunReport second = RunWorlds(7, 10'000);
  EXPECT_EQ(first.tally.commits, second.tally.commits);
  EXPECT_EQ(first.tally.records, second.tally.records);
  EXPECT_EQ(first.tally.crashes, second.tally.crashes);
}

}  // namespace
}  // namespace millrace::simulation
