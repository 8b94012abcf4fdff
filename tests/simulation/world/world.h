// A whole server in one thread, with everything random that is not of its own making.
//
// Clients push, pull, acknowledge, close, cancel or fall silent, with calls that are made twice, come late or come in
// another order; workers are slow, die, hand chunks back, or come with an outcome after they were given up; the disk
// refuses a verb now and then; the wall clock jumps; and the server crashes: scheduler and leases are gone, and of the
// verbs that were on their way to the disk some are there and none was answered.
//
// What runs for real is the scheduler, the sequencer of ordered results, the watch over idle pipelines, the job rules and
// the model store. The commit lane is played: verbs wait in a line and are carried out and answered from its front; so are
// the workers.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/core/pipeline_activity.h"
#include "server/execution/commit_sequencer.h"
#include "storage/store/model_job_store.h"
#include "tests/simulation/world/scheduler_port.h"
#include "tests/simulation/world/shares.h"
#include "tests/simulation/world/sim_clock.h"

namespace millrace::simulation {

/// What happened, to tell a run that shows something from a dull one.
struct Tally {
  int64_t steps = 0;
  int64_t crashes = 0;
  int64_t commits = 0;
  int64_t stale_refused = 0;
  int64_t duplicates = 0;
  int64_t records = 0;
  int64_t skipped = 0;
  /// Jobs whose error budget was spent, and jobs that were closed because nobody used them.
  int64_t failed_jobs = 0;
  int64_t closed_idle = 0;
  /// Jobs that had failed or were cancelled, and went on.
  int64_t taken_up = 0;
  int64_t clock_jumps = 0;
  /// Chunks that had to wait for an earlier one with the same ordering key.
  int64_t parked = 0;
  /// Chunks that were handed out while somebody else could have had the worker.
  int64_t contested = 0;
  /// Pairs of jobs that competed for long enough that an unfair share would have shown.
  int64_t shares_compared = 0;

  void Add(const Tally& other);
};

/// Not thread-safe.
class World final : public store::JobObserver {
 public:
  explicit World(uint64_t seed);

  /// One random event, and what must hold after it. False once something did not hold.
  bool Step();

  /// Ends all jobs, lets everything run out without further crashes, and checks all that was promised to clients.
  /// False when something does not hold.
  bool Drain();

  const Tally& tally() const { return tally_; }
  /// What did not hold; empty while everything does.
  const std::string& fault() const { return fault_; }

  void OnJobChanged(const model::JobPtr& job) override;

 private:
  /// What the client of a job knows about one chunk.
  struct ClientChunk {
    model::NewChunk content;
    /// 0: not acknowledged.
    int64_t sequence = 0;
    /// Of its records, from the first.
    int32_t failing = 0;
  };
  struct ClientJob {
    model::JobKey key;
    std::vector<ClientChunk> chunks;
    /// Acknowledged, once they are.
    bool closed = false;
    bool cancelled = false;
    /// Somebody asked for it; whether it happened is not known.
    bool asked_force = false;
    bool asked_take_up = false;
    /// Results as they were first pulled: chunk id by number.
    std::vector<std::string> pulled;
    int64_t acknowledged = 0;
    /// When its client called last, on the steady clock.
    int64_t last_call_nanos = 0;
  };
  struct Worker {
    bool busy = false;
    model::JobOptions options;
    model::ChunkCommit commit;
  };
  enum class Fate {
    /// Carried out, and whoever asked is told.
    kAnswered,
    /// Carried out, and nobody is left to be told.
    kUnheard,
    /// Not carried out, and whoever asked is told: the disk is full.
    kRefused,
  };
  /// A verb on its way to the disk.
  using Verb = std::function<void(Fate fate)>;
  using Lease = std::pair<std::string, int64_t>;

