// `jobs records`: what became of each record of a job, of some by their ids, or of those that took longest.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/list.h"
#include "tools/millrace/render.h"

namespace millrace::cli {
namespace {

constexpr char kStatePrefix[] = "RECORD_STATE_";
constexpr int64_t kPageSizeMax = 1'000;

struct RecordsOptions {
  std::string id;
  std::vector<std::string> states;
  std::vector<std::string> records;
  bool slowest = false;
  bool with_input = false;
  int64_t limit = 100;
};

absl::StatusOr<ExitCode> Records(Session& session, const RecordsOptions& options) {
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  v1::ListRecordsRequest request;
  request.set_job_id(options.id);
  request.set_page_size(static_cast<int32_t>(std::min(options.limit, kPageSizeMax)));
  request.set_with_input(options.with_input);
  for (const std::string& record : options.records) request.add_ids(record);
  if (options.slowest) request.set_order(v1::RECORD_ORDER_SLOWEST_FIRST);
  for (const std::string& name : options.states) {
    v1::RecordState state = v1::RECORD_STATE_UNSPECIFIED;
    v1::RecordState_Parse(absl::StrCat(kStatePrefix, absl::AsciiStrToUpper(name)), &state);
    request.add_states(state);
  }
  const auto records = TakeFirst(client->AllRecords(request, session.call()), options.limit);
  if (!records.ok()) return During("cannot list the records", records.status());
  if (session.json()) {
    session.PrintJson(
        JsonObject({{"records", JsonArrayOf(records->items, &RecordToJson)}, {"truncated", records->truncated()}}));
    return ExitCode::kOk;
  }
  session.out() << RenderRecords(records->items, session);
  TellEnd(session, *records, "no such record");
  return ExitCode::kOk;
}

}  // namespace

void AddRecordsCommand(CommandTree& tree, CLI::App* jobs) {
  auto options = std::make_shared<RecordsOptions>();
  CLI::App* records =
      tree.AddCommand(jobs, "records", "List the records of a job in push order, and what became of each",
                      "millrace jobs records 01h2xcejqtf2nbrexx3vqjhp41 --state failed --with-input\n"
                      "millrace jobs records 01h2xcejqtf2nbrexx3vqjhp41 --id 12-7 --id 12-8\n"
                      "# whose records they were that took longest\n"
                      "millrace jobs records 01h2xcejqtf2nbrexx3vqjhp41 --slowest --with-input -o json |\n"
                      "  jq -c '.records[] | [.processTime, .input]'");
  records->add_option("ID", options->id, "The job, or its pipeline: the ids are the same")->required();
  records->add_option("--state", options->states, "Only records in this state. May be repeated")
      ->type_name("STATE")
      ->expected(1)
      ->take_all()
      ->check(CLI::IsMember(EnumNames(*v1::RecordState_descriptor(), kStatePrefix), CLI::ignore_case));
  CLI::Option* id =
      records->add_option("--id", options->records, "Only this record. May be repeated, up to 1,000 times")
          ->type_name("SEQUENCE-INDEX")
          ->expected(1)
          ->take_all();
  records
      ->add_flag("--slowest", options->slowest,
                 "Only the 10 records, or fewer, that took longest, slowest first; of the others no time is kept")
      ->excludes(id);
  records->add_flag("--with-input", options->with_input, "With the records as they were pushed");
  records->add_option("--limit", options->limit, "The most records to list")
      ->type_name("N")
      ->check(AtLeastOne())
      ->capture_default_str();
  tree.OnRun(records, options, &Records);
}

}  // namespace millrace::cli
