// `jobs compare`: what another version of a service would make of the records of a job.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/model/limits.h"
#include "storage/records/input_window.h"
#include "tools/millrace/commands.h"
#include "tools/millrace/human.h"
#include "tools/millrace/sample_options.h"
#include "tools/millrace/table.h"

namespace millrace::cli {
namespace {

struct CompareOptions {
  v1::CompareJobRequest request;
  std::string definition_file;
  SampleOptions sample;
  std::vector<std::string> field_tolerances;
  bool exit_code = false;
};

absl::Status ReadFieldTolerance(const std::string& text, v1::CompareJobRequest& request) {
  const size_t equals = text.rfind('=');
  double tolerance = 0;
  if (equals == std::string::npos || equals == 0 || !absl::SimpleAtod(text.substr(equals + 1), &tolerance)) {
    return UsageError(absl::StrCat("--field-tolerance: expected PATH=NUMBER, such as energy_joule=0.01, not ", text));
  }
  (*request.mutable_field_tolerances())[text.substr(0, equals)] = tolerance;
  return absl::OkStatus();
}

absl::StatusOr<v1::CompareJobRequest> CompareRequestOf(const CompareOptions& options) {
  v1::CompareJobRequest request = options.request;
  if (options.definition_file.empty() == request.service_version().empty()) {
    return UsageError("give one of --service-version and --definition: the code to compare with");
  }
  if (!options.definition_file.empty()) {
    auto definition = records::ReadWholeFile(options.definition_file, model::kDefinitionBytesMax);
    if (!definition.ok()) return definition.status();
    request.set_definition(*std::move(definition));
  }
  SetSample(options.sample, request);
  for (const std::string& text : options.field_tolerances) {
    if (absl::Status read = ReadFieldTolerance(text, request); !read.ok()) return read;
  }
  return request;
}

int64_t NotTheSame(const v1::CompareJobResponse& comparison) {
  return comparison.records_different() + comparison.records_broken() + comparison.records_mended();
}

std::string RenderCounts(const v1::CompareJobResponse& comparison) {
  std::string text = absl::StrCat(
      HumanCount(comparison.records_compared()), " records compared: ", HumanCount(comparison.records_same()),
      " the same, ", HumanCount(comparison.records_different()), " different, ",
      HumanCount(comparison.records_broken()), " broken, ", HumanCount(comparison.records_mended()), " mended, ",
      HumanCount(comparison.records_failing()), " failing under both\n");
  if (comparison.records_skipped() > 0) {
    absl::StrAppend(
        &text, HumanCount(comparison.records_skipped()),
        " records skipped: they have no outcome yet, a person has mended them, or the time of a call was over\n");
  }
  return text;
}

std::string RenderComparison(const v1::CompareJobResponse& comparison, const Session& session) {
  std::string text = RenderCounts(comparison);
  Table fields({{"FIELD"}, {"RECORDS", Align::kRight}, {"LARGEST DIFFERENCE", Align::kRight}});
  for (const v1::FieldComparison& field : comparison.fields()) {
    fields.AddRow({field.path(), HumanCount(field.records_different()),
                   field.largest_difference() > 0 ? HumanNumber(field.largest_difference()) : ""});
  }
  if (!fields.empty()) absl::StrAppend(&text, "\n", fields.Render(session.out_style()));
  Table records({{"RECORD"}, {"FIELD"}, {"BEFORE"}, {"AFTER"}});
  for (const v1::RecordDifference& record : comparison.differences()) {
    const std::string place = absl::StrCat(record.sequence(), "-", record.index());
    for (const v1::FieldDifference& field : record.fields()) {
      records.AddRow({place, field.path(), field.before(), field.after()});
    }
    if (record.fields().empty()) {
      const bool mended = record.error_after().empty();
      records.AddRow(
          {place, "", mended ? record.error_before() : "outputs", mended ? "outputs" : record.error_after()});
    }
  }
  if (!records.empty()) absl::StrAppend(&text, "\n", records.Render(session.out_style()));
  return text;
}

absl::StatusOr<ExitCode> Compare(Session& session, const CompareOptions& options) {
  const auto request = CompareRequestOf(options);
  if (!request.ok()) return request.status();
  const auto client = session.Connect();
  if (!client.ok()) return client.status();
  const auto comparison = client->CompareJob(*request, session.call());
  if (!comparison.ok()) return During("cannot compare the job", comparison.status());
  if (session.json()) {
    session.PrintJson(*comparison);
  } else {
    session.out() << RenderComparison(*comparison, session);
  }
  return options.exit_code && NotTheSame(*comparison) > 0 ? ExitCode::kExceptions : ExitCode::kOk;
}

}  // namespace

void AddCompareCommand(CommandTree& tree, CLI::App* jobs) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* command = tree.AddCommand(
      jobs, "compare",
      "Run a sample of a job under other code and show what would come out differently; stores nothing",
      "millrace jobs compare 01h2xcejqtf2nbrexx3vqjhp41 --service-version 1.1.0\n"
      "# before the definition is published:\n"
      "millrace jobs compare 01h2xcejqtf2nbrexx3vqjhp41 --definition fixed.yaml --sample-every 100\n"
      "millrace jobs compare JOB --service-version 2.0.0 --relative-tolerance 1e-9 --field-tolerance price=0.01");
  command
      ->add_option(
          "ID",
          [raw = options.get()](const CLI::results_t& values) {
            raw->request.set_job_id(values.at(0));
            return true;
          },
          "The job, or its pipeline: the ids are the same")
      ->required();
  command
      ->add_option_function<std::string>(
          "--service-version",
          [raw = options.get()](const std::string& text) { raw->request.set_service_version(text); },
          "A version of the service of the job")
      ->type_name("VERSION");
  command->add_option("--definition", options->definition_file, "A definition that is not stored: a file")
      ->type_name("FILE");
  AddSampleOptions(command, options->sample, "The first N records (default: 1000)",
                   "The first record and each N-th behind it");
  command
      ->add_option_function<double>(
          "--tolerance", [raw = options.get()](double value) { raw->request.set_tolerance(value); },
          "Numbers that lie no farther apart are the same")
      ->type_name("X");
  command
      ->add_option_function<double>(
          "--relative-tolerance", [raw = options.get()](double value) { raw->request.set_relative_tolerance(value); },
          "The same, as a share of the larger number")
      ->type_name("X");
  command
      ->add_option("--field-tolerance", options->field_tolerances,
                   "In place of both for one field, such as items[].price=0.01. May be repeated")
      ->type_name("PATH=X")
      ->expected(1)
      ->take_all();
  command
      ->add_option_function<int32_t>(
          "--show", [raw = options.get()](int32_t count) { raw->request.set_max_differences(count); },
          "The most records to show (default: 20)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000).description(""));
  command->add_flag("--exit-code", options->exit_code, "End with exit code 3 when anything is not the same");
  tree.OnRun(command, options, &Compare);
}

}  // namespace millrace::cli
