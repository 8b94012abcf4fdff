// What nodes and jobs did, in numbers; render.cc has the rest of render.h.
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "tools/millrace/human.h"
#include "tools/millrace/render.h"
#include "tools/millrace/table.h"

namespace millrace::cli {
namespace {

std::string DurationOf(const google::protobuf::Duration& duration) { return HumanDuration(FromProto(duration)); }

std::string WhatHappened(const v1::JobEvent& event) {
  if (event.kind() == v1::JOB_EVENT_KIND_STATE_CHANGED) {
    return absl::StrCat(DescribeState(event.from_state(), v1::OUTCOME_UNSPECIFIED), " -> ",
                        DescribeState(event.to_state(), v1::OUTCOME_UNSPECIFIED));
  }
  return std::string(absl::StripPrefix(v1::JobEventKind_Name(event.kind()), "JOB_EVENT_KIND_"));
}

std::string AuthorOf(const v1::JobEvent& event) { return event.by().empty() ? "server" : event.by(); }

std::string RateText(double per_second) { return HumanRate(std::llround(per_second * 1e6), absl::Seconds(1'000'000)); }

std::vector<std::string> NodeCells(const v1::NodeStatistics& node) {
  return {node.node(),
          HumanCount(node.record_count()),
          HumanCount(node.success_count()),
          HumanCount(node.failure_count()),
          HumanCount(node.hold_count()),
          HumanCount(node.skipped_count()),
          DurationOf(node.run_time()),
          DurationOf(node.p50()),
          DurationOf(node.p95()),
          DurationOf(node.max())};
}

std::vector<TableColumn> NodeColumns() {
  return {{"NODE"},
          {"RECORDS", Align::kRight},
          {"OK", Align::kRight},
          {"FAILED", Align::kRight},
          {"HELD", Align::kRight},
          {"SKIPPED", Align::kRight},
          {"RUN TIME", Align::kRight},
          {"P50", Align::kRight},
          {"P95", Align::kRight},
          {"MAX", Align::kRight}};
}

/// `ADDED 3, UPDATED 1`.
std::string LabelsText(const google::protobuf::RepeatedPtrField<v1::LabelCount>& labels) {
  return absl::StrJoin(labels, ", ", [](std::string* text, const v1::LabelCount& label) {
    absl::StrAppend(text, label.label(), " ", HumanCount(label.count()));
  });
}

void AddTable(const Table& table, const Session& session, std::string& text) {
  if (table.empty()) return;
  absl::StrAppend(&text, text.empty() ? "" : "\n", table.Render(session.out_style()));
}

std::string PercentText(double share) { return absl::StrFormat("%.1f%%", 100 * share); }

Table WorkersTable(const v1::JobStatistics& statistics, const Session& session) {
  Table table({{"WORKER"},
               {"CHUNKS", Align::kRight},
               {"RECORDS", Align::kRight},
               {"FAILED", Align::kRight},
               {"COMPUTE TIME", Align::kRight},
               {"SHARE", Align::kRight},
               {"FIRST COMMIT"},
               {"LAST COMMIT"}});
  for (const v1::WorkerStatistics& worker : statistics.workers()) {
    table.AddRow({worker.worker(), HumanCount(worker.chunks()), HumanCount(worker.records()),
                  HumanCount(worker.records_failed()), DurationOf(worker.compute_time()),
                  PercentText(worker.compute_time_share()), session.Time(worker.first_commit_time()),
                  session.Time(worker.last_commit_time())});
  }
  return table;
}

Table SlowestTable(const v1::JobStatistics& statistics) {
  Table table({{"SLOWEST"}, {"CHUNK"}, {"TIME", Align::kRight}, {"CODE"}, {"LABELS"}, {"WORKER"}});
  for (const v1::SlowRecord& record : statistics.slowest_records()) {
    table.AddRow({absl::StrCat(record.sequence(), "-", record.index()), record.chunk_id(),
                  DurationOf(record.process_time()), record.code().empty() ? "OK" : record.code(),
                  LabelsText(record.labels()), record.worker()});
  }
  return table;
}

/// `12 of about 34`.
std::string RecordsText(const v1::JobStatistics& statistics) {
  const v1::JobSummary& sums = statistics.summary();
  const std::string through = HumanCount(RecordsThrough(sums));
  if (statistics.total_records() == 0) return absl::StrCat(through, " of ", HumanCount(sums.records_submitted()));
  return absl::StrCat(through, " of ", statistics.total_known() ? "" : "about ",
                      HumanCount(statistics.total_records()));
}

std::string DoneText(const v1::JobStatistics& statistics) {
  if (!statistics.has_percent()) return "";
  return absl::StrFormat("%s%.1f%%", statistics.total_known() ? "" : "about ", statistics.percent());
}

}  // namespace

std::string RenderLabels(const google::protobuf::RepeatedPtrField<v1::LabelCount>& labels, const Session& session) {
  Table table({{"LABEL"}, {"COUNT", Align::kRight}});
  for (const v1::LabelCount& label : labels) table.AddRow({label.label(), HumanCount(label.count())});
  return table.empty() ? "" : table.Render(session.out_style());
}

std::string RenderNodeStatistics(const std::vector<v1::NodeStatistics>& nodes, const Session& session) {
  Table table(NodeColumns());
  for (const v1::NodeStatistics& node : nodes) table.AddRow(NodeCells(node));
  return table.empty() ? "" : table.Render(session.out_style());
}

std::string RenderChunks(const std::vector<v1::ChunkInfo>& chunks, const Session& session) {
  std::vector<TableColumn> columns = {{"SEQUENCE", Align::kRight},
                                      {"ID"},
                                      {"STATE"},
                                      {"RECORDS", Align::kRight},
                                      {"SIZE", Align::kRight},
                                      {"ATTEMPTS", Align::kRight},
                                      {"RESULT", Align::kRight},
                                      {"PUSHED"},
                                      {"COMMITTED"},
                                      {"CONFIG HASH"}};
  // Only of a job with a partitioning.
  const bool has_parts =
      std::any_of(chunks.begin(), chunks.end(), [](const v1::ChunkInfo& chunk) { return chunk.has_part(); });
  if (has_parts) columns.push_back({"PART", Align::kRight});
  Table table(std::move(columns));
  for (const v1::ChunkInfo& chunk : chunks) {
    const bool committed = chunk.has_commit_time();
    std::vector<std::string> row = {HumanCount(chunk.sequence()),
                                    chunk.id(),
                                    std::string(absl::StripPrefix(v1::ChunkState_Name(chunk.state()), "CHUNK_STATE_")),
                                    HumanCount(chunk.record_count()),
                                    HumanBytes(chunk.input_size_bytes()),
                                    committed ? HumanCount(chunk.attempts()) : "",
                                    committed ? HumanCount(chunk.result_number()) : "",
                                    session.Time(chunk.push_time()),
                                    committed ? session.Time(chunk.commit_time()) : "",
                                    chunk.config_hash().substr(0, 12)};
    if (has_parts) row.push_back(chunk.has_part() ? HumanCount(chunk.part()) : "");
    table.AddRow(std::move(row));
  }
  return table.empty() ? "" : table.Render(session.out_style());
}

std::string EventLine(const v1::JobEvent& event, const Session& session) {
  std::string line = absl::StrCat(session.Time(event.time()), "  ", WhatHappened(event), " by ", AuthorOf(event));
  if (!event.detail().empty()) absl::StrAppend(&line, ": ", event.detail());
  return line;
}

std::string RenderJobEvents(const std::vector<v1::JobEvent>& events, const Session& session) {
  Table table({{"NUMBER", Align::kRight}, {"TIME"}, {"EVENT"}, {"BY"}, {"DETAIL"}});
  for (const v1::JobEvent& event : events) {
    table.AddRow(
        {HumanCount(event.number()), session.Time(event.time()), WhatHappened(event), AuthorOf(event), event.detail()});
  }
  return table.empty() ? "" : table.Render(session.out_style());
}

std::string RenderJobStatistics(const v1::JobStatistics& statistics, const Session& session) {
  const v1::JobSummary& sums = statistics.summary();
  const int64_t through = RecordsThrough(sums);
  std::string rate;
  if (statistics.has_rate_window()) {
    rate =
        absl::StrCat(RateText(statistics.records_per_second()), " in the last ", DurationOf(statistics.rate_window()));
  }
  std::string eta;
  if (statistics.has_eta_earliest()) {
    eta = absl::StrCat(session.Time(statistics.eta_earliest()), " to ", session.Time(statistics.eta_latest()));
  }
  std::string text = RenderFacts(
      {
          {"id", statistics.job_id()},
          {"service", statistics.service_uri()},
          {"state", DescribeState(statistics.state(), statistics.outcome())},
          {"done", DoneText(statistics)},
          {"records", RecordsText(statistics)},
          {"  failed", sums.records_failed() == 0 ? "" : HumanCount(sums.records_failed())},
          {"  of them held", sums.records_held() == 0 ? "" : HumanCount(sums.records_held())},
          {"  of causes", statistics.exception_groups() == 0 ? "" : HumanCount(statistics.exception_groups())},
          {"  retried", sums.records_retried() == 0 ? "" : HumanCount(sums.records_retried())},
          {"rate", rate},
          {"  average", through == 0 ? "" : RateText(statistics.average_records_per_second())},
          {"run time", DurationOf(sums.run_time())},
          {"compute time", DurationOf(sums.compute_time())},
          {"will be done", eta},
      },
      session.out_style());
  std::vector<TableColumn> columns = NodeColumns();
  columns.push_back({"SHARE", Align::kRight});
  Table table(std::move(columns));
  for (const v1::JobNodeStatistics& node : statistics.nodes()) {
    std::vector<std::string> cells = NodeCells(node.statistics());
    cells.push_back(PercentText(node.run_time_share()));
    table.AddRow(std::move(cells));
  }
  AddTable(table, session, text);
  if (statistics.top_exception_groups_size() > 0) {
    absl::StrAppend(&text, "\n", RenderExceptionGroups(statistics.top_exception_groups(), session));
  }
  if (statistics.labels_size() > 0) absl::StrAppend(&text, "\n", RenderLabels(statistics.labels(), session));
  AddTable(SlowestTable(statistics), session, text);
  AddTable(WorkersTable(statistics, session), session, text);
  return text;
}

}  // namespace millrace::cli
