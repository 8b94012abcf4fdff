#include "tests/simulation/world/world.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/simulation/world/fault.h"
#include "tests/support/factories.h"

namespace millrace::simulation {
namespace {

// A world of its own for so many steps; what it has gathered by then is checked to the last record.
constexpr int64_t kStepsPerWorld = 2'000;

}  // namespace

void Tally::Add(const Tally& other) {
  steps += other.steps;
  crashes += other.crashes;
  commits += other.commits;
  stale_refused += other.stale_refused;
  duplicates += other.duplicates;
  records += other.records;
  skipped += other.skipped;
  failed_jobs += other.failed_jobs;
  closed_idle += other.closed_idle;
  taken_up += other.taken_up;
  clock_jumps += other.clock_jumps;
  parked += other.parked;
  contested += other.contested;
  shares_compared += other.shares_compared;
}

World::World(uint64_t seed)
    : random_(seed), steps_per_crash_(int64_t{8} << Below(6)), store_(store::MakeModelJobStore(&clock_)) {
  if (!store_->CreateServiceVersion(millrace::testing::ExampleVersion()).ok()) fault_ = "no service";
  model::ServiceVersion elsewhere = millrace::testing::ExampleVersion();
  elsewhere.tenant = kOtherTenant;
  if (!store_->CreateServiceVersion(elsewhere).ok()) fault_ = "no service";
  StartServer();
  for (int64_t i = 0; i < kJobsAtOnce; ++i) NewJob();
}

bool World::Step() {
  ++tally_.steps;
  clock_.Advance(absl::Milliseconds(Below(20)));
  ClientJob& job = SomeJob();
  if (OneIn(steps_per_crash_)) Crash();
  switch (Below(32)) {
    case 0:
      CloseUnused();
      break;
    case 1:
      ++tally_.clock_jumps;
      clock_.Jump(absl::Hours(Below(49) - 24));
      break;
    case 2:
      if (OneIn(4)) {
        OneIn(2) ? Cancel(job) : TakeUpOrQuarrel(job);
      } else {
        Close(job);
      }
      break;
    case 3:
      PushOther(job);
      break;
    case 4:
    case 5:
      PushAgain(job);
      break;
    case 6:
    case 7:
    case 8:
    case 9:
      PushNew(job);
      break;
    case 10:
    case 11:
      Pull(job);
      break;
    case 12:
    case 13:
      Acknowledge(job);
      break;
    case 14:
      CommitLate();
      break;
    case 15:
    case 16:
    case 17:
    case 18:
    case 19:
      EndChunk(workers_[static_cast<size_t>(Below(kWorkers))]);
      break;
    case 20:
    case 21:
    case 22:
    case 23:
    case 24:
      TakeChunk();
      break;
    default:
      CarryOut(1 + Below(4));
  }
  if (OneIn(150)) NewJob();
  if (OneIn(2'000)) Contest();
  CheckJob(job);
  WatchWaiting();
  return fault_.empty();
}

bool World::Drain() {
  constexpr int kRoundsMax = 20'000;
  running_out_ = true;
  CarryOut(static_cast<int64_t>(lane_.size()));
  for (ClientJob& job : jobs_) {
    if (!job.cancelled) Close(job);
  }
  int round = 0;
  for (; round < kRoundsMax && fault_.empty(); ++round) {
    CarryOut(static_cast<int64_t>(lane_.size()));
    for (ClientJob& job : jobs_) {
      const absl::StatusOr<model::JobPtr> stored = store_->GetJob(job.key);
      if (stored.ok() && (*stored)->last_result > (*stored)->acknowledged_result) {
        static_cast<void>(store_->Acknowledge(job.key, (*stored)->last_result, "cursor"));
      }
    }
    const int64_t commits_before = tally_.commits;
    TakeChunk();
    for (Worker& worker : workers_) {
      if (worker.busy) FinishChunk(worker);
    }
    if (!lane_.empty() || tally_.commits != commits_before) continue;
    const std::optional<absl::Duration> wait = scheduler_->UntilWake();
    if (scheduler_->in_flight() == 0 && store_->ActiveJobs().empty()) break;
    if (wait.has_value()) clock_.Advance(std::max(*wait, absl::Nanoseconds(1)));
  }
  if (round == kRoundsMax) Fault("some chunks are never handed out: ", store_->ActiveJobs().size(), " jobs do not end");
  for (const ClientJob& job : jobs_) {
    if (fault_.empty()) CheckEnd(job);
  }
  return fault_.empty();
}

RunReport RunWorlds(uint64_t seed, int64_t steps, const std::function<bool()>& go_on) {
  RunReport report;
  for (uint64_t number = 0; report.tally.steps < steps && go_on(); ++number) {
    World world(seed + number);
    const int64_t end = std::min(kStepsPerWorld, steps - report.tally.steps);
    for (int64_t step = 0; step < end && world.Step(); ++step) {
    }
    if (world.fault().empty()) world.Drain();
    report.tally.Add(world.tally());
    if (!world.fault().empty()) {
      report.fault = absl::StrCat("seed ", seed + number, ", step ", world.tally().steps, ": ", world.fault());
      return report;
    }
  }
  return report;
}

}  // namespace millrace::simulation
