// Kills a server and its clients again and again, and counts what is lost. Started again with `client`, it is
// one of the clients.
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <random>
#include <string>

#include "CLI/CLI.hpp"
#include "tools/crash/client_roles.h"
#include "tools/crash/crash_run.h"
#include "tools/harness/temporary_folder.h"

namespace millrace::crash {
namespace {

// Beyond this many faults the first ones tell as much as all.
constexpr size_t kFaultsShown = 20;

int RunClient(const ClientOptions& options) {
  // Whoever started this must not leave it behind.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  absl::Status status = absl::InvalidArgumentError("no such role");
  if (options.role == "push") status = RunPush(options);
  if (options.role == "pull") status = RunPull(options);
  if (options.role == "jobs") status = RunJobs(options);
  if (!status.ok()) std::fprintf(stderr, "%s: %s\n", options.role.c_str(), status.ToString().c_str());
  return status.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}

int RunCrashes(CrashOptions options) {
  harness::TemporaryFolder folder;
  options.folder = folder.path();
  options.client_binary = "/proc/self/exe";
  std::printf("seed %ju\n", static_cast<uintmax_t>(options.seed));
  std::fflush(stdout);
  Verdict verdict;
  Kills kills;
  absl::Status status;
  {
    CrashRun run(options);
    status = run.Run(verdict);
    kills = run.kills();
  }
  for (size_t i = 0; i < verdict.faults.size() && i < kFaultsShown; ++i) {
    std::printf("  %s\n", verdict.faults[i].c_str());
  }
  if (verdict.faults.size() > kFaultsShown) std::printf("  and %zu more\n", verdict.faults.size() - kFaultsShown);
  if (!status.ok()) std::printf("could not go on: %s\n", status.ToString().c_str());
  std::printf(
      "killed the server %d times (%d while it started) and stopped it %d times for a while, killed clients %d times\n",
      kills.servers, kills.starting_servers, kills.frozen_servers, kills.clients);
  if (status.ok()) {
    std::printf("%d cycles, %jd records, %jd lost, %jd doubled\n", options.cycles,
                static_cast<intmax_t>(verdict.records), static_cast<intmax_t>(verdict.lost),
                static_cast<intmax_t>(verdict.doubled));
  }
  if (status.ok() && verdict.good()) return EXIT_SUCCESS;
  folder.Keep();
  std::printf("failed with --seed %ju; data folder and ledgers are kept in %s\n", static_cast<uintmax_t>(options.seed),
              folder.path().c_str());
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace millrace::crash

int main(int argc, char** argv) {
  CLI::App app("Kills a server and its clients with SIGKILL under load and checks that nothing is lost or doubled.");
  millrace::crash::CrashOptions options;
  std::string server_binary;
  std::random_device device;
  options.seed = device();
  app.add_option("--server-binary", server_binary, "The millraced to kill");
  app.add_option("--cycles", options.cycles, "How often")->capture_default_str()->check(CLI::Range(1, 1'000'000));
  app.add_option("--seed", options.seed, "Decides who is killed when; default: random");

  int freeze_seconds = 0;
  app.add_option("--freeze", freeze_seconds, "Stop the server once for so many seconds with SIGSTOP, in the middle")
      ->capture_default_str()
      ->check(CLI::Range(0, 3'600));

  millrace::crash::ClientOptions client;
  std::string ledger;
  CLI::App* const as_client = app.add_subcommand("client", "Is one of the clients")->group("");
  as_client->add_option("--role", client.role)->required();
  as_client->add_option("--pipeline", client.pipeline);
  as_client->add_option("--server", client.server)->required();
  as_client->add_option("--ledger", ledger)->required();
  as_client->add_option("--progress-fd", client.progress_fd);
  as_client->add_option("--seed", client.seed);
  as_client->add_flag("--finish", client.finish);
  CLI11_PARSE(app, argc, argv);

  if (as_client->parsed()) {
    client.ledger = ledger;
    return millrace::crash::RunClient(client);
  }
  options.server_binary = server_binary;
  options.freeze = absl::Seconds(freeze_seconds);
  return millrace::crash::RunCrashes(options);
}
