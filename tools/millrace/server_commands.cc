#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/records/json_text.h"
#include "tools/millrace/cli.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/completion.h"
#include "tools/millrace/json_output.h"

namespace millrace::cli {
namespace {

// `version` is about this program; a server that does not answer at once is left out.
constexpr absl::Duration kVersionTimeout = absl::Seconds(2);

struct NoOptions {};

struct BackupOptions {
  std::string name;
};

struct CompletionOptions {
  std::string shell;
  CommandTree* tree = nullptr;
};

absl::StatusOr<ExitCode> Health(Session& session, const NoOptions&) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const absl::Status health = client->CheckHealth(session.call());
  const std::string& server = session.options().server;
  if (session.json()) {
    session.PrintJson(JsonObject({{"server", records::JsonString(server)},
                                  {"status", health.ok() ? "\"SERVING\"" : "\"NOT_SERVING\""},
                                  {"message", records::JsonString(std::string(health.message()))}}));
    return ExitCodeOf(health);
  }
  if (!health.ok()) return During(absl::StrCat("the server at ", server, " does not serve"), health);
  session.out() << session.out_style().Green("serving") << ": " << server << "\n";
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> CreateBackup(Session& session, const BackupOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::CreateBackupRequest request;
  request.set_name(options.name);
  const auto backup = client->CreateBackup(request, session.call());
  if (!backup.ok()) return During("the backup was not made", backup.status());
  if (session.json()) {
    session.PrintJson(*backup);
    return ExitCode::kOk;
  }
  session.out() << "backup " << Printable(backup->path()) << " on the server: " << backup->job_count() << " jobs, "
                << backup->file_count() << " files, " << backup->bytes() << " bytes, verified\n";
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> ShowVersion(Session& session, const NoOptions&) {
  const auto client = session.Connect(absl::ZeroDuration());
  if (!client.ok()) return client.status();
  client::CallOptions call = session.call();
  call.timeout = kVersionTimeout;
  const auto description = client->DescribePipelines({}, call);
  if (session.json()) {
    session.PrintJson(JsonObject({{"version", records::JsonString(Version())},
                                  {"server", description.ok() ? ToJson(description->server()) : "null"}}));
    return ExitCode::kOk;
  }
  session.out() << "millrace " << Version() << "\n";
  session.out() << "server   "
                << (description.ok() ? Printable(description->server().version()) : std::string("not reachable"))
                << " at " << Printable(session.options().server) << "\n";
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Completion(Session& session, const CompletionOptions& options) {
  session.out() << CompletionScript(options.tree->app(), options.shell);
  return ExitCode::kOk;
}

}  // namespace

void AddServerCommands(CommandTree& tree) {
  CLI::App* health =
      tree.AddCommand(&tree.app(), "health", "Ask whether the server serves; exit code 5 when not",
                      "millrace health && echo ready\nmillrace health --server db7.example:7400 -o json");
  tree.OnRun(health, std::make_shared<NoOptions>(), &Health);

  CLI::App* server = tree.AddGroup("server", "Look after the server itself");
  auto backup_options = std::make_shared<BackupOptions>();
  CLI::App* backup = tree.AddCommand(server, "backup", "Make a backup on the server, while it serves, and verify it",
                                     "millrace server backup monday\nmillrace server backup $(date +%F) -o json");
  backup->add_option("NAME", backup_options->name, "A new folder of this name in the server's --backup-dir")
      ->required()
      ->type_name("");
  tree.OnRun(backup, backup_options, &CreateBackup);

  CLI::App* version = tree.AddCommand(&tree.app(), "version", "Show the versions of this program and of the server",
                                      "millrace version");
  tree.OnRun(version, std::make_shared<NoOptions>(), &ShowVersion);

  auto options = std::make_shared<CompletionOptions>();
  options->tree = &tree;
  CLI::App* completion =
      tree.AddCommand(&tree.app(), "completion", "Print a script that completes commands and options in a shell",
                      "source <(millrace completion bash)\n"
                      "millrace completion zsh > ~/.zfunc/_millrace\n"
                      "millrace completion fish > ~/.config/fish/completions/millrace.fish");
  completion->add_option("SHELL", options->shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""))
      ->type_name("bash|zsh|fish");
  tree.OnRun(completion, options, &Completion);
}

}  // namespace millrace::cli
