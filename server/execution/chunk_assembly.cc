#include "server/execution/chunk_assembly.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/service_runner.h"
#include "server/execution/text.h"
#include "storage/model/limits.h"

namespace millrace::execution {
namespace {

using model::AggregationOperator;

/// Adds what a part has to say about one aggregation.
void Merge(const model::SummaryValue& part, model::SummaryValue& whole) {
  const int64_t count = whole.count + part.count;
  if (part.has_value) {
    switch (whole.op) {
      case AggregationOperator::kSum:
      case AggregationOperator::kCount:
        whole.value += part.value;
        break;
      case AggregationOperator::kMin:
        whole.value = whole.has_value ? std::min(whole.value, part.value) : part.value;
        break;
      case AggregationOperator::kMax:
        whole.value = whole.has_value ? std::max(whole.value, part.value) : part.value;
        break;
      case AggregationOperator::kMean:
        whole.value = (whole.value * static_cast<double>(whole.count) + part.value * static_cast<double>(part.count)) /
                      static_cast<double>(count);
        break;
    }
    whole.has_value = true;
  }
  whole.count = count;
}

}  // namespace

model::SummarySpec PartSummary(const model::SummarySpec& spec) {
  model::SummarySpec part = spec;
  part.ignore_error = true;
  return part;
}

void DropSummaryOfFailures(const model::SummarySpec& spec, model::ChunkOutcome& outcome) {
  if (spec.aggregations.empty() || spec.ignore_error || outcome.failures.empty()) return;
  outcome.summary.clear();
  outcome.summary_error = absl::StrCat(outcome.failures.size(), " of ", outcome.record_count, " records failed");
}

ChunkAssembly::ChunkAssembly(int32_t record_count, model::SummarySpec spec)
    : spec_(std::move(spec)), records_(static_cast<size_t>(record_count)) {
  bytes_ = records_.size() * sizeof(Record);
}

void ChunkAssembly::Add(const std::vector<int32_t>& indexes, model::ChunkOutcome part, bool is_last_attempt) {
  for (auto& [node, statistics] : part.nodes) whole_.nodes[node].Merge(statistics);
  whole_.compute_nanos += part.compute_nanos;
  AddSummary(part);

  auto failure = part.failures.begin();
  std::string_view unread = part.json_lines;
  for (size_t i = 0; i < indexes.size(); ++i) {
    Record& record = records_[static_cast<size_t>(indexes[i])];
    const size_t end = std::min(unread.find('\n'), unread.size() - 1) + 1;
    const std::string_view output = unread.substr(0, end);
    unread.remove_prefix(end);
    const bool failed = failure != part.failures.end() && failure->index == indexes[i];
    if (failed && failure->transient && !is_last_attempt) {
      ++failure;
      continue;
    }
    record.done = true;
    record.output = std::string(output);
    record.process_time_ns = part.process_time_ns[i];
    if (!failed && output_bytes_ + output.size() > model::kChunkBytesMax) FailForSize(indexes[i]);
    output_bytes_ += record.output.size();
    bytes_ += record.output.size();
    if (failed) {
      failure->retries = record.retries;
      bytes_ += sizeof(model::RecordFailure) + failure->input.size() + failure->message.size();
      failures_.emplace(indexes[i], std::move(*failure++));
    }
  }
  for (model::RecordWarning& warning : part.warnings) {
    if (!records_[static_cast<size_t>(warning.index)].done) continue;
    bytes_ += sizeof(model::RecordWarning) + warning.message.size();
    warnings_[warning.index].push_back(std::move(warning));
  }
  for (model::RecordLabel& label : part.labels) {
    // A record that succeeded may have failed for its size.
    if (failures_.contains(label.index)) continue;
    bytes_ += sizeof(model::RecordLabel) + label.label.size();
    labels_[label.index].push_back(std::move(label));
  }
}

void ChunkAssembly::FailForSize(int32_t index) {
  Record& record = records_[static_cast<size_t>(index)];
  record.output = "null\n";
  bytes_ += sizeof(model::RecordFailure);
  failures_.emplace(index, model::RecordFailure{.index = index,
                                                .node = "",
                                                .code = std::string(core::record_code::kOutputInvalid),
                                                .message = OutputsTooLargeMessage(),
                                                .input = "",
                                                .retries = record.retries});
  // The part's summary counts the record.
  if (!spec_.aggregations.empty()) whole_.summary_error = OutputsTooLargeMessage();
}

void ChunkAssembly::AddSummary(const model::ChunkOutcome& part) {
  if (whole_.summary_error.empty()) whole_.summary_error = part.summary_error;
  if (whole_.summary.empty()) {
    whole_.summary = part.summary;
    return;
  }
  for (size_t i = 0; i < std::min(whole_.summary.size(), part.summary.size()); ++i) {
    Merge(part.summary[i], whole_.summary[i]);
    if (std::isfinite(whole_.summary[i].value)) continue;
    whole_.summary_error =
        absl::StrCat("output '", whole_.summary[i].output_name, "' does not add up to a finite number");
  }
}

void ChunkAssembly::BeginAttempt(int32_t attempt) {
  for (Record& record : records_) {
    if (!record.done) record.retries = attempt - 1;
  }
}

std::vector<int32_t> ChunkAssembly::left() const {
  std::vector<int32_t> left;
  for (size_t i = 0; i < records_.size(); ++i) {
    if (!records_[i].done) left.push_back(static_cast<int32_t>(i));
  }
  return left;
}

model::ChunkOutcome ChunkAssembly::Finish() {
  whole_.record_count = static_cast<int32_t>(records_.size());
  for (Record& record : records_) {
    whole_.json_lines += record.output;
    whole_.process_time_ns.push_back(record.process_time_ns);
    if (record.retries > 0) ++whole_.records_retried;
  }
  for (auto& [index, failure] : failures_) whole_.failures.push_back(std::move(failure));
  for (auto& [index, warnings] : warnings_) {
    for (model::RecordWarning& warning : warnings) whole_.warnings.push_back(std::move(warning));
  }
  for (auto& [index, labels] : labels_) {
    for (model::RecordLabel& label : labels) whole_.labels.push_back(std::move(label));
  }
  if (!whole_.summary_error.empty()) whole_.summary.clear();
  DropSummaryOfFailures(spec_, whole_);
  return std::move(whole_);
}

}  // namespace millrace::execution
