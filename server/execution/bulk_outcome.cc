#include "server/execution/bulk_outcome.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/core/json_struct.h"
#include "server/core/service_runner.h"
#include "server/execution/text.h"
#include "storage/model/built_in.h"
#include "storage/model/errors.h"
#include "storage/model/job_rules.h"
#include "storage/model/limits.h"

namespace millrace::execution {
namespace {

using model::Job;
using model::JobState;
using model::Outcome;

std::string_view OutcomeName(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSucceeded:
      return "SUCCEEDED";
    case Outcome::kPartial:
      return "PARTIAL";
    case Outcome::kFailedAll:
      return "FAILED_ALL";
    case Outcome::kNone:
      break;
  }
  return "";
}

/// `3 of 10 records failed, 2 were skipped`.
std::string RecordsOf(const Job& child) {
  const model::JobCounters& counters = child.counters;
  std::string text = absl::StrCat(counters.records_failed, " of ", counters.records_submitted, " records failed");
  if (counters.records_discarded > 0) absl::StrAppend(&text, ", ", counters.records_discarded, " were discarded");
  if (const int64_t skipped = model::RecordsSkipped(child); skipped > 0) {
    absl::StrAppend(&text, ", ", skipped, " were skipped");
  }
  return text;
}

std::string Because(const Job& child) {
  return child.state_reason.empty() ? std::string() : absl::StrCat(" (", child.state_reason, ")");
}

int64_t RunNanos(const Job& child) {
  return std::max<int64_t>(0, absl::ToInt64Nanoseconds(child.complete_time - child.create_time));
}

std::string OutputsOf(const Job& child, int32_t attempts, const std::vector<std::string>& selected) {
  const auto text = [](std::string_view value) {
    std::string json;
    core::AppendJsonString(value, json);
    return json;
  };
  std::string seconds;
  core::AppendJsonNumber(static_cast<double>(RunNanos(child)) / 1e9, seconds);
  const model::JobCounters& counters = child.counters;
  // In the order of the definition: see model::JobsService.
  const std::array<std::pair<std::string_view, std::string>, 10> outputs = {{
      {"job_id", text(child.id)},
      {"name", text(child.metadata.name)},
      {"state", text(model::JobStateName(child.state))},
      {"outcome", text(OutcomeName(model::OutcomeOf(child)))},
      {"records_submitted", absl::StrCat(counters.records_submitted)},
      {"records_completed", absl::StrCat(counters.records_completed)},
      {"records_failed", absl::StrCat(counters.records_failed)},
      {"records_skipped", absl::StrCat(model::RecordsSkipped(child))},
      {"run_seconds", seconds},
      {"attempts", absl::StrCat(attempts)},
  }};
  std::string json = "{";
  for (const auto& [name, value] : outputs) {
    if (!selected.empty() && std::ranges::find(selected, name) == selected.end()) continue;
    absl::StrAppend(&json, json.size() > 1 ? "," : "", "\"", std::string(name), "\":", value);
  }
  return json.append("}");
}

}  // namespace

ChildVerdict JudgeChild(const Job& child) {
  if (child.state == JobState::kCancelled) {
    return {.code = std::string(core::record_code::kChildCancelled),
            .message = absl::StrCat("job '", child.id, "' was cancelled", Because(child), ": ", RecordsOf(child))};
  }
  ChildVerdict verdict{.may_try_again = true, .code = std::string(core::record_code::kChildFailed)};
  if (child.state == JobState::kFailed) {
    verdict.message = absl::StrCat("job '", child.id, "' failed", Because(child), ": ", RecordsOf(child));
    return verdict;
  }
  const Outcome outcome = model::OutcomeOf(child);
  if (outcome == Outcome::kSucceeded) return {.succeeded = true};
  if (outcome == Outcome::kPartial) verdict.code = core::record_code::kChildPartial;
  verdict.message = absl::StrCat("job '", child.id, "' ended with the outcome ", std::string(OutcomeName(outcome)),
                                 ": ", RecordsOf(child));
  return verdict;
}

void BulkOutcome::AddChild(std::string_view record, const Job& child, int32_t attempts) {
  ChildVerdict verdict = JudgeChild(child);
  Count(verdict.succeeded, RunNanos(child), attempts);
  if (verdict.succeeded) {
    absl::StrAppend(&outcome_.json_lines, OutputsOf(child, attempts, selected_), "\n");
    return;
  }
  AddFailure(record, std::move(verdict.code), verdict.message, attempts);
}

void BulkOutcome::AddRefused(std::string_view record, const absl::Status& why, int32_t attempts) {
  Count(false, 0, attempts);
  AddFailure(record, std::string(model::ReasonName(model::DetailsOf(why).reason)), std::string(why.message()),
             attempts);
}

void BulkOutcome::AddCancelled(std::string_view record) {
  Count(false, 0, 1);
  AddFailure(record, std::string(core::record_code::kChildCancelled),
             "the bulk run was cancelled before the record had its turn", 1);
}

void BulkOutcome::AddFailure(std::string_view record, std::string code, std::string_view message, int32_t attempts) {
  outcome_.json_lines.append("null\n");
  outcome_.failures.push_back({.index = outcome_.record_count - 1,
                               .node = std::string(model::kJobsNode),
                               .code = std::move(code),
                               .message = CleanText(message, model::kMessageTextBytesMax),
                               .input = std::string(record),
                               .retries = attempts - 1});
}

void BulkOutcome::Count(bool succeeded, int64_t nanos, int32_t attempts) {
  ++outcome_.record_count;
  outcome_.process_time_ns.push_back(nanos);
  outcome_.compute_nanos += nanos;
  if (attempts > 1) ++outcome_.records_retried;
  model::NodeStatistics& node = outcome_.nodes[std::string(model::kJobsNode)];
  ++node.record_count;
  ++(succeeded ? node.success_count : node.failure_count);
  node.run_nanos += nanos;
  node.max_nanos = std::max(node.max_nanos, nanos);
  node.run_times.Add(nanos);
}

model::ChunkOutcome BulkOutcome::Finish(const model::SummarySpec& summary) && {
  if (!summary.aggregations.empty()) outcome_.summary_error = "a bulk run makes no summaries";
  return std::move(outcome_);
}

}  // namespace millrace::execution
