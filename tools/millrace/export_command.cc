// `millrace jobs export`: every record of a job once, with what became of it.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "storage/records/json_text.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/output_file.h"

namespace millrace::cli {
namespace {

constexpr char kStatePrefix[] = "RECORD_STATE_";

struct ExportOptions {
  std::string id;
  std::string output = "-";
  std::vector<std::string> states;
  bool with_input = false;
};

std::string StateOf(const v1::Record& record) {
  return std::string(absl::StripPrefix(v1::RecordState_Name(record.state()), kStatePrefix));
}

/// The record as it is where it is JSON, and as a text where it is not.
std::string AsJson(const std::string& record) {
  return records::JsonObjectScanner().Scan(record) ? record : records::JsonString(record);
}

std::string LineOf(const v1::Record& record) {
  std::vector<std::pair<std::string_view, std::string>> fields = {
      {"id", records::JsonString(absl::StrCat(record.sequence(), "-", record.index()))},
      {"chunk", records::JsonString(record.chunk_id())},
      {"state", records::JsonString(StateOf(record))}};
  if (!record.outputs().empty()) fields.emplace_back("outputs", record.outputs());
  if (!record.code().empty()) {
    fields.emplace_back("error", JsonObject({{"exception", records::JsonString(record.exception_id())},
                                             {"node", records::JsonString(record.node())},
                                             {"code", records::JsonString(record.code())},
                                             {"message", records::JsonString(record.message())}}));
  }
  if (!record.input().empty()) fields.emplace_back("input", AsJson(record.input()));
  return JsonObject(fields) + "\n";
}

absl::StatusOr<ExitCode> Export(Session& session, const ExportOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  auto file = OutputFile::Create(options.output);
  if (!file.ok()) return file.status();
  v1::ListRecordsRequest request;
  request.set_job_id(options.id);
  request.set_page_size(1'000);
  request.set_with_input(options.with_input);
  for (const std::string& name : options.states) {
    v1::RecordState state = v1::RECORD_STATE_UNSPECIFIED;
    v1::RecordState_Parse(absl::StrCat(kStatePrefix, absl::AsciiStrToUpper(name)), &state);
    request.add_states(state);
  }
  int64_t count = 0;
  absl::Status exported = client->AllRecords(request, session.call()).ForEach([&](const v1::Record& record) {
    ++count;
    return (*file)->Append(LineOf(record));
  });
  if (!exported.ok()) return During("the job was not exported", exported);
  if (absl::Status committed = (*file)->Commit(); !committed.ok()) return committed;
  if (options.output != "-") session.err() << HumanCount(count) << " records exported to " << options.output << "\n";
  return ExitCode::kOk;
}

}  // namespace

void AddExportCommand(CommandTree& tree, CLI::App* jobs) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = tree.AddCommand(
      jobs, "export", "Write every record of a job once, in push order, with what became of it, as JSON Lines",
      "millrace jobs export 01h2xcejqtf2nbrexx3vqjhp41 --output job.jsonl\n"
      "# the records that have no result, with their input\n"
      "millrace jobs export 01h2xcejqtf2nbrexx3vqjhp41 --state failed --with-input");
  command->add_option("ID", options->id, "The job, or its pipeline: the ids are the same")->required();
  command->add_option("--output", options->output, "The file to write; - is the standard output")
      ->type_name("FILE")
      ->capture_default_str();
  command->add_option("--state", options->states, "Only records in this state. May be repeated")
      ->type_name("STATE")
      ->expected(1)
      ->take_all()
      ->check(CLI::IsMember(EnumNames(*v1::RecordState_descriptor(), kStatePrefix), CLI::ignore_case));
  command->add_flag("--with-input", options->with_input, "Each record with its input, as it was pushed");
  tree.OnRun(command, options, &Export);
}

}  // namespace millrace::cli
