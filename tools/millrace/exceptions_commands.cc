#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/run_report.h"

namespace millrace::cli {
namespace {

struct ExceptionsOptions {
  std::string id;
  std::string group;
  int64_t limit = 100;
};

absl::StatusOr<ExitCode> List(Session& session, const ExceptionsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ListExceptionsRequest request;
  request.set_job_id(options.id);
  request.set_fingerprint(options.group);
  Table table({{"ID"}, {"CODE"}, {"NODE"}, {"ATTEMPTS"}, {"MESSAGE"}, {"INPUT"}});
  std::vector<std::string> list;
  bool is_cut = false;
  for (const absl::StatusOr<v1::RecordException>& exception : client->AllExceptions(request, session.call())) {
    if (!exception.ok()) return During("cannot list the exceptions", exception.status());
    is_cut = static_cast<int64_t>(list.size()) == options.limit;
    if (is_cut) break;
    list.push_back(ExceptionToJson(*exception));
    table.AddRow({exception->id(), exception->code(), exception->node(),
                  absl::StrCat(std::max(exception->attempts(), 1)), exception->message(), exception->input()});
  }
  if (session.json()) {
    session.PrintJson(JsonObject({{"exceptions", JsonArray(list)}, {"truncated", is_cut ? "true" : "false"}}));
    return ExitCode::kOk;
  }
  if (!table.empty()) session.out() << table.Render(session.out_style());
  if (table.empty()) session.err() << "no exception\n";
  if (is_cut) session.err() << "there are more; --limit shows them\n";
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Groups(Session& session, const ExceptionsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ListExceptionGroupsRequest request;
  request.set_job_id(options.id);
  std::vector<v1::ExceptionGroup> groups;
  auto status = client->AllExceptionGroups(request, session.call()).ForEach([&](const v1::ExceptionGroup& group) {
    groups.push_back(group);
    return absl::OkStatus();
  });
  if (!status.ok()) return During("cannot list the exception groups", status);
  if (session.json()) {
    std::vector<std::string> list;
    for (const v1::ExceptionGroup& group : groups) list.push_back(ToJson(group));
    session.PrintJson(JsonObject({{"groups", JsonArray(list)}}));
    return ExitCode::kOk;
  }
  session.out() << RenderGroups(groups, session.out_style());
  if (groups.empty()) session.err() << "no exception\n";
  return ExitCode::kOk;
}

}  // namespace

void AddExceptionsCommands(CommandTree& tree) {
  CLI::App* group = tree.AddGroup("exceptions", "Exceptions: records that failed, kept with their input and reason");
  auto list_options = std::make_shared<ExceptionsOptions>();
  CLI::App* list = tree.AddCommand(group, "list", "List the exceptions of a job in the order of its input",
                                   "millrace exceptions list 01h2xcejqtf2nbrexx3vqjhp41 --limit 20\n"
                                   "millrace exceptions list 01h2xcejqtf2nbrexx3vqjhp41 --group 9f86d081884c7d65\n"
                                   "# the records alone, ready to be mended\n"
                                   "millrace exceptions list ID -o json | jq -c '.exceptions[].input'");
  list->add_option("ID", list_options->id, "The job")->required();
  list->add_option("--group", list_options->group, "Only exceptions of this group, as `exceptions groups` names it")
      ->type_name("GROUP");
  list->add_option("--limit", list_options->limit, "The most exceptions to list")
      ->type_name("N")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  tree.OnRun(list, list_options, &List);

  auto groups_options = std::make_shared<ExceptionsOptions>();
  CLI::App* groups =
      tree.AddCommand(group, "groups", "Count the exceptions of a job by cause: node, code and message, largest first",
                      "millrace exceptions groups 01h2xcejqtf2nbrexx3vqjhp41");
  groups->add_option("ID", groups_options->id, "The job")->required();
  tree.OnRun(groups, groups_options, &Groups);
}

}  // namespace millrace::cli
