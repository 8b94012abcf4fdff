#include "server/app/application.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "server/app/end_signals.h"
#include "server/app/log.h"
#include "server/app/observer_list.h"
#include "server/app/port_file.h"
#include "server/background/clock_watcher.h"
#include "server/background/idle_closer.h"
#include "server/background/job_expirer.h"
#include "server/background/schedule_runner.h"
#include "server/background/source_queue.h"
#include "server/background/source_reader.h"
#include "server/background/source_threads.h"
#include "server/background/ticker.h"
#include "server/core/call_ledger.h"
#include "server/core/executor.h"
#include "server/core/job_rates.h"
#include "server/core/job_totals.h"
#include "server/core/lease_hub.h"
#include "server/core/pipeline_activity.h"
#include "server/core/progress_feed.h"
#include "server/core/source_folders.h"
#include "server/core/version.h"
#include "server/core/webhook_counts.h"
#include "server/core/webhook_targets.h"
#include "server/execution/bulk_runner.h"
#include "server/execution/bulk_threads.h"
#include "server/execution/crash_guard.h"
#include "server/execution/lua_service_compiler.h"
#include "server/execution/worker_pool.h"
#include "server/handlers/call.h"
#include "server/handlers/child_job.h"
#include "server/handlers/schedule_run.h"
#include "server/metrics/metrics_server.h"
#include "server/queries/connections.h"
#include "server/rpc/grpc_server.h"
#include "server/webhooks/webhook_sender.h"
#include "spdlog/spdlog.h"
#include "storage/model/clock.h"
#include "storage/model/errors.h"
#include "storage/model/ids.h"
#include "storage/model/job_rules.h"
#include "storage/model/worker_labels.h"
#include "storage/store/rocks_job_store.h"
#include "storage/store/schedule_store.h"

namespace millrace::app {
namespace {

// Handlers block on storage, so there are more threads than cores: enough to fill a group commit.
constexpr int kHandlerThreads = 32;
constexpr size_t kHandlerQueueMax = 4'096;
// Calls wait with their requests. A client that pushes without pause is told to wait before it fills the memory.
constexpr size_t kHandlerQueueBytesMax = size_t{256} << 20;

// The shortest idle timeout is a second. A batch is closed one after the other, each with a sync of the disk.
constexpr absl::Duration kIdleInterval = absl::Seconds(1);
constexpr size_t kIdleBatchMax = 100;

// A schedule fires within a second of its time, and the end of a short job is seen before the next second.
constexpr absl::Duration kScheduleInterval = absl::Milliseconds(200);

// One reads while the other waits for the disk to sync; the sources of any number of jobs take turns.
constexpr int kSourceThreads = 2;

// How late a job may be deleted after the end of its retention.
constexpr absl::Duration kExpireInterval = absl::Seconds(5);
constexpr int32_t kExpireBatchMax = 100;

constexpr absl::Duration kClockInterval = absl::Seconds(5);

// Whatever is to be told ends the wait early.
constexpr absl::Duration kWebhookWait = absl::Seconds(10);

// Some submit the jobs of bulk runs while others wait for a database that one of them reads from.
constexpr int kBulkThreads = 4;

/// The drain was cut short; what was acknowledged is safe.
constexpr int kExitEndedEarly = 3;

/// What a drain may take beyond its timeout before it counts as stuck: a chunk or call that cannot be interrupted.
constexpr absl::Duration kStuckAfter = absl::Seconds(5);

uint64_t Entropy() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

absl::Status CannotWrite(const std::filesystem::path& port_file) {
  return model::MakeError(model::Reason::kServerNotReady, "cannot write the port file " + port_file.string());
}

/// All parts of the server, built by Start in the order in which they stand here.
class Application {
 public:
  explicit Application(const Config& config) : config_(config) {}
  ~Application() { Stop(absl::ZeroDuration()); }

  absl::Status Start();

  /// Finishes what runs and takes everything down. Ends the process where that does not come to an end in time.
  void Drain(int signal, const EndSignals& signals);

 private:
  absl::Status FindSources();
  absl::Status FindWebhooks();
  absl::Status OpenStore();
  void StartWork();
  absl::Status ServeMetrics();
  absl::Status Serve();
  absl::Status LoadSchedules(const handlers::Deps& deps);
  void Stop(absl::Duration patience);
  [[noreturn]] void EndNow(const std::string& why) const;