  int64_t Below(int64_t bound) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(bound)); }
  bool OneIn(int64_t n) { return Below(n) == 0; }
  ClientJob& SomeJob() { return jobs_[jobs_.size() - 1 - static_cast<size_t>(Below(kJobsAtOnce))]; }
  template <typename... Parts>
  void Fault(const Parts&... parts);

  // Clients (clients.cc).
  void NewJob();
  /// Some jobs of one rank with much to do: nothing but their weights decides what each gets, whatever becomes of its chunks.
  void Contest();
  /// A client is there, whatever it wants.
  void Call(ClientJob& job);
  void PushNew(ClientJob& job);
  void PushAgain(ClientJob& job);
  void PushOther(ClientJob& job);
  void Pull(ClientJob& job);
  void Acknowledge(ClientJob& job);
  void Close(ClientJob& job);
  void Cancel(ClientJob& job);
  void TakeUp(ClientJob& job);
  void TakeUpOrQuarrel(ClientJob& job);
  void Submit(Verb verb) { lane_.push_back(std::move(verb)); }
  void LearnPushed(ClientJob& job, const std::vector<size_t>& indices,
                   const absl::StatusOr<store::PushReceipt>& receipt);

  // The server (server.cc).
  void StartServer();
  void Crash();
  void CarryOut(int64_t count);
  void CloseUnused();
  void TakeChunk();
  void FreeWorker(const model::ChunkCommit& commit);
  void EndChunk(Worker& worker);
  void FinishChunk(Worker& worker);
  void HandIn(const model::ChunkCommit& commit, const model::JobOptions& options);
  void CommitEnded(const model::ChunkCommit& commit, const model::JobOptions& options, const absl::Status& status);
  void LoseChunk(Worker& worker, absl::Duration backoff);
  void CommitLate();
  void NothingToDo(const core::Grant& grant);
  void PassOver(const core::Grant& grant);
  void Park(const core::Grant& grant);
  void Return(const model::ChunkCommit& commit, absl::Duration backoff);
  bool IsOver(const model::JobKey& key) const;
  /// Some chunk of the job was handed back and did not run again yet.
  bool IsBackingOff(const std::string& job_id) const;
  void Forget(const model::ChunkCommit& commit);

  // What must hold (verdict.cc).
  void WatchWaiting();
  static std::vector<uint64_t> KeysOf(const std::string& chunk_id);
  void HoldKeys(const model::JobKey& job, int64_t sequence, const std::vector<uint64_t>& keys);
  void CheckGrant(const core::Grant& grant);
  void CheckJob(const ClientJob& job);
  void CheckEnd(const ClientJob& job);
  void CheckResults(const ClientJob& job, const model::Job& stored);
  void CheckBudget(const model::Job& stored);
  void CheckExceptions(const ClientJob& job, int64_t failed);

  static constexpr int64_t kJobsAtOnce = 3;
  static constexpr size_t kWorkers = 4;
  static constexpr char kOtherTenant[] = "elsewhere";

  std::mt19937_64 random_;
  /// Steps between two crashes: some worlds have hardly a moment, in others much piles up.
  const int64_t steps_per_crash_;
  Tally tally_;
  std::string fault_;

  SimClock clock_;
  const std::unique_ptr<store::JobStore> store_;
  std::optional<SchedulerPort> scheduler_;
  std::optional<execution::CommitSequencer> sequencer_;
  std::optional<core::PipelineActivity> activity_;
  std::deque<Verb> lane_;
  /// The disk has refused something since the server started.
  bool disk_refused_ = false;
  /// Nothing fails any more: the world runs out.
  bool running_out_ = false;
  std::vector<Worker> workers_{kWorkers};
  /// Leases that the present scheduler has given and that are not over.
  std::set<Lease> leases_;
  /// Chunks that were handed back, and the moment of the steady clock before which they must not run.
  std::map<Lease, int64_t> backing_off_;
  /// The newest chunk of each job that the present scheduler has given.
  std::map<model::JobKey, int64_t> newest_given_;
  /// Jobs that can certainly start a chunk now. Kept beside the scheduler, without asking it.
  std::map<model::JobKey, Shares::Stay> waiting_;
  std::optional<Shares> shares_;
  /// Which chunk of a job runs with an ordering key.
  std::map<std::pair<model::JobKey, uint64_t>, int64_t> keys_running_;
  /// Outcomes of workers that were given up.
  std::vector<model::ChunkCommit> late_;
  /// Never moves: pending verbs refer to them.
  std::deque<ClientJob> jobs_;
};

/// Runs worlds one after the other, each with a seed of its own, for so many steps in all, or until `go_on` says no.
struct RunReport {
  Tally tally;
  /// Empty when everything held.
  std::string fault;
};
RunReport RunWorlds(
    uint64_t seed, int64_t steps, const std::function<bool()>& go_on = [] { return true; });

}  // namespace millrace::simulation
