// One run: a server, clients, and somebody who kills them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tools/crash/check.h"
#include "tools/harness/program.h"
#include "tools/harness/server_process.h"

namespace millrace::crash {

struct CrashOptions {
  std::filesystem::path server_binary;
  /// This program, which is started again as its own clients.
  std::filesystem::path client_binary;
  /// Holds the data folder and the ledgers.
  std::filesystem::path folder;
  int cycles = 30;
  /// Decides who is killed when; what the machine does meanwhile is its own affair.
  uint64_t seed = 1;
  /// In the middle of the run the server is stopped once for so long; 0: not at all.
  absl::Duration freeze = absl::ZeroDuration();
};

/// How often whom.
struct Kills {
  int servers = 0;
  /// Of these: servers that were still starting.
  int starting_servers = 0;
  int clients = 0;
  /// Servers that were stopped for a while and went on.
  int frozen_servers = 0;
};

/// Not thread-safe. Ends all its processes with its own end.
class CrashRun {
 public:
  explicit CrashRun(CrashOptions options);
  ~CrashRun();
  CrashRun(const CrashRun&) = delete;
  CrashRun& operator=(const CrashRun&) = delete;

  /// Starts all, kills and restarts `cycles` times, drains, and checks. Fails when somebody could not go on at all (a
  /// server that does not start, a client that gave up, no progress for a minute); what is lost or doubled
  /// is in the verdict.
  absl::Status Run(Verdict& verdict);

  const Kills& kills() const { return kills_; }

 private:
  struct ClientPlan {
    /// Names its ledger.
    std::string name;
    std::string role;
    std::string pipeline;
    std::unique_ptr<harness::Program> program;
  };

  uint64_t Below(uint64_t bound) { return random_() % bound; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

  absl::Status SetUp();
  absl::Status StartServer();
  /// Kills a server before it serves.
  absl::Status KillAtStart();
  /// Stops the server with SIGSTOP: clients wait, and nobody is told anything.
  void FreezeServer(absl::Duration length);
  absl::Status StartClient(ClientPlan& plan, bool finish);
  /// Fails when the client had ended by itself.
  absl::Status KillClient(ClientPlan& plan);
  absl::Status Cycle();
  /// Returns when the clients have written so many facts more.
  absl::Status AwaitFacts(uint64_t count);
  absl::Status Finish();
  absl::Status EndPipelines();
  /// Runs a client to its end.
  absl::Status FinishClient(ClientPlan& plan);
  /// Returns when the pipeline has chunks that wait and none that runs.
  absl::Status AwaitBacklog(const client::Client& client, const std::string& pipeline);
  ClientPlan& Client(const std::string& name);

  const CrashOptions options_;
  std::mt19937_64 random_;
  Kills kills_;
  int progress_[2] = {-1, -1};
  int port_ = 0;
  std::unique_ptr<harness::ServerProcess> server_;
  std::vector<ClientPlan> clients_;
};

}  // namespace millrace::crash
