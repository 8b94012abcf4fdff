#include "tools/millrace/run_report.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/records/json_text.h"
#include "tools/millrace/human.h"
#include "tools/millrace/json_output.h"
#include "tools/millrace/render.h"

namespace millrace::cli {
namespace {

/// Empty for none.
std::string RenderGroups(const std::vector<v1::ExceptionGroup>& groups, const Style& style) {
  Table table({{"COUNT", Align::kRight}, {"CODE"}, {"NODE"}, {"MESSAGE"}, {"GROUP"}});
  for (const v1::ExceptionGroup& group : groups) {
    table.AddRow(
        {HumanCount(group.count()), group.code(), group.node(), group.normalised_message(), group.fingerprint()});
  }
  return table.empty() ? "" : table.Render(style);
}

}  // namespace

std::string ReportToJson(const RunReport& report) {
  std::vector<std::string> groups;
  for (const v1::ExceptionGroup& group : report.groups) groups.push_back(ToJson(group));
  std::vector<std::string> summary;
  for (const v1::SummaryValue& value : report.summary) summary.push_back(ToJson(value));
  const double seconds = absl::ToDoubleSeconds(report.elapsed);
  std::vector<std::pair<std::string_view, std::string>> fields = {
      {"pipelineId", records::JsonString(report.job.id())},
      {"service", records::JsonString(report.job.service_uri())},
      {"state", records::JsonString(v1::JobState_Name(report.job.state()))},
      {"outcome", records::JsonString(v1::Outcome_Name(report.job.outcome()))},
      {"records", absl::StrCat(report.records)},
      {"results", absl::StrCat(report.records - report.failed)},
      {"exceptions", absl::StrCat(report.failed)},
      {"skippedRows", absl::StrCat(report.skipped_rows)},
      {"exceptionGroups", JsonArray(groups)},
      {"summary", JsonArray(summary)},
      {"summaryError", records::JsonString(report.summary_error)},
      {"output", records::JsonString(report.output_path)},
      {"rejects", records::JsonString(report.rejects_path)},
      {"seconds", absl::StrCat(seconds)},
      {"recordsPerSecond", absl::StrCat(seconds > 0 ? static_cast<double>(report.records) / seconds : 0)},
  };
  return JsonObject(fields);
}

std::string RenderReport(const RunReport& report, const Style& style) {
  const std::string to_rejects = report.rejects_path.empty() ? "" : absl::StrCat(" -> ", report.rejects_path);
  const std::string to_output =
      absl::StrCat(" -> ", report.output_path == "-" ? "the standard output" : report.output_path);
  std::vector<std::pair<std::string, std::string>> facts = {
      {"pipeline", report.job.id()},
      {"service", report.job.service_uri()},
      {"state", DescribeState(report.job.state(), report.job.outcome())},
      {"records", HumanCount(report.records)},
      {"results", HumanCount(report.records - report.failed) + to_output},
      {"exceptions", HumanCount(report.failed) + (report.failed > 0 ? to_rejects : "")},
      {"skipped rows", report.skipped_rows > 0 ? HumanCount(report.skipped_rows) + to_rejects : ""},
  };
  for (const v1::SummaryValue& value : report.summary) {
    facts.emplace_back(absl::StrCat(v1::AggregationOperator_Name(value.operator_()), " ", value.output_name()),
                       value.has_value() ? HumanNumber(value.value()) : "none");
  }
  if (report.chunks_without_summary > 0) {
    facts.emplace_back("summary lacks",
                       absl::StrCat(HumanCount(report.chunks_without_summary), " chunks: ", report.summary_error));
  }
  facts.emplace_back("time",
                     absl::StrCat(HumanDuration(report.elapsed), " (", HumanRate(report.records, report.elapsed), ")"));
  std::string text = RenderFacts(facts, style);
  if (!report.groups.empty()) absl::StrAppend(&text, "\n", RenderGroups(report.groups, style));
  return text;
}

}  // namespace millrace::cli
