// `millrace bulk show`: a bulk run and its jobs.
#include <cstdint>
#include <memory>
#include <string>

#include "tools/millrace/bulk_run.h"
#include "tools/millrace/commands.h"

namespace millrace::cli {
namespace {

struct ShowOptions {
  std::string id;
  int64_t limit = kBulkRunJobs;
};

absl::StatusOr<ExitCode> Show(Session& session, const ShowOptions& options) {
  constexpr char kDoing[] = "cannot show the bulk run";
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const absl::StatusOr<v1::Job> bulk = GetBulkRun(session, *client, options.id);
  if (!bulk.ok()) return During(kDoing, bulk.status());
  absl::Status printed = PrintBulkRun(session, *client, *bulk, options.limit);
  if (!printed.ok()) return During(kDoing, printed);
  return ExitCode::kOk;
}

}  // namespace

void AddBulkShowCommand(CommandTree& tree, CLI::App* bulk) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* show = tree.AddCommand(bulk, "show", "Show a bulk run, its jobs, and how far all of it is",
                                   "millrace bulk show 01h2xcejqtf2nbrexx3vqjhp41\n"
                                   "millrace bulk show 01h2xcejqtf2nbrexx3vqjhp41 -o json | jq .statistics.children");
  show->add_option("ID", options->id, "The bulk run")->required();
  show->add_option("--limit", options->limit, "The most jobs to show, oldest first")
      ->type_name("N")
      ->check(AtLeastOne())
      ->capture_default_str();
  tree.OnRun(show, options, &Show);
}

}  // namespace millrace::cli