  const Config& config_;
  const model::Clock* const clock_ = model::SystemClock::Get();
  model::IdGenerator ids_{clock_, Entropy()};
  const std::string instance_id_ = ids_.Next();
  core::CallLedger calls_;
  core::JobTotals totals_{clock_};
  core::ProgressFeed feed_;
  core::PipelineActivity activity_{clock_};
  background::SourceQueue source_queue_{clock_};
  core::SourceFolders source_folders_;
  queries::Connections source_connections_;
  core::WebhookTargets webhook_targets_;
  core::WebhookCounts webhook_counts_;
  core::ScheduleCounts schedule_counts_;
  core::JobRates rates_{clock_};
  std::unique_ptr<core::LeaseHub> leases_;
  std::unique_ptr<store::JobStore> store_;
  std::unique_ptr<core::ServiceCompiler> compiler_;
  std::unique_ptr<execution::WorkerPool> workers_;
  core::SubmitChild submit_child_;
  std::unique_ptr<execution::BulkRunner> bulk_runner_;
  std::unique_ptr<execution::BulkThreads> bulk_threads_;
  std::unique_ptr<ObserverList> observers_;
  background::ClockWatcher clock_watcher_{*clock_};
  std::unique_ptr<background::Ticker> clock_ticker_;
  std::unique_ptr<background::IdleCloser> idle_closer_;
  std::unique_ptr<background::Ticker> idle_ticker_;
  std::unique_ptr<background::ScheduleRunner> schedule_runner_;
  std::unique_ptr<background::Ticker> schedule_ticker_;
  std::unique_ptr<background::JobExpirer> job_expirer_;
  std::unique_ptr<background::Ticker> expire_ticker_;
  std::unique_ptr<webhooks::WebhookSender> webhook_sender_;
  std::unique_ptr<background::Ticker> webhook_ticker_;
  std::unique_ptr<background::SourceReader> source_reader_;
  std::unique_ptr<background::SourceThreads> source_threads_;
  std::unique_ptr<core::Executor> executor_;
  std::unique_ptr<rpc::GrpcServer> server_;
  std::unique_ptr<metrics::MetricsServer> metrics_;
};

absl::Status Application::Start() {
  if (absl::Status found = FindSources(); !found.ok()) return found;
  if (absl::Status found = FindWebhooks(); !found.ok()) return found;
  if (absl::Status opened = OpenStore(); !opened.ok()) return opened;
  StartWork();
  executor_ = std::make_unique<core::Executor>(kHandlerThreads, kHandlerQueueMax, kHandlerQueueBytesMax);
  if (absl::Status served = ServeMetrics(); !served.ok()) return served;
  return Serve();
}

absl::Status Application::FindSources() {
  absl::StatusOr<core::SourceFolders> folders = core::SourceFolders::Make(config_.source_folders);
  if (!folders.ok()) return folders.status();
  source_folders_ = *std::move(folders);
  if (config_.source_connections.empty()) return absl::OkStatus();
  absl::StatusOr<queries::Connections> connections = queries::Connections::Read(config_.source_connections);
  if (!connections.ok()) return connections.status();
  source_connections_ = *std::move(connections);
  return absl::OkStatus();
}

absl::Status Application::FindWebhooks() {
  if (config_.webhooks.empty()) return absl::OkStatus();
  absl::StatusOr<core::WebhookTargets> targets = core::WebhookTargets::Read(config_.webhooks);
  if (!targets.ok()) return targets.status();
  webhook_targets_ = *std::move(targets);
  return absl::OkStatus();
}

absl::Status Application::OpenStore() {
  absl::StatusOr<std::unique_ptr<store::JobStore>> store =
      store::OpenRocksJobStore({.folder = config_.data_folder, .clock = clock_, .sync = config_.sync});
  if (!store.ok()) return store.status();
  store_ = *std::move(store);
  return absl::OkStatus();
}

void Application::StartWork() {
  leases_ = std::make_unique<core::LeaseHub>(store_->epoch(), *clock_, config_.worker_labels);
  compiler_ = execution::MakeLuaServiceCompiler(clock_);
  // Its threads wait until the hub hears of a job.
  workers_ = execution::StartWorkerPool(config_.workers, *leases_, *store_, *compiler_,
                                        execution::StartCrashGuard(config_.data_folder, config_.workers, *store_),
                                        instance_id_, &totals_);
  // Its threads are started when there is somebody to submit jobs.
  bulk_runner_ = std::make_unique<execution::BulkRunner>(
      *leases_, *store_, [this](const core::ChildRecord& record) { return submit_child_(record); }, instance_id_);
  observers_ = std::make_unique<ObserverList>(std::vector<store::JobObserver*>{
      leases_.get(), &totals_, &feed_, &activity_, &rates_, &source_queue_, workers_.get(), bulk_runner_.get()});
  store_->SetObserver(observers_.get());
  webhook_sender_ =
      std::make_unique<webhooks::WebhookSender>(store_->notices(), webhook_targets_, *clock_, webhook_counts_);
  store_->notices().SetObserver(webhook_sender_.get());
  // The pointer of its own: commits that come late call back while the store is taken down, and `store_` is empty then.
  leases_->SetIdleListener([this, store = store_.get()](const model::JobKey& key) {
    const absl::StatusOr<model::JobPtr> job = store->GetJob(key);
    if (job.ok() && model::IsFinal((*job)->state)) feed_.OnJobChanged(*job);
  });
  const std::vector<model::JobPtr> unfinished = store_->ActiveJobs();
  for (const model::JobPtr& job : unfinished) {
    totals_.OnJobChanged(job);
    activity_.OnJobChanged(job);
    source_queue_.OnJobChanged(job);
    rates_.OnJobChanged(job);
    leases_->OnJobChanged(job);
  }
  bulk_runner_->Load(unfinished);
  spdlog::info("data folder {} is open: epoch {}, {} unfinished jobs", config_.data_folder.string(), store_->epoch(),
               unfinished.size());
}

absl::Status Application::ServeMetrics() {
  if (config_.metrics_listen.empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<metrics::MetricsServer>> metrics =
      metrics::StartMetricsServer(config_.metrics_listen, {.calls = calls_,
                                                           .jobs = totals_,
                                                           .leases = *leases_,
                                                           .store = *store_,
                                                           .webhooks = webhook_counts_,
                                                           .schedules = schedule_counts_,
                                                           .workers = config_.workers,
                                                           .start_time = clock_->Now()});
  if (!metrics.ok()) return metrics.status();
  metrics_ = *std::move(metrics);
  if (!WritePortFile(config_.metrics_port_file, metrics_->port())) return CannotWrite(config_.metrics_port_file);
  spdlog::info("metrics are served on port {} under /metrics", metrics_->port());
  return absl::OkStatus();
}

absl::Status Application::Serve() {
  const handlers::Deps deps{.store = *store_,
                            .leases = *leases_,
                            .compiler = *compiler_,
                            .clock = *clock_,
                            .ids = ids_,
                            .server = {.instance_id = instance_id_,
                                       .start_time = clock_->Now(),
                                       .workers = config_.workers,
                                       .worker_labels = config_.worker_labels,
                                       .backup_folder = config_.backup_folder.string(),
                                       .retention = config_.retention},
                            .activity = &activity_,
                            .source_folders = &source_folders_,
                            .source_connections = &source_connections_,
                            .rates = &rates_,
                            .webhooks = &webhook_targets_};
  if (absl::Status loaded = LoadSchedules(deps); !loaded.ok()) return loaded;
  submit_child_ = [deps](const core::ChildRecord& record) { return handlers::SubmitChild(record, deps); };
  bulk_threads_ = std::make_unique<execution::BulkThreads>(kBulkThreads, *leases_, *bulk_runner_);
  absl::StatusOr<std::unique_ptr<rpc::GrpcServer>> server = rpc::StartGrpcServer(
      config_.listen, deps, *executor_, feed_, {.ledger = &calls_, .slow_call = config_.slow_call});
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  if (!WritePortFile(config_.port_file, server_->port())) return CannotWrite(config_.port_file);
  spdlog::info("millraced {} serves on port {} with {} workers (labels: {})", core::ServerVersion(), server_->port(),
               config_.workers, model::WorkerLabelsText(config_.worker_labels));
  if (config_.allow_remote) spdlog::warn("{}: calls are neither encrypted nor authenticated", config_.listen);
  clock_ticker_ = std::make_unique<background::Ticker>(clock_, kClockInterval, [this] {
    clock_watcher_.RunOnce();
    return false;
  });
  idle_closer_ = std::make_unique<background::IdleCloser>(activity_, *leases_, *store_);
  idle_ticker_ = std::make_unique<background::Ticker>(clock_, kIdleInterval, [this] {
    bulk_runner_->RetryRefused();
    return idle_closer_->RunOnce(kIdleBatchMax).unused == kIdleBatchMax;
  });
  schedule_ticker_ = std::make_unique<background::Ticker>(clock_, kScheduleInterval, [this] {
    schedule_runner_->RunOnce();
    return false;
  });
  job_expirer_ = std::make_unique<background::JobExpirer>(*store_, *leases_, *clock_);
  expire_ticker_ = std::make_unique<background::Ticker>(
      clock_, kExpireInterval, [this] { return job_expirer_->RunOnce(kExpireBatchMax).looked_at == kExpireBatchMax; });
  webhook_ticker_ = std::make_unique<background::Ticker>(clock_, absl::ZeroDuration(), [this] {
    webhook_sender_->RunOnce(kWebhookWait);
    return true;
  });
  source_reader_ = std::make_unique<background::SourceReader>(
      *store_, background::SourcePlaces{source_folders_, source_connections_, *clock_});
  source_threads_ = std::make_unique<background::SourceThreads>(kSourceThreads, source_queue_, *source_reader_);
  return absl::OkStatus();
}

/// Before anybody can change a schedule, so that each change is heard of.
absl::Status Application::LoadSchedules(const handlers::Deps& deps) {
  schedule_runner_ = std::make_unique<background::ScheduleRunner>(
      *store_, *clock_,
      [deps](const model::Schedule& schedule, const model::ScheduleRun& run) {
        return handlers::SubmitRun(schedule, run, deps);
      },
      schedule_counts_);
  store_->schedules().SetObserver(schedule_runner_.get());
  return schedule_runner_->Load();
}

void Application::Drain(int signal, const EndSignals& signals) {
  const int64_t deadline_nanos = clock_->SteadyNanos() + absl::ToInt64Nanoseconds(config_.drain_timeout);
  // Nobody can use a pipeline from now on, and none is to be closed for that.
  idle_ticker_->Stop();
  source_queue_.Stop();
  server_->StopServing();
  leases_->Stop();
  spdlog::info("{}: draining for at most {} s; waits for {} chunks and {} calls; a second signal ends at once",
               strsignal(signal), absl::ToInt64Seconds(config_.drain_timeout), leases_->in_flight(), calls_.running());
  const DrainGuard guard(signals, config_.drain_timeout + kStuckAfter,
                         [this](int second) { EndNow(second != 0 ? strsignal(second) : "the drain is stuck"); });
  const auto left = [&] {
    return std::max(absl::Nanoseconds(deadline_nanos - clock_->SteadyNanos()), absl::ZeroDuration());
  };
  // Under the guard: a disk or a database that does not answer holds up whoever reads from it. What is due fires at the next
  // start.
  schedule_ticker_->Stop();
  expire_ticker_->Stop();
  source_threads_->Stop();
  feed_.Close();
  // Until what runs has run the port stays open: who asks for health is to hear NOT_SERVING, and nobody is to guess.
  if (!leases_->AwaitRan(left())) EndNow("the drain timeout is over");
  server_->Shutdown(left());
  // Lets go of outcomes that wait for the turn of a chunk which will not run any more; they would never be committed.
  workers_->Stop();
  // Gives up the chunks whose jobs run: the next server waits for those.
  bulk_threads_->Stop();
  if (!leases_->AwaitIdle(left())) EndNow("the drain timeout is over");
  Stop(absl::ZeroDuration());
}

/// In reverse: no new chunk, no new call, what runs is committed, then the store is closed.
void Application::Stop(absl::Duration patience) {
  if (clock_ticker_ != nullptr) clock_ticker_->Stop();
  if (idle_ticker_ != nullptr) idle_ticker_->Stop();
  if (schedule_ticker_ != nullptr) schedule_ticker_->Stop();
  if (expire_ticker_ != nullptr) expire_ticker_->Stop();
  if (source_threads_ != nullptr) source_threads_->Stop();
  if (leases_ != nullptr) leases_->Stop();
  feed_.Close();
  if (server_ != nullptr) server_->Shutdown(patience);
  executor_.reset();
  if (workers_ != nullptr) workers_->Stop();
  if (bulk_threads_ != nullptr) bulk_threads_->Stop();
  // What is still to be told is told by the next server.
  if (webhook_sender_ != nullptr) webhook_sender_->Stop();
  if (webhook_ticker_ != nullptr) webhook_ticker_->Stop();
  metrics_.reset();
  // Commits that come late still call back into leases and workers, so the store goes before them.
  store_.reset();
}

void Application::EndNow(const std::string& why) const {
  spdlog::warn(
      "{}: ends without draining; {} chunks and {} calls are left undone; the chunks run again at the next start, and "
      "nothing that was acknowledged is lost",
      why, leases_->in_flight(), calls_.running());
  spdlog::default_logger()->flush();
  // Threads still run, so nothing may be destroyed; the store is made to survive this.
  std::_Exit(kExitEndedEarly);
}

}  // namespace

int Run(const Config& config) {
  const EndSignals signals;
  SetUpLog(config.log_level, config.log_format);
  Application application(config);
  if (absl::Status started = application.Start(); !started.ok()) {
    spdlog::error("cannot start: {}", std::string(started.message()));
    return EXIT_FAILURE;
  }
  const int signal = signals.Await();
  application.Drain(signal, signals);
  spdlog::info("drained");
  return EXIT_SUCCESS;
}

}  // namespace millrace::app
