#include "tools/millrace/commands.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tools/millrace/pipeline_options.h"

namespace millrace::cli {
namespace {

constexpr char kGlobalHelp[] =
    "\nEvery command also takes -o table|json, --server HOST:PORT and --retry-for DURATION; see `millrace --help`.";

constexpr char kRootFooter[] =
    "Examples:\n"
    "  millrace services create strike-severity.yaml\n"
    "  millrace run aviation/strike-severity --input birdstrikes.csv --output energy.jsonl --rejects rejects.csv\n"
    "  millrace jobs list --state IN_PROGRESS\n"
    "  millrace pipelines status ID --watch\n"
    "  millrace exceptions groups ID\n"
    "\nEnvironment:\n"
    "  MILLRACE_SERVER  address of the server when --server is not given\n"
    "  NO_COLOR         when set, nothing is coloured\n\n";

}  // namespace

CommandTree::CommandTree(const std::string& default_server)
    : app_("Push records through services on a Millrace server, and see what became of them.", "millrace") {
  options_.server = default_server;
  app_.fallthrough();
  app_.require_subcommand(1);
  app_.footer(absl::StrCat(kRootFooter, std::string(ExitCodeHelp())));
  app_.get_formatter()->column_width(34);
  app_.add_option("-o", options_.output, "How to show results: aligned for people, or one JSON document for programs")
      ->transform(CLI::CheckedTransformer(std::vector<std::pair<std::string, OutputMode>>{{"table", OutputMode::kTable},
                                                                                          {"json", OutputMode::kJson}})
                      .description(""))
      ->type_name("table|json");
  app_.add_option("--server", options_.server, "Address of the server")
      ->type_name("HOST:PORT")
      ->default_str(default_server);
  AddDurationOption(
      &app_, "--retry-for", options_.retry_for,
      "How long to repeat calls while the server cannot be reached (default: 10m where data flows, 1s otherwise)");
  AddRunCommand(*this);
  AddServicesCommands(*this);
  AddPipelinesCommands(*this);
  AddJobsCommands(*this);
  AddSchedulesCommands(*this);
  AddBulkCommands(*this);
  AddExceptionsCommands(*this);
  AddTopCommand(*this);
  AddServerCommands(*this);
}

CLI::App* CommandTree::AddGroup(const std::string& name, const std::string& help) {
  CLI::App* group = app_.add_subcommand(name, help);
  group->require_subcommand(1);
  group->footer("");
  return group;
}

CLI::App* CommandTree::AddCommand(CLI::App* parent, const std::string& name, const std::string& help,
                                  const std::string& examples) {
  CLI::App* command = parent->add_subcommand(name, help);
  std::string footer = "Examples:\n";
  for (const auto line : absl::StrSplit(examples, '\n')) absl::StrAppend(&footer, "  ", line, "\n");
  command->footer(footer + kGlobalHelp);
  return command;
}

CLI::Validator AtLeastOne() {
  const auto check = [](const std::string& text) {
    int64_t number = 0;
    return absl::SimpleAtoi(text, &number) && number >= 1
               ? std::string()
               : absl::StrCat("expected a whole number of at least 1, not ", text);
  };
  return CLI::Validator(check, "", "AtLeastOne");
}

std::vector<std::string> EnumNames(const google::protobuf::EnumDescriptor& descriptor, std::string_view prefix) {
  std::vector<std::string> names;
  for (int i = 0; i < descriptor.value_count(); ++i) {
    if (descriptor.value(i)->number() == 0) continue;
    names.emplace_back(absl::StripPrefix(descriptor.value(i)->name(), std::string(prefix)));
  }
  return names;
}

}  // namespace millrace::cli
