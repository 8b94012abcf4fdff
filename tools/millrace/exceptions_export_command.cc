// `millrace exceptions export`: the records that failed, as the rejects file that `run` would have written.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/csv_rejects.h"
#include "tools/millrace/human.h"
#include "tools/millrace/output_file.h"
#include "tools/millrace/record_writer.h"
#include "tools/millrace/watch.h"

namespace millrace::cli {
namespace {

using records::FileFormat;

constexpr int32_t kPageSize = 1'000;

struct ExportOptions {
  std::string id;
  std::string output = "-";
  std::string group;
  std::optional<FileFormat> format;
};

/// The format of what the job reads, where that is a file.
std::optional<FileFormat> SourceFormat(const v1::Job& job) {
  if (!job.source().has_file()) return std::nullopt;
  return job.source().file().format() == v1::FILE_FORMAT_CSV ? FileFormat::kCsv : FileFormat::kJsonLines;
}

absl::StatusOr<FileFormat> FormatOf(const ExportOptions& options, const v1::Job& job) {
  if (options.format.has_value()) return *options.format;
  const std::optional<FileFormat> named = records::FormatOfPath(options.output);
  const std::optional<FileFormat> source = SourceFormat(job);
  if (named.has_value() && source.has_value() && *named != *source) {
    return UsageError(
        "--output has the format of the file that the job reads, so that it can be submitted again; name it that way, "
        "or "
        "say --format");
  }
  return source.value_or(named.value_or(FileFormat::kJsonLines));
}

/// The exceptions of a job that nobody has settled.
class Unresolved {
 public:
  Unresolved(const client::Client& client, client::CallOptions call, const ExportOptions& options)
      : client_(client), call_(std::move(call)) {
    request_.set_job_id(options.id);
    request_.set_fingerprint(options.group);
    request_.add_states(v1::EXCEPTION_STATE_UNRESOLVED);
    request_.set_page_size(kPageSize);
  }

  /// Each that has its input, in the order of the input of the job. Returns how many have lost it.
  absl::StatusOr<int64_t> ForEach(const std::function<absl::Status(const v1::RecordException&)>& use) const {
    int64_t lost = 0;
    const absl::Status status =
        client_.AllExceptions(request_, call_).ForEach([&](const v1::RecordException& exception) {
          if (!exception.input().empty()) return use(exception);
          ++lost;
          return absl::OkStatus();
        });
    if (!status.ok()) return status;
    return lost;
  }

  /// The columns of all of them; where none can be read, those of a record that succeeded.
  absl::Status AddColumns(CsvRejects& csv) const {
    const absl::StatusOr<int64_t> passed = ForEach([&](const v1::RecordException& exception) {
      csv.AddColumns(exception.input());
      return absl::OkStatus();
    });
    if (!passed.ok() || csv.has_columns()) return passed.status();
    v1::ListRecordsRequest request;
    request.set_job_id(request_.job_id());
    request.add_states(v1::RECORD_STATE_COMPLETED);
    request.set_with_input(true);
    request.set_page_size(1);
    for (const absl::StatusOr<v1::Record>& record : client_.AllRecords(request, call_)) {
      if (!record.ok()) return record.status();
      csv.AddColumns(record->input());
      if (csv.has_columns()) return absl::OkStatus();
    }
    return absl::FailedPreconditionError("no record of the job tells the columns of a CSV file; take --format jsonl");
  }

 private:
  const client::Client& client_;
  const client::CallOptions call_;
  v1::ListExceptionsRequest request_;
};

absl::StatusOr<ExitCode> Export(Session& session, const ExportOptions& options) {
  const auto client = session.Connect(kStreamRetryFor);
  if (!client.ok()) return client.status();
  v1::GetJobRequest get;
  get.set_job_id(options.id);
  const auto job = client->GetJob(get, session.call());
  if (!job.ok()) return During("the exceptions were not exported", job.status());
  const auto format = FormatOf(options, *job);
  if (!format.ok()) return format.status();

  const Unresolved exceptions(*client, session.call(), options);
  CsvRejects csv;
  const bool is_csv = *format == FileFormat::kCsv;
  if (is_csv) {
    if (absl::Status known = exceptions.AddColumns(csv); !known.ok()) {
      return During("the exceptions were not exported", known);
    }
  }
  auto file = OutputFile::Create(options.output);
  if (!file.ok()) return file.status();
  const auto writer = MakeRejectWriter(*std::move(file), *format, is_csv ? csv.Header() : "");
  if (!writer.ok()) return writer.status();

  int64_t count = 0;
  const auto lost = exceptions.ForEach([&](const v1::RecordException& exception) {
    ++count;
    records::RejectReason reason = {exception.code(), exception.node(), exception.message()};
    if (!is_csv) return (*writer)->Write(exception.input(), reason);
    const auto row = csv.RowOf(exception.input());
    if (!row.ok()) {
      return absl::Status(row.status().code(),
                          absl::StrCat("exception ", exception.id(), ": ", row.status().message()));
    }
    if (!row->problem.empty()) reason.message = row->problem;
    return (*writer)->Write(row->original, reason);
  });
  if (!lost.ok()) return During("the exceptions were not exported", lost.status());
  if (absl::Status committed = (*writer)->Commit(); !committed.ok()) return committed;
  if (options.output != "-") session.err() << HumanCount(count) << " records exported to " << options.output << "\n";
  if (*lost > 0) session.err() << HumanCount(*lost) << " more have lost their input; `exceptions list` has them\n";
  return ExitCode::kOk;
}

}  // namespace

void AddExceptionsExportCommand(CommandTree& tree, CLI::App* exceptions) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = tree.AddCommand(
      exceptions, "export",
      "Write the records whose exceptions are unresolved, each with the reason, to be mended and submitted again as "
      "they are",
      "millrace exceptions export 01h2xcejqtf2nbrexx3vqjhp41 --output rejects.csv\n"
      "$EDITOR rejects.csv\n"
      "millrace run aviation/strike-severity --input rejects.csv --output more.jsonl --rejects still-bad.csv\n"
      "# those of one cause, as JSON Lines\n"
      "millrace exceptions export 01h2xcejqtf2nbrexx3vqjhp41 --group 9f86d081884c7d65 --format jsonl");
  command->add_option("JOB", options->id, "The job")->required();
  command->add_option("--output", options->output, "The file to write; - is the standard output")
      ->type_name("FILE")
      ->capture_default_str();
  command->add_option("--group", options->group, "Only those of this group, as `exceptions groups` names it")
      ->type_name("GROUP");
  command
      ->add_option_function<std::string>(
          "--format",
          [=](const std::string& format) {
            options->format = format == "csv" ? FileFormat::kCsv : FileFormat::kJsonLines;
          },
          "How records are written; without it, as in the file that the job reads, or else as the name of the file "
          "says, or else "
          "JSON Lines")
      ->check(CLI::IsMember({"jsonl", "csv"}).description(""))
      ->type_name("jsonl|csv");
  tree.OnRun(command, options, &Export);
}

}  // namespace millrace::cli
