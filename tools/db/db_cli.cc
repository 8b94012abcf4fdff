#include "tools/db/db_cli.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "tools/db/commands.h"

namespace millrace::db {
namespace {

constexpr char kFooter[] = R"(Examples:
  millrace-db stats /var/lib/millrace
  millrace-db scan /var/lib/millrace --family chunks --job default/job-1
  millrace-db verify /var/lib/millrace
  millrace-db backup /var/lib/millrace /var/backups/millrace/monday
  millrace-db verify --backup /var/backups/millrace/monday
  millrace-db restore /var/backups/millrace/monday /var/lib/millrace-new

A folder that a server has open is refused. While the server runs, `millrace server backup NAME` makes a backup.
Exit codes: 0 all is well, 1 something is wrong with what was read, 2 wrong command line, 3 it could not be read or
written.)";

/// The command that was typed.
using Action = std::function<absl::StatusOr<ExitCode>(const Environment&)>;

void AddCommands(CLI::App& app, Action& action) {
  CLI::App* stats = app.add_subcommand("stats", "Count jobs by state, and rows and bytes by family");
  auto stats_folder = std::make_shared<std::string>();
  stats->add_option("FOLDER", *stats_folder, "The data folder")->required();
  stats->callback([&action, stats_folder] { action = [=](const auto& world) { return Stats(*stats_folder, world); }; });

  CLI::App* scan = app.add_subcommand("scan", "List keys, taken apart by name, with the size of their rows");
  auto query = std::make_shared<ScanQuery>();
  scan->add_option("FOLDER", query->folder, "The data folder")->required();
  scan->add_option("--family", query->family, "Only this family; see docs/STORAGE_FORMAT.md");
  scan->add_option("--job", query->job, "Only keys of this job, TENANT/JOB; or of a whole tenant, TENANT/");
  scan->add_option("--limit", query->limit, "The most keys to list")->capture_default_str()->check(CLI::PositiveNumber);
  scan->callback([&action, query] { action = [=](const auto& world) { return Scan(*query, world); }; });

  CLI::App* verify = app.add_subcommand(
      "verify", "Read everything: every row decodes, sums are right, results and exceptions agree with their chunks");
  auto verify_folder = std::make_shared<std::string>();
  auto is_backup = std::make_shared<bool>(false);
  verify->add_option("FOLDER", *verify_folder, "The data folder, or the backup")->required();
  verify->add_flag("--backup", *is_backup, "FOLDER is a backup: also compare its files with its manifest");
  verify->callback([&action, verify_folder, is_backup] {
    action = [=](const auto& world) { return Verify(*verify_folder, *is_backup, world); };
  });

  CLI::App* backup = app.add_subcommand("backup", "Save a folder that no server has open");
  CLI::App* restore = app.add_subcommand("restore", "Make a data folder of a backup");
  for (const auto& [command, run] : {std::pair{backup, &Backup}, std::pair{restore, &Restore}}) {
    auto from = std::make_shared<std::string>();
    auto to = std::make_shared<std::string>();
    const bool saves = command == backup;
    command->add_option(saves ? "FOLDER" : "BACKUP", *from, saves ? "The data folder" : "A finished backup")
        ->required();
    command
        ->add_option(saves ? "BACKUP" : "FOLDER", *to,
                     saves ? "Where to save it; must not exist" : "Must be empty, or not exist")
        ->required();
    const auto verb = run;
    command->callback(
        [&action, from, to, verb] { action = [=](const auto& world) { return verb(*from, *to, world); }; });
  }
}

}  // namespace

int RunDb(std::vector<std::string> arguments, const Environment& environment) {
  CLI::App app("Looks at the data folder of a Millrace server, saves it and brings it back.", "millrace-db");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", absl::StrCat("millrace-db ", MILLRACE_VERSION));
  Action action;
  AddCommands(app, action);
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return app.exit(error, environment.out, environment.err) == 0 ? kOk : kUsage;
  }
  const absl::StatusOr<ExitCode> code = action(environment);
  if (code.ok()) return *code;
  environment.err << "millrace-db: " << std::string(code.status().message()) << "\n";
  const bool unsound = model::HasReason(code.status(), model::Reason::kBackupUnsound) ||
                       model::HasReason(code.status(), model::Reason::kStorageCorrupt);
  return unsound ? kUnsound : kFailed;
}

}  // namespace millrace::db
