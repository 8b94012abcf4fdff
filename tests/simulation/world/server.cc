// The played part of the server: lane, workers and crashes. The workers do what worker_pool.cc does.
#include <algorithm>

#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/retry_policy.h"
#include "tests/simulation/world/fault.h"
#include "tests/simulation/world/world.h"
#include "tests/support/factories.h"

namespace millrace::simulation {
namespace {

constexpr size_t kLateMax = 4;

}  // namespace

void World::StartServer() {
  // What a crashed server was about to hand in dies with it.
  sequencer_.emplace();
  scheduler_.emplace(clock_);
  activity_.emplace(&clock_);
  disk_refused_ = false;
  newest_given_.clear();
  waiting_.clear();
  if (shares_.has_value()) tally_.shares_compared += shares_->compared();
  shares_.emplace(static_cast<int64_t>(kWorkers));
  keys_running_.clear();
  store_->SetObserver(this);
  const std::vector<model::JobPtr> active = store_->ActiveJobs();
  for (const model::JobPtr& job : active) OnJobChanged(job);
}

void World::OnJobChanged(const model::JobPtr& job) {
  activity_->OnJobChanged(job);
  scheduler_->OnJobChanged(job);
  if (model::IsFinal(job->state)) sequencer_->End(job->key());
}

void World::Crash() {
  ++tally_.crashes;
  // Whoever dies now hears nothing; what had reached the disk is there.
  store_->SetObserver(nullptr);
  int64_t survivors = Below(static_cast<int64_t>(lane_.size()) + 1);
  for (const Verb& verb : lane_) {
    if (survivors-- > 0) verb(Fate::kUnheard);
  }
  lane_.clear();
  for (Worker& worker : workers_) {
    // An outcome that was on its way to the server may still arrive at the next one.
    if (worker.busy && late_.size() < kLateMax) late_.push_back(worker.commit);
    worker.busy = false;
  }
  leases_.clear();
  backing_off_.clear();
  store::ReopenModelJobStore(*store_);
  StartServer();
}

void World::CarryOut(int64_t count) {
  for (; count > 0 && !lane_.empty(); --count) {
    const Verb verb = std::move(lane_.front());
    lane_.pop_front();
    const bool refused = !running_out_ && OneIn(40);
    disk_refused_ = disk_refused_ || refused;
    verb(refused ? Fate::kRefused : Fate::kAnswered);
    WatchWaiting();
  }
}

void World::CloseUnused() {
  const std::vector<model::JobKey> unused = activity_->TakeUnused(2);
  for (const model::JobKey& key : unused) {
    const absl::StatusOr<model::JobPtr> seen = store_->GetJob(key);
    if (!seen.ok() || !model::WaitsForClient(**seen, scheduler_->in_flight(key))) continue;
    const auto client =
        std::find_if(jobs_.begin(), jobs_.end(), [&key](const ClientJob& job) { return job.key == key; });
    const absl::Duration silent = absl::Nanoseconds(clock_.SteadyNanos() - client->last_call_nanos);
    if (silent < (*seen)->options.idle_timeout) {
      Fault("job ", key.job_id, " is to be closed as idle after ", absl::FormatDuration(silent));
    }
    Submit([this, seen = *seen](Fate fate) {
      if (fate == Fate::kRefused) return;
      const absl::StatusOr<model::JobPtr> closed = store_->CloseIdleJob(seen);
      if (closed.ok() && *closed != seen && !model::TakesInput(**closed)) ++tally_.closed_idle;
    });
  }
}

bool World::IsOver(const model::JobKey& key) const {
  const absl::StatusOr<model::JobPtr> job = store_->GetJob(key);
  return !job.ok() || model::IsFinal((*job)->state);
}

bool World::IsBackingOff(const std::string& job_id) const {
  const auto first = backing_off_.lower_bound({job_id, 0});
  return first != backing_off_.end() && first->first.first == job_id;
}

void World::TakeChunk() {
  const auto worker = std::find_if(workers_.begin(), workers_.end(), [](const Worker& other) { return !other.busy; });
  if (worker == workers_.end()) return;
  WatchWaiting();
  const std::optional<core::Grant> grant = scheduler_->Next();
  if (!grant.has_value()) return;
  CheckGrant(*grant);
  const model::JobKey key = grant->job->key();
  if (grant->job->options.order_results) {
    sequencer_->Begin(key, grant->sequence, grant->job->watermark);
    if (IsOver(key)) sequencer_->End(key);
  }
  const absl::StatusOr<model::ChunkInput> input = store_->ReadChunk(key, grant->sequence);
  if (!input.ok()) return NothingToDo(*grant);
  if (input->chunk.state == model::ChunkState::kCommitted) return PassOver(*grant);
  if (!grant->job->options.ordering_key.empty()) {
    const std::vector<uint64_t> keys = KeysOf(input->chunk.id);
    if (grant->needs_keys && !scheduler_->OnKeys(key, grant->sequence, keys)) return Park(*grant);
    HoldKeys(key, grant->sequence, keys);
  }
  scheduler_->OnSized(key, grant->sequence, input->chunk.record_count);
  leases_.emplace(key.job_id, grant->sequence);
  shares_->OnStart(key, grant->sequence, clock_.SteadyNanos());
  // How many records of a chunk fail is in its parameters.
  const auto failing = static_cast<int32_t>(input->chunk.parameters_json.size()) - 2;
  worker->busy = true;
  worker->options = grant->job->options;
  worker->commit = millrace::testing::ExampleCommit(key, grant->sequence, input->chunk.record_count, failing);
  worker->commit.epoch = store_->epoch();
  worker->commit.attempt = grant->attempt;
  WatchWaiting();
}

void World::NothingToDo(const core::Grant& grant) {
  scheduler_->OnDone(grant.job->key(), grant.sequence);
  if (grant.job->options.order_results) sequencer_->Abandon(grant.job->key(), grant.sequence);
}

// Committed before a crash, or before its job was taken up: those behind it wait for its turn all the same.
void World::PassOver(const core::Grant& grant) {
  scheduler_->OnDone(grant.job->key(), grant.sequence);
  if (grant.job->options.order_results) sequencer_->PassOver(grant.job->key(), grant.sequence);
}

void World::Park(const core::Grant& grant) {
  ++tally_.parked;
  if (grant.job->options.order_results) sequencer_->Abandon(grant.job->key(), grant.sequence);
  scheduler_->OnParked(grant.job->key(), grant.sequence);
  WatchWaiting();
}

void World::Forget(const model::ChunkCommit& commit) {
  leases_.erase({commit.job.job_id, commit.sequence});
  std::erase_if(keys_running_, [&commit](const auto& held) {
    return held.first.first == commit.job && held.second == commit.sequence;
  });
}

// A worker was busy for so long, whatever came of it.
void World::FreeWorker(const model::ChunkCommit& commit) {
  const std::string unfair = shares_->OnEnd(commit.job, commit.sequence, clock_.SteadyNanos());
  if (!unfair.empty()) Fault(unfair);
}

void World::EndChunk(Worker& worker) {
  if (!worker.busy) return;
  switch (Below(8)) {
    case 0:  // The worker dies; whoever watches it hands the chunk back.
      return LoseChunk(worker, absl::ZeroDuration());
    case 1:  // It fails in a way that may pass.
      return LoseChunk(worker, model::BackoffAfter(worker.options.retry, worker.commit.attempt, random_()));
    case 2:  // It is slow and given up, but not dead. The outcomes of an ordered job come through the sequencer alone.
      if (late_.size() < kLateMax && !worker.options.order_results) late_.push_back(worker.commit);
      return LoseChunk(worker, absl::ZeroDuration());
    default:
      return FinishChunk(worker);
  }
}

void World::LoseChunk(Worker& worker, absl::Duration backoff) {
  worker.busy = false;
  if (worker.options.order_results) sequencer_->Abandon(worker.commit.job, worker.commit.sequence);
  Return(worker.commit, backoff);
}

void World::Return(const model::ChunkCommit& commit, absl::Duration backoff) {
  FreeWorker(commit);
  Forget(commit);
  backing_off_[{commit.job.job_id, commit.sequence}] = clock_.SteadyNanos() + absl::ToInt64Nanoseconds(backoff);
  scheduler_->OnReturned(commit.job, commit.sequence, backoff);
  WatchWaiting();
}

void World::FinishChunk(Worker& worker) {
  worker.busy = false;
  const model::ChunkCommit& commit = worker.commit;
  FreeWorker(commit);
  scheduler_->OnRan(commit.job, commit.sequence);
  WatchWaiting();
  if (!worker.options.order_results) return HandIn(commit, worker.options);
  sequencer_->Submit(commit.job, commit.sequence, [this, commit, options = worker.options](bool is_due) {
    if (is_due) return HandIn(commit, options);
    Forget(commit);
    scheduler_->OnDone(commit.job, commit.sequence);
  });
}

void World::HandIn(const model::ChunkCommit& commit, const model::JobOptions& options) {
  Submit([this, commit, options](Fate fate) {
    if (fate == Fate::kRefused) return Return(commit, absl::ZeroDuration());
    const auto committed =
        store::Await<model::JobPtr>([&](auto done) { store_->CommitChunk(commit, std::move(done)); });
    if (committed.ok()) ++tally_.commits;
    if (fate == Fate::kAnswered) CommitEnded(commit, options, committed.status());
  });
}

void World::CommitEnded(const model::ChunkCommit& commit, const model::JobOptions& options,
                        const absl::Status& status) {
  if (status.ok() || model::HasReason(status, model::Reason::kLeaseStale)) {
    Forget(commit);
    scheduler_->OnDone(commit.job, commit.sequence);
    return WatchWaiting();
  }
  // Where the disk refused an outcome of an ordered job, those behind it that were on their way must come again.
  if (!options.order_results || !disk_refused_) {
    Fault("a commit of chunk ", commit.sequence, " of ", commit.job.job_id, " was refused: ", status.ToString());
  }
  Return(commit, model::BackoffAfter(options.retry, commit.attempt, random_()));
}

void World::CommitLate() {
  if (late_.empty()) return;
  std::swap(late_[static_cast<size_t>(Below(static_cast<int64_t>(late_.size())))], late_.back());
  const model::ChunkCommit commit = late_.back();
  late_.pop_back();
  const bool stale = commit.epoch != store_->epoch();
  const auto committed = store::Await<model::JobPtr>([&](auto done) { store_->CommitChunk(commit, std::move(done)); });
  if (committed.ok()) ++tally_.commits;
  if (!committed.ok()) ++tally_.stale_refused;
  if (stale && committed.ok()) {
    Fault("chunk ", commit.sequence, " of ", commit.job.job_id, " was committed under a lease of epoch ", commit.epoch,
          " in epoch ", store_->epoch());
  }
  if (!committed.ok() && !model::HasReason(committed.status(), model::Reason::kLeaseStale)) {
    Fault("a late commit was refused as ", committed.status().ToString());
  }
  WatchWaiting();
}

}  // namespace millrace::simulation
