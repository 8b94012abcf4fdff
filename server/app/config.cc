#include "server/app/config.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "server/core/version.h"
#include "storage/model/limits.h"
#include "storage/model/worker_labels.h"

namespace millrace::app {
namespace {

constexpr int kUsageError = 2;
constexpr int kWorkersMax = 4'096;
constexpr int kDrainSecondsMax = 24 * 60 * 60;

constexpr char kFooter[] = R"(Examples:
  millraced --data-dir /var/lib/millrace
  millraced --data-dir ./data --listen 127.0.0.1:0 --port-file ./port
  MILLRACE_DATA_DIR=./data MILLRACE_WORKERS=4 millraced
  millraced --config /etc/millrace.toml      (the file holds lines such as: workers = 4)

SIGTERM and SIGINT drain: health turns to NOT_SERVING, new calls are answered with UNAVAILABLE (SERVER_NOT_READY), running
chunks are committed, then the server exits with 0. A second signal, or the end of --drain-timeout, ends it at once with 3;
the chunks left undone run again at the next start. kill -9 loses nothing that was acknowledged.
Exit codes: 0 drained, 1 could not start or serve, 2 wrong command line, 3 ended before it was drained.)";

bool IsLoopback(const std::string& listen) {
  const std::string host = listen.substr(0, listen.rfind(':'));
  return host == "localhost" || host == "[::1]" || host.rfind("127.", 0) == 0 || listen.rfind("unix:", 0) == 0;
}

/// Empty when `listen` may be used, otherwise what is wrong with it: CLI11's form of a check.
std::string CheckListen(const std::string& listen) {
  if (listen.rfind("unix:", 0) == 0) return "";
  const size_t colon = listen.rfind(':');
  const std::string port = colon == std::string::npos ? "" : listen.substr(colon + 1);
  const bool is_number = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (colon == 0 || !is_number || std::stoi(port) > 65'535) {
    return "expected HOST:PORT with a port of 0 to 65535, got '" + listen + "'";
  }
  return "";
}

/// The same for the metrics, which may be off and know no sockets.
std::string CheckMetricsListen(const std::string& listen) {
  if (listen.empty()) return "";
  if (listen.rfind("unix:", 0) == 0) return "expected HOST:PORT, got '" + listen + "'";
  return CheckListen(listen);
}

/// The same for durations.
std::string CheckDuration(const std::string& text) {
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration) && duration >= absl::ZeroDuration()) return "";
  return "expected a duration such as 500ms or 2s, or 0; got '" + text + "'";
}

/// The same for how long jobs are kept.
std::string CheckRetention(const std::string& text) {
  absl::Duration duration;
  const bool is_duration = absl::ParseDuration(text, &duration);
  if (is_duration && duration == absl::ZeroDuration()) return "";
  if (is_duration && duration >= model::kRetentionMin && duration <= model::kRetentionMax) return "";
  return "expected a duration from 1s to " + absl::FormatDuration(model::kRetentionMax) + " such as 720h, or 0; got '" +
         text + "'";
}

/// Refuses an address that other machines reach.
void CheckLoopback(const std::string& flag, const std::string& listen) {
  if (IsLoopback(listen)) return;
  throw CLI::ValidationError(
      flag, "'" + listen +
                "' can be reached from other machines, and calls are neither encrypted nor authenticated; listen on "
                "127.0.0.1, or add --allow-remote if the network is trusted");
}

/// Refuses what is no label.
model::WorkerLabels ReadWorkerLabels(const std::vector<std::string>& texts) {
  absl::StatusOr<model::WorkerLabels> labels = model::ParseWorkerLabels("--worker-label", texts);
  if (!labels.ok()) throw CLI::ValidationError(std::string(labels.status().message()));
  return *std::move(labels);
}

/// The command line in CLI11's order (last first), with an argument added for each option that stands only in the
/// environment. CLI11 itself lets the configuration file win over the environment.
std::vector<std::string> WithEnvironment(const CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = "--" + (option->get_lnames().empty() ? "" : option->get_lnames().front());
    const char* value = option->get_envname().empty() ? nullptr : std::getenv(option->get_envname().c_str());
    const bool given = std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
      return argument == name || argument.rfind(name + "=", 0) == 0;
    });
    if (value != nullptr && !given) arguments.push_back(name + "=" + value);
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

}  // namespace

