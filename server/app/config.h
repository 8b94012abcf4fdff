// What millraced is told: by flags, environment and a configuration file, in this order of precedence.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "server/app/log.h"
#include "storage/model/worker_labels.h"

namespace millrace::app {

struct Config {
  std::filesystem::path data_folder;
  /// HOST:PORT. Port 0 lets the system choose.
  std::string listen = "127.0.0.1:7400";
  /// True: `listen` may be an address that other machines reach, though calls are neither encrypted nor authenticated.
  bool allow_remote = false;
  /// HOST:PORT of the metrics; empty: none are served.
  std::string metrics_listen;
  /// Where the port of the metrics is written; empty: nowhere.
  std::filesystem::path metrics_port_file;
  /// Threads of the worker pool; 0 is one per core.
  int workers = 0;
  /// Of each of these threads: what the selectors of jobs ask for.
  model::WorkerLabels worker_labels;
  /// True: nothing is acknowledged before it is synced to disk.
  bool sync = true;
  /// Where the port is written once the server serves; empty: nowhere.
  std::filesystem::path port_file;
  /// Where CreateBackup makes backups; empty: it makes none.
  std::filesystem::path backup_folder;
  /// Where jobs may read files; empty: nowhere.
  std::vector<std::filesystem::path> source_folders;
  /// The file that names the databases which jobs may query; empty: none.
  std::filesystem::path source_connections;
  /// The file that says whom webhooks may call; empty: nobody.
  std::filesystem::path webhooks;
  /// How long jobs are kept when they have ended, where their creators do not say; zero: for ever.
  absl::Duration retention = absl::ZeroDuration();
  std::string log_level = "info";
  LogFormat log_format = LogFormat::kText;
  /// Calls that take longer are logged; infinite: none.
  absl::Duration slow_call = absl::Seconds(1);
  /// How long SIGTERM waits for calls and chunks that run.
  absl::Duration drain_timeout = absl::Seconds(30);
};

/// The configuration, or the exit code of a command line that asks for nothing to be run (`--help`) or is wrong; what
/// there is to say has been printed.
struct ParsedConfig {
  std::optional<Config> config;
  int exit_code = 0;
};

ParsedConfig ParseConfig(int argc, const char* const* argv);

}  // namespace millrace::app
