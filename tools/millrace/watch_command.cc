// `jobs watch`: what happens to a job, as it happens.
#include <memory>
#include <string>

#include "tools/millrace/commands.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/render.h"
#include "tools/millrace/watch.h"

namespace millrace::cli {
namespace {

struct WatchOptions {
  std::string id;
  bool allow_exceptions = false;
};

absl::StatusOr<ExitCode> Watch(Session& session, const WatchOptions& options) {
  const auto print = [&](const v1::WatchJobResponse& message) {
    session.PrintJson(message);
    session.out().flush();
  };
  const absl::StatusOr<v1::Job> job =
      session.json() ? WatchUntilEnd(session, options.id, print) : WatchUntilEnd(session, options.id);
  if (!job.ok()) return During("cannot watch the job", job.status());
  if (!session.json()) session.out() << RenderJob(*job, session);
  return ExitCodeOfJob(*job, options.allow_exceptions);
}

}  // namespace

void AddWatchCommand(CommandTree& tree, CLI::App* jobs) {
  auto options = std::make_shared<WatchOptions>();
  CLI::App* command = tree.AddCommand(jobs, "watch", "Show what happens to a job until it ends, and how far it is",
                                      "millrace jobs watch 01h2xcejqtf2nbrexx3vqjhp41\n"
                                      "# every change as JSON, one a line\n"
                                      "millrace jobs watch 01h2xcejqtf2nbrexx3vqjhp41 -o json");
  command->add_option("ID", options->id, "The job, or its pipeline: the ids are the same")->required();
  command->add_flag("--allow-exceptions", options->allow_exceptions, "End with exit code 0 although records failed");
  tree.OnRun(command, options, &Watch);
}

}  // namespace millrace::cli
