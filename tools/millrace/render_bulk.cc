#include "tools/millrace/render_bulk.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/json_util.h"
#include "millrace/v1/bulk.pb.h"
#include "tools/millrace/human.h"
#include "tools/millrace/render.h"
#include "tools/millrace/table.h"
#include "tools/millrace/watch.h"

namespace millrace::cli {
namespace {

/// Begins the code of an exception that tells how a job ended; any other says why it was refused.
constexpr char kChildCode[] = "CHILD_";

/// Names records that were run again by their first place.
class RecordNames {
 public:
  explicit RecordNames(const std::vector<v1::RecordException>& exceptions) {
    for (const v1::RecordException& exception : exceptions) {
      const v1::Resolution& resolution = exception.resolution();
      if (resolution.sequence() == 0) continue;
      earlier_[absl::StrCat(resolution.sequence(), "-", resolution.index())] = exception.id();
    }
  }

  /// The name of a job's record. Call it for each job, oldest first: `attempt` is the least that the job can be.
  std::string Next(std::string place, int32_t attempt) {
    int32_t runs = 1;
    for (auto found = earlier_.find(place); found != earlier_.end(); found = earlier_.find(place)) {
      place = found->second;
      ++runs;
    }
    int32_t& last = attempts_[place];
    last = std::max({last + 1, runs, attempt});
    return last > 1 ? absl::StrCat(place, " (", last, ")") : place;
  }

 private:
  /// The place of a record that failed, by the place under which it was run again.
  std::map<std::string, std::string> earlier_;
  /// By the first place of a record.
  std::map<std::string, int32_t> attempts_;
};

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

/// How much of a job is done; `-` where nobody can tell how much there is.
std::string DoneOf(const v1::Job& job) {
  const std::optional<double> share = ProgressOf(job).share;
  if (!share.has_value()) return IsFinal(job.state()) ? "100%" : "-";
  return absl::StrFormat("%.0f%%", 100 * *share);
}

std::string HeldText(const v1::Job& child, v1::ExplainReason reason) {
  switch (reason) {
    case v1::EXPLAIN_REASON_PAUSED:
      return child.pause_reason();
    case v1::EXPLAIN_REASON_OUTPUT_BUFFER_FULL:
      return "its output buffer is full: pull its results";
    case v1::EXPLAIN_REASON_NO_MATCHING_WORKER:
      return "no worker has the labels that it asks for";
    default:
      return "";
  }
}

/// Why a job ended as it did, or gets no further.
std::string WhyOf(const v1::Job& child, const BulkRun& bulk) {
  if (!child.state_reason().empty()) return child.state_reason();
  if (!IsFinal(child.state())) {
    const auto held = bulk.held.find(child.id());
    return held == bulk.held.end() ? "" : HeldText(child, held->second);
  }
  const v1::JobSummary& sums = child.summary();
  if (child.outcome() == v1::OUTCOME_SUCCEEDED) return "";
  const std::string of_all = absl::StrCat(" of ", HumanCount(sums.records_submitted()), " records ");
  std::string why;
  if (sums.records_failed() > 0) absl::StrAppend(&why, HumanCount(sums.records_failed()), of_all, "failed");
  if (sums.records_discarded() > 0) {
    absl::StrAppend(&why, why.empty() ? "" : ", ", HumanCount(sums.records_discarded()), why.empty() ? of_all : " ",
                    "discarded");
  }
  return why;
}

std::string Facts(const BulkRun& bulk, const Session& session) {
  const v1::Job& job = bulk.job;
  const v1::JobSummary& sums = job.summary();
  const v1::ChildStatistics& all = bulk.statistics.children();
  std::string jobs = HumanCount(all.jobs());
  if (all.jobs_below() > all.jobs()) absl::StrAppend(&jobs, ", with those below them ", HumanCount(all.jobs_below()));
  if (all.partial()) absl::StrAppend(&jobs, " or more");
  return RenderFacts(
      {
          {"id", job.id()},
          {"name", job.metadata().name()},
          {"state", DescribeState(job.state(), job.outcome())},
          {"why", job.state_reason()},
          {"part of", job.parent_job_id()},
          {"side by side", absl::StrCat(job.configuration().max_workers())},
          {"done", all.has_percent() ? absl::StrFormat("%.1f%%", all.percent()) : ""},
          {"will be done", all.has_eta() ? session.Time(all.eta()) : ""},
          {"records", absl::StrCat(HumanCount(sums.records_submitted()), ": ", HumanCount(sums.records_completed()),
                                   " completed, ", HumanCount(sums.records_failed()), " failed, ",
                                   HumanCount(sums.records_skipped()), " skipped")},
          {"jobs, with all attempts", jobs},
          {"records of the jobs", Counts(all.records())},
          {"run time", HumanDuration(FromProto(sums.run_time()))},
      },
      session.out_style());
}

}  // namespace

std::vector<v1::RecordException> WithoutJob(const BulkRun& bulk) {
  std::set<std::string> shown;
  for (const v1::Job& child : bulk.children) shown.insert(child.parent_record());
  std::vector<v1::RecordException> without;
  for (const v1::RecordException& exception : bulk.exceptions) {
    if (exception.state() != v1::EXCEPTION_STATE_UNRESOLVED || shown.contains(exception.id())) continue;
    // Its job may be among those that are not shown.
    if (bulk.is_cut && absl::StartsWith(exception.code(), kChildCode)) continue;
    without.push_back(exception);
  }
  return without;
}

std::string RenderBulkRun(const BulkRun& bulk, const Session& session) {
  std::string text = Facts(bulk, session);
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
  RecordNames names(bulk.exceptions);
  for (const v1::Job& child : bulk.children) {
    const v1::JobSummary& own = child.summary();
    table.AddRow({names.Next(child.parent_record(), child.parent_attempt()), child.metadata().name(), child.id(),
                  child.service(), DescribeState(child.state(), child.outcome()), DoneOf(child),
                  HumanCount(own.records_submitted()), HumanCount(own.records_failed()),
                  HumanDuration(FromProto(own.run_time())), WhyOf(child, bulk)});
  }
  for (const v1::RecordException& exception : WithoutJob(bulk)) {
    v1::ChildJob record;
    google::protobuf::util::JsonParseOptions lenient;
    lenient.ignore_unknown_fields = true;
    // What of it cannot be read is not shown; the message says what is wrong with it.
    google::protobuf::util::JsonStringToMessage(exception.input(), &record, lenient).ok();
    const std::string& name = record.name().empty() ? record.metadata().name() : record.name();
    const std::string state = absl::StartsWith(exception.code(), kChildCode)
                                  ? std::string(absl::StripPrefix(exception.code(), kChildCode))
                                  : "REFUSED";
    table.AddRow(
        {names.Next(exception.id(), 1), name, "", record.service(), state, "", "", "", "", exception.message()});
  }
  if (!table.empty()) absl::StrAppend(&text, "\n", table.Render(session.out_style()));
  return text;
}

}  // namespace millrace::cli
