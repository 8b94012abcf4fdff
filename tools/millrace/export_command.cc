// `millrace jobs export`: every record of a job once, with what became of it, as a file.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/human.h"
#include "tools/millrace/output_file.h"
#include "tools/millrace/progress.h"
#include "tools/millrace/watch.h"

namespace millrace::cli {
namespace {

constexpr char kStatePrefix[] = "RECORD_STATE_";

struct ExportOptions {
  std::string id;
  std::string output = "-";
  /// Empty: by the name of the file.
  std::string format;
  std::vector<std::string> states;
  bool with_input = false;
  bool with_place = false;
};

v1::ExportJobRequest RequestOf(const ExportOptions& options) {
  v1::ExportJobRequest request;
  request.set_job_id(options.id);
  const bool is_csv =
      options.format.empty() ? absl::EndsWithIgnoreCase(options.output, ".csv") : options.format == "csv";
  request.set_format(is_csv ? v1::EXPORT_FORMAT_CSV : v1::EXPORT_FORMAT_JSON_LINES);
  request.set_with_input(options.with_input);
  request.set_with_place(options.with_place);
  for (const std::string& name : options.states) {
    v1::RecordState state = v1::RECORD_STATE_UNSPECIFIED;
    v1::RecordState_Parse(absl::StrCat(kStatePrefix, absl::AsciiStrToUpper(name)), &state);
    request.add_states(state);
  }
  return request;
}

ProgressState StateOf(const v1::ExportJobResponse& piece) {
  ProgressState state{.records = piece.records_passed(), .failed = 0, .share = {}};
  if (piece.records_total() > 0) {
    state.share = static_cast<double>(piece.records_passed()) / static_cast<double>(piece.records_total());
  }
  return state;
}

/// A file that grows by the pieces of a stream, or of several.
struct ExportFile {
  OutputFile& file;
  /// The last piece, without its bytes.
  v1::ExportJobResponse last = {};
  /// Why a piece could not be written.
  absl::Status written = absl::OkStatus();
};

/// Writes pieces until the file is complete, the stream breaks or the disk does. Returns how the stream ended.
absl::Status Receive(Session& session, const client::Client& client, const v1::ExportJobRequest& request,
                     Progress& progress, ExportFile& to) {
  const auto stream = client.ExportJob(request, session.call());
  for (v1::ExportJobResponse piece; stream->Read(piece);) {
    progress.OnReply();
    to.written = to.file.Append(piece.data());
    if (!to.written.ok()) return to.written;
    piece.clear_data();
    to.last.Swap(&piece);
    progress.Update(StateOf(to.last));
  }
  return stream->Finish();
}

absl::StatusOr<ExitCode> Export(Session& session, const ExportOptions& options) {
  const Environment& environment = session.environment();
  // Beside rows that are shown, only what goes wrong.
  const bool is_shown = options.output == "-";
  Progress progress({.out = &session.err(),
                     .bar = environment.err_is_terminal && !is_shown,
                     .updates = !is_shown,
                     .columns = environment.terminal_columns},
                    environment.timer);
  const auto client = session.Connect(kStreamRetryFor, [&](const absl::Status& failure) { progress.OnRetry(failure); });
  if (!client.ok()) return client.status();
  auto file = OutputFile::Create(options.output);
  if (!file.ok()) return file.status();
  v1::ExportJobRequest request = RequestOf(options);
  ExportFile to{.file = **file};
  while (!to.last.ended()) {
    const absl::Status received = Receive(session, *client, request, progress, to);
    if (!to.written.ok()) return to.written;
    if (to.last.ended()) break;
    if (received.ok()) return absl::InternalError("the job was not exported: the server ended the file too early");
    if (absl::Status again = AwaitStream(session, *client, options.id, received); !again.ok()) {
      return During("the job was not exported", again);
    }
    // Behind what is written already.
    request.set_resume_token(to.last.resume_token());
  }
  progress.Finish(StateOf(to.last));
  if (absl::Status committed = (*file)->Commit(); !committed.ok()) return committed;
  if (options.output != "-") {
    session.err() << HumanCount(to.last.rows()) << " records exported to " << options.output << "\n";
  }
  return ExitCode::kOk;
}

}  // namespace

void AddExportCommand(CommandTree& tree, CLI::App* jobs) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command =
      tree.AddCommand(jobs, "export", "Write every record of a job once, in push order, with what became of it",
                      "millrace jobs export 01h2xcejqtf2nbrexx3vqjhp41 --output job.jsonl\n"
                      "# a table: the outputs, the state, and why a record failed\n"
                      "millrace jobs export 01h2xcejqtf2nbrexx3vqjhp41 --output job.csv --with-input\n"
                      "# the records that have no result, with their input\n"
                      "millrace jobs export 01h2xcejqtf2nbrexx3vqjhp41 --state failed --with-input");
  command->add_option("ID", options->id, "The job, or its pipeline: the ids are the same")->required();
  command->add_option("--output", options->output, "The file to write; - is the standard output")
      ->type_name("FILE")
      ->capture_default_str();
  command
      ->add_option("--format", options->format,
                   "How records are written; without it, the name of the file says: .csv, or else JSON Lines")
      ->check(CLI::IsMember({"jsonl", "csv"}).description(""))
      ->type_name("jsonl|csv");
  command->add_option("--state", options->states, "Only records in this state. May be repeated")
      ->type_name("STATE")
      ->expected(1)
      ->take_all()
      ->check(CLI::IsMember(EnumNames(*v1::RecordState_descriptor(), kStatePrefix), CLI::ignore_case));
  command->add_flag("--with-input", options->with_input, "Each record with its input, as it was pushed");
  command->add_flag("--with-place", options->with_place, "CSV: begin each row with the chunk and index of its record");
  tree.OnRun(command, options, &Export);
}

}  // namespace millrace::cli
