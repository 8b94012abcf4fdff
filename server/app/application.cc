#include "server/app/application.h"

#include <pthread.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "server/background/idle_closer.h"
#include "server/background/ticker.h"
#include "server/core/executor.h"
#include "server/core/lease_hub.h"
#include "server/core/pipeline_activity.h"
#include "server/core/progress_feed.h"
#include "server/core/version.h"
#include "server/execution/crash_guard.h"
#include "server/execution/lua_service_compiler.h"
#include "server/execution/worker_pool.h"
#include "server/handlers/call.h"
#include "server/rpc/grpc_server.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"
#include "storage/model/clock.h"
#include "storage/model/ids.h"
#include "storage/model/job_rules.h"
#include "storage/store/rocks_job_store.h"

namespace millrace::app {
namespace {

// Handlers block on storage, so there are more threads than cores: enough to fill a group commit.
constexpr int kHandlerThreads = 32;
constexpr size_t kHandlerQueueMax = 4'096;

// The shortest idle timeout is a second. A batch is closed one after the other, each with a sync of the disk.
constexpr absl::Duration kIdleInterval = absl::Seconds(1);
constexpr size_t kIdleBatchMax = 100;

/// Signals that end the server, blocked for every thread, so that only AwaitSignal takes them.
class EndSignals {
 public:
  EndSignals() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    // A client or log reader that goes away is no reason to die.
    std::signal(SIGPIPE, SIG_IGN);
  }

  int Await() const {
    int signal = 0;
    sigwait(&signals_, &signal);
    return signal;
  }

 private:
  sigset_t signals_;
};

/// Hands each change of a job to everyone who wants to hear of it.
class ObserverList final : public store::JobObserver {
 public:
  explicit ObserverList(std::vector<store::JobObserver*> observers) : observers_(std::move(observers)) {}

  void OnJobChanged(const model::JobPtr& job) override {
    for (store::JobObserver* observer : observers_) observer->OnJobChanged(job);
  }

 private:
  const std::vector<store::JobObserver*> observers_;
};

uint64_t Entropy() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

void SetUpLog(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("millraced"));
  spdlog::set_level(spdlog::level::from_str(level));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%-5l%$ %v", spdlog::pattern_time_type::utc);
}

/// A file is written under another name first, so that a reader never sees half a port. A pipe (`/dev/fd/9`, mkfifo)
/// is written as it is: who reads from it waits for the server without polling.
bool WritePortFile(const std::filesystem::path& path, int port) {
  if (path.empty()) return true;
  std::error_code none;
  if (std::filesystem::is_fifo(path, none)) {
    std::ofstream pipe(path);
    pipe << port << '\n';
    pipe.close();
    return !pipe.fail();
  }
  const std::filesystem::path draft = path.string() + ".partial";
  std::error_code error;
  std::ofstream file(draft);
  file << port << '\n';
  file.close();
  if (file) std::filesystem::rename(draft, path, error);
  return file && !error;
}

}  // namespace

int Run(const Config& config) {
  const EndSignals signals;
  SetUpLog(config.log_level);
  const model::Clock* clock = model::SystemClock::Get();
  model::IdGenerator ids(clock, Entropy());
  const handlers::ServerInfo info{.instance_id = ids.Next(), .start_time = clock->Now(), .workers = config.workers};

  absl::StatusOr<std::unique_ptr<store::JobStore>> jobs =
      store::OpenRocksJobStore({.folder = config.data_folder, .clock = clock, .sync = config.sync});
  if (!jobs.ok()) {
    spdlog::error("cannot start: {}", std::string(jobs.status().message()));
    return EXIT_FAILURE;
  }
  store::JobStore& store = **jobs;

  core::LeaseHub leases(store.epoch(), *clock);
  core::ProgressFeed feed;
  core::PipelineActivity activity(clock);
  const std::unique_ptr<core::ServiceCompiler> compiler = execution::MakeLuaServiceCompiler(clock);
  // Its threads wait until the hub hears of a job.
  const std::unique_ptr<execution::WorkerPool> workers = execution::StartWorkerPool(
      config.workers, leases, store, *compiler, execution::StartCrashGuard(config.data_folder, config.workers, store));
  ObserverList observers({&leases, &feed, &activity, workers.get()});
  store.SetObserver(&observers);
  leases.SetIdleListener([&](const model::JobKey& key) {
    const absl::StatusOr<model::JobPtr> job = store.GetJob(key);
    if (job.ok() && model::IsFinal((*job)->state)) feed.OnJobChanged(*job);
  });
  const std::vector<model::JobPtr> unfinished = store.ActiveJobs();
  for (const model::JobPtr& job : unfinished) {
    leases.OnJobChanged(job);
    activity.OnJobChanged(job);
  }
  auto executor = std::make_unique<core::Executor>(kHandlerThreads, kHandlerQueueMax);
  const handlers::Deps deps{.store = store,
                            .leases = leases,
                            .compiler = *compiler,
                            .clock = *clock,
                            .ids = ids,
                            .server = info,
                            .activity = &activity};
  background::IdleCloser idle_closer(activity, leases, store);
  absl::StatusOr<std::unique_ptr<rpc::GrpcServer>> server = rpc::StartGrpcServer(config.listen, deps, *executor, feed);
  const bool serves = server.ok() && WritePortFile(config.port_file, (*server)->port());
  background::Ticker idle_ticker(clock, kIdleInterval,
                                 [&idle_closer] { return idle_closer.RunOnce(kIdleBatchMax).unused == kIdleBatchMax; });
  int exit_code = EXIT_SUCCESS;
  if (serves) {
    spdlog::info("millraced {} serves on port {}: data folder {}, epoch {}, {} workers, {} unfinished jobs",
                 core::ServerVersion(), (*server)->port(), config.data_folder.string(), store.epoch(), config.workers,
                 unfinished.size());
    if (config.allow_remote) spdlog::warn("{}: calls are neither encrypted nor authenticated", config.listen);
    const int signal = signals.Await();
    spdlog::info("{}: draining for at most {} s", strsignal(signal), absl::ToInt64Seconds(config.drain_timeout));
    (*server)->StopServing();
  } else {
    exit_code = EXIT_FAILURE;
    spdlog::error("cannot start: {}", server.ok() ? "cannot write the port file " + config.port_file.string()
                                                  : std::string(server.status().message()));
  }

  // In reverse: no new chunk, no new call, what runs is committed, then the store is closed.
  idle_ticker.Stop();
  leases.Stop();
  if (server.ok()) (*server)->Shutdown(config.drain_timeout);
  executor.reset();
  workers->Stop();
  if (!leases.AwaitIdle(config.drain_timeout)) {
    spdlog::warn("some chunks were not committed in time; they run again at the next start");
  }
  // Commits that came too late still call back into the parts above, so the store goes before them.
  jobs->reset();
  if (exit_code == EXIT_SUCCESS) spdlog::info("drained");
  return exit_code;
}

}  // namespace millrace::app
