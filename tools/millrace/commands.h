// The command tree: what can be typed, and what is done then.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "google/protobuf/descriptor.h"
#include "tools/millrace/failure.h"
#include "tools/millrace/session.h"

namespace millrace::cli {

/// What a command does. An error is shown by the caller.
using Action = std::function<absl::StatusOr<ExitCode>(Session&)>;

/// The tree as CLI11 parses it, and the action of the command that was typed.
class CommandTree {
 public:
  /// `default_server`: the address when --server is not given.
  explicit CommandTree(const std::string& default_server);
  CommandTree(const CommandTree&) = delete;
  CommandTree& operator=(const CommandTree&) = delete;

  CLI::App& app() { return app_; }
  const GlobalOptions& options() const { return options_; }

  /// The action of the parsed command.
  const Action& action() const { return action_; }

  /// A command that only holds others.
  CLI::App* AddGroup(const std::string& name, const std::string& help);

  /// A command. `examples`: one command line or comment a line.
  CLI::App* AddCommand(CLI::App* parent, const std::string& name, const std::string& help, const std::string& examples);

  /// Makes `run` the action of `command`, with the options as they were parsed.
  template <typename Options>
  void OnRun(CLI::App* command, std::shared_ptr<Options> options,
             absl::StatusOr<ExitCode> (*run)(Session&, const Options&)) {
    command->callback(
        [this, options, run] { action_ = [options, run](Session& session) { return run(session, *options); }; });
  }

 private:
  CLI::App app_;
  GlobalOptions options_;
  Action action_;
};

/// The names of an enum without their prefix, but for its value 0: what an option may be.
std::vector<std::string> EnumNames(const google::protobuf::EnumDescriptor& descriptor, std::string_view prefix);

/// A whole number of at least 1.
CLI::Validator AtLeastOne();

// One function a family of commands, each in a file of its name.
void AddRunCommand(CommandTree& tree);
void AddServicesCommands(CommandTree& tree);
void AddPipelinesCommands(CommandTree& tree);
void AddJobsCommands(CommandTree& tree);
// Of the group `jobs`.
void AddCompareCommand(CommandTree& tree, CLI::App* jobs);
void AddDeleteCommand(CommandTree& tree, CLI::App* jobs);
void AddExportCommand(CommandTree& tree, CLI::App* jobs);
void AddRecordsCommand(CommandTree& tree, CLI::App* jobs);
void AddRetryCommand(CommandTree& tree, CLI::App* jobs);
void AddSubmitCommand(CommandTree& tree, CLI::App* jobs);
void AddSummaryCommand(CommandTree& tree, CLI::App* jobs);
/// pause, resume, continue, cancel, update.
void AddTuningCommands(CommandTree& tree, CLI::App* jobs);
void AddWatchCommand(CommandTree& tree, CLI::App* jobs);
void AddSchedulesCommands(CommandTree& tree);
void AddBulkCommands(CommandTree& tree);
// Of the group `bulk`.
void AddBulkSubmitCommand(CommandTree& tree, CLI::App* bulk);
void AddBulkShowCommand(CommandTree& tree, CLI::App* bulk);
void AddExceptionsCommands(CommandTree& tree);
// Of the group `exceptions`.
void AddExceptionsExportCommand(CommandTree& tree, CLI::App* exceptions);
void AddTopCommand(CommandTree& tree);
/// health, server, version, completion.
void AddServerCommands(CommandTree& tree);

}  // namespace millrace::cli
