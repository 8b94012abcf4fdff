#include "tools/millrace/render_bulk.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/millrace/human.h"
#include "tools/millrace/render.h"
#include "tools/millrace/table.h"

namespace millrace::cli {
namespace {

std::string Counts(const v1::RecordCounts& counts) {
  std::string text = absl::StrCat(HumanCount(counts.submitted()), ": ", HumanCount(counts.completed()), " completed");
  const auto add = [&](int64_t count, const char* what) {
    if (count > 0) absl::StrAppend(&text, ", ", HumanCount(count), " ", what);
  };
  add(counts.failed(), "failed");
  add(counts.discarded(), "discarded");
  add(counts.skipped(), "skipped");
  add(counts.pending(), "pending");
  return text;
}

/// How much of a job is done; of one whose input is still read, how many records are through.
std::string DoneOf(const v1::Job& job) {
  const int64_t through = RecordsThrough(job.summary());
  const v1::SourceProgress& source = job.source_progress();
  const int64_t total = source.total_known() ? source.total_records() : job.summary().records_submitted();
  if (total <= 0) return IsFinal(job.state()) ? "100%" : "-";
  return absl::StrFormat("%.0f%%", 100.0 * static_cast<double>(through) / static_cast<double>(total));
}

}  // namespace

std::string RenderBulkRun(const v1::Job& bulk, const v1::JobStatistics& statistics,
                          const std::vector<v1::Job>& children, const Session& session) {
  const v1::JobSummary& sums = bulk.summary();
  const v1::ChildStatistics& all = statistics.children();
  std::string jobs = HumanCount(all.jobs());
  if (all.jobs_below() > all.jobs()) absl::StrAppend(&jobs, ", with those below them ", HumanCount(all.jobs_below()));
  if (all.partial()) absl::StrAppend(&jobs, " or more");
  std::string text = RenderFacts(
      {
          {"id", bulk.id()},
          {"name", bulk.metadata().name()},
          {"state", DescribeState(bulk.state(), bulk.outcome())},
          {"why", bulk.state_reason()},
          {"part of", bulk.parent_job_id()},
          {"side by side", absl::StrCat(bulk.configuration().max_workers())},
          {"done", all.has_percent() ? absl::StrFormat("%.1f%%", all.percent()) : ""},
          {"will be done", all.has_eta() ? session.Time(all.eta()) : ""},
          {"entries", absl::StrCat(HumanCount(sums.records_submitted()), ": ", HumanCount(sums.records_completed()),
                                   " completed, ", HumanCount(sums.records_failed()), " failed, ",
                                   HumanCount(sums.records_skipped()), " skipped")},
          {"jobs", jobs},
          {"their records", Counts(all.records())},
          {"run time", HumanDuration(FromProto(sums.run_time()))},
      },
      session.out_style());
  Table table({{"RECORD"},
               {"NAME"},
               {"ID"},
               {"SERVICE"},
               {"STATE"},
               {"DONE", Align::kRight},
               {"RECORDS", Align::kRight},
               {"FAILED", Align::kRight},
               {"RUN TIME", Align::kRight},
               {"WHY"}});
  for (const v1::Job& child : children) {
    const v1::JobSummary& own = child.summary();
    const std::string record = child.parent_attempt() > 1
                                   ? absl::StrCat(child.parent_record(), " (", child.parent_attempt(), ")")
                                   : child.parent_record();
    table.AddRow({record, child.metadata().name(), child.id(), child.service(),
                  DescribeState(child.state(), child.outcome()), DoneOf(child), HumanCount(own.records_submitted()),
                  HumanCount(own.records_failed()), HumanDuration(FromProto(own.run_time())), child.state_reason()});
  }
  if (!table.empty()) absl::StrAppend(&text, "\n", table.Render(session.out_style()));
  return text;
}

}  // namespace millrace::cli