ParsedConfig ParseConfig(int argc, const char* const* argv) {
  Config config;
  std::string durability = "sync";
  std::string data_folder;
  std::string port_file;
  std::string backup_folder;
  std::vector<std::string> worker_labels;
  std::vector<std::string> source_folders;
  std::string source_connections;
  std::string webhooks;
  std::string retention = "0";
  std::string metrics_port_file;
  std::string log_format = "text";
  std::string slow_call = "1s";
  int drain_seconds = 30;

  CLI::App app("Millrace, a self-hosted batch service: the server.", "millraced");
  app.footer(kFooter);
  app.set_version_flag("--version", std::string("millraced ") + std::string(core::ServerVersion()));
  app.set_config("--config", "", "File with the same names as the flags, in TOML or INI")->envname("MILLRACE_CONFIG");
  app.add_option("--data-dir", data_folder, "Folder that keeps everything; made when it is missing")
      ->required()
      ->envname("MILLRACE_DATA_DIR");
  app.add_option("--listen", config.listen, "Address to listen on; port 0 lets the system choose")
      ->capture_default_str()
      ->check(CheckListen)
      ->envname("MILLRACE_LISTEN");
  app.add_option("--metrics-listen", config.metrics_listen,
                 "Address on which Prometheus reads /metrics over HTTP, such as 127.0.0.1:7401; empty: none")
      ->capture_default_str()
      ->check(CheckMetricsListen)
      ->envname("MILLRACE_METRICS_LISTEN");
  app.add_option("--metrics-port-file", metrics_port_file, "File or pipe that receives the port of the metrics")
      ->envname("MILLRACE_METRICS_PORT_FILE");
  app.add_flag("--allow-remote", config.allow_remote,
               "Let --listen be an address that other machines reach; calls are neither encrypted nor authenticated")
      ->envname("MILLRACE_ALLOW_REMOTE");
  app.add_option("--workers", config.workers, "Threads that run records; 0 is one per core")
      ->capture_default_str()
      ->check(CLI::Range(0, kWorkersMax))
      ->envname("MILLRACE_WORKERS");
  app.add_option("--worker-label", worker_labels,
                 "Label of every worker of this server, such as site=paris or node=n7, for jobs whose worker selector "
                 "asks for it; at most 16. May be repeated, also with commas between. None: jobs with a selector wait")
      ->type_name("LABEL=VALUE")
      ->expected(1)
      ->take_all()
      ->delimiter(',')
      ->envname("MILLRACE_WORKER_LABEL");
  app.add_option("--durability", durability,
                 "sync: nothing is acknowledged before it is on disk. interval: synced every second; survives kill -9 "
                 "of the server, but a crash of the machine may lose the last second")
      ->capture_default_str()
      ->check(CLI::IsMember({"sync", "interval"}))
      ->envname("MILLRACE_DURABILITY");
  app.add_option("--backup-dir", backup_folder,
                 "Folder in which `millrace server backup NAME` makes backups; on the file system of the data folder "
                 "they are links, and quick. Empty: none are made")
      ->envname("MILLRACE_BACKUP_DIR");
  app.add_option(
         "--source-dir", source_folders,
         "Folder from which jobs may read files (SubmitJob); nothing outside is read, also not by links. May be "
         "repeated. None: jobs read no files")
      ->type_name("FOLDER")
      ->expected(1)
      ->take_all()
      ->envname("MILLRACE_SOURCE_DIR");
  app.add_option("--source-connections", source_connections,
                 "YAML file that names the databases, SQLite and PostgreSQL, which jobs may query (SubmitJob). None: "
                 "jobs query none")
      ->type_name("FILE")
      ->envname("MILLRACE_SOURCE_CONNECTIONS");
  app.add_option("--webhooks", webhooks,
                 "YAML file that names the URLs which webhooks of jobs may call, and the secrets that sign what they "
                 "are told. None: jobs have no webhooks")
      ->type_name("FILE")
      ->envname("MILLRACE_WEBHOOKS");
  app.add_option("--retention", retention,
                 "How long jobs are kept when they have ended, such as 720h, where their creators do not say; 0 is for "
                 "ever. Jobs with unresolved exceptions are kept longer")
      ->capture_default_str()
      ->check(CheckRetention)
      ->envname("MILLRACE_RETENTION");
  app.add_option("--port-file", port_file, "File or pipe that receives the port once the server serves")
      ->envname("MILLRACE_PORT_FILE");
  app.add_option("--log-level", config.log_level, "What to log, to stderr")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->envname("MILLRACE_LOG_LEVEL");
  app.add_option("--log-format", log_format, "text: lines for people. json: one object a line, for programs")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json"}))
      ->envname("MILLRACE_LOG_FORMAT");
  app.add_option("--slow-call", slow_call, "Log calls that take longer, such as 500ms or 2s; 0 logs none")
      ->capture_default_str()
      ->check(CheckDuration)
      ->envname("MILLRACE_SLOW_CALL");
  app.add_option("--drain-timeout", drain_seconds, "Seconds that SIGTERM waits for what runs")
      ->capture_default_str()
      ->check(CLI::Range(0, kDrainSecondsMax))
      ->envname("MILLRACE_DRAIN_TIMEOUT");

  try {
    app.parse(WithEnvironment(app, argc, argv));
    if (!config.allow_remote) {
      CheckLoopback("--listen", config.listen);
      if (!config.metrics_listen.empty()) CheckLoopback("--metrics-listen", config.metrics_listen);
    }
    config.worker_labels = ReadWorkerLabels(worker_labels);
  } catch (const CLI::ParseError& error) {
    return {.config = std::nullopt, .exit_code = app.exit(error) == 0 ? 0 : kUsageError};
  }

  config.data_folder = data_folder;
  config.port_file = port_file;
  config.backup_folder = backup_folder;
  config.source_folders.assign(source_folders.begin(), source_folders.end());
  config.source_connections = source_connections;
  config.webhooks = webhooks;
  absl::ParseDuration(retention, &config.retention);
  config.metrics_port_file = metrics_port_file;
  config.sync = durability == "sync";
  config.log_format = log_format == "json" ? LogFormat::kJson : LogFormat::kText;
  absl::ParseDuration(slow_call, &config.slow_call);
  if (config.slow_call == absl::ZeroDuration()) config.slow_call = absl::InfiniteDuration();
  config.drain_timeout = absl::Seconds(drain_seconds);
  if (config.workers == 0) config.workers = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return {.config = std::move(config)};
}

}  // namespace millrace::app
