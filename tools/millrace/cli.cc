#include "tools/millrace/cli.h"

#include <algorithm>
#include <utility>

#include "CLI/CLI.hpp"
#include "tools/millrace/commands.h"
#include "tools/millrace/failure.h"

namespace millrace::cli {
namespace {

/// The deepest command that was typed before the parser gave up: whose help is of use.
const CLI::App& TypedCommand(const CLI::App& app) {
  const CLI::App* deepest = &app;
  for (auto parsed = deepest->get_subcommands(); !parsed.empty(); parsed = deepest->get_subcommands()) {
    deepest = parsed.back();
  }
  return *deepest;
}

std::string CommandLineOf(const CLI::App& command) {
  return command.get_parent() == nullptr ? command.get_name()
                                         : CommandLineOf(*command.get_parent()) + " " + command.get_name();
}

int HandleParseError(const CLI::App& app, const CLI::ParseError& error, const Environment& environment) {
  // Help and version are "errors" of CLI11 with code 0.
  if (error.get_exit_code() == 0) return app.exit(error, *environment.out, *environment.err);
  const CLI::App& command = TypedCommand(app);
  // CLI11 misses the subcommand before it looks at what stands in its place.
  const std::vector<std::string> rest = app.remaining(true);
  const bool is_unknown_command = command.get_require_subcommand_min() > 0 && !rest.empty();
  const absl::Status status =
      UsageError(is_unknown_command ? "no such command: " + CommandLineOf(command) + " " + rest.front()
                                    : std::string(error.what()));
  const std::string hint = "`" + CommandLineOf(command) + " --help` shows what can be given";
  const Session session(environment, {});
  session.err() << RenderFailure(WithHint(status, hint), "", session.err_style());
  return static_cast<int>(ExitCode::kUsage);
}

}  // namespace

std::string Version() { return MILLRACE_VERSION; }

int RunCli(std::vector<std::string> arguments, const Environment& environment) {
  std::string server = environment.variable("MILLRACE_SERVER");
  if (server.empty()) server = client::ClientOptions().endpoint;
  CommandTree tree(server);
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    tree.app().parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return HandleParseError(tree.app(), error, environment);
  }
  Session session(environment, tree.options());
  const absl::StatusOr<ExitCode> code = tree.action()(session);
  if (code.ok()) return static_cast<int>(*code);
  session.err() << RenderFailure(code.status(), session.options().server, session.err_style());
  return static_cast<int>(ExitCodeOf(code.status()));
}

}  // namespace millrace::cli
