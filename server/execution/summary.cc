#include "server/execution/summary.h"

#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"

namespace millrace::execution {

using model::Aggregation;
using model::AggregationOperator;

Summary::Summary(const model::SummarySpec& spec, const Program& program)
    : spec_(spec), running_(spec.aggregations.size()) {
  for (size_t i = 0; i < running_.size(); ++i) {
    const std::string& output = spec.aggregations[i].output_name;
    const std::optional<int> value = program.OutputValue(output);
    if (!value.has_value()) {
      error_ = absl::StrCat("the service has no output '", output, "' to put together");
      return;
    }
    running_[i].value = *value;
  }
}

void Summary::AddRecord(lua_State* state, int first_value, int32_t record) {
  if (!error_.empty()) return;
  for (size_t i = 0; i < running_.size(); ++i) {
    const Aggregation& aggregation = spec_.aggregations[i];
    const int index = first_value + running_[i].value;
    const int type = lua_type(state, index);
    if (type == LUA_TNIL) continue;
    ++running_[i].count;
    if (aggregation.op == AggregationOperator::kCount) continue;
    if (type != LUA_TNUMBER) {
      error_ = absl::StrCat("output '", aggregation.output_name, "' of record ", record, " is a ",
                            lua_typename(state, type), ", not a number");
      return;
    }
    Add(aggregation.op, lua_tonumber(state, index), running_[i]);
  }
}

void Summary::Add(AggregationOperator op, double number, Running& running) {
  switch (op) {
    case AggregationOperator::kSum:
    case AggregationOperator::kMean: {
      const double sum = running.sum + number;
      const bool sum_is_larger = std::abs(running.sum) >= std::abs(number);
      running.compensation += sum_is_larger ? (running.sum - sum) + number : (number - sum) + running.sum;
      running.sum = sum;
      break;
    }
    case AggregationOperator::kMin:
      if (running.count == 1 || number < running.extreme) running.extreme = number;
      break;
    case AggregationOperator::kMax:
      if (running.count == 1 || number > running.extreme) running.extreme = number;
      break;
    case AggregationOperator::kCount:
      break;
  }
}

void Summary::Finish(model::ChunkOutcome& outcome) const {
  if (spec_.aggregations.empty()) return;
  if (!spec_.ignore_error && !outcome.failures.empty()) {
    outcome.summary_error = absl::StrCat(outcome.failures.size(), " of ", outcome.record_count, " records failed");
    return;
  }
  outcome.summary_error = error_;
  if (!error_.empty()) return;
  for (size_t i = 0; i < running_.size(); ++i) {
    const Running& running = running_[i];
    const Aggregation& aggregation = spec_.aggregations[i];
    model::SummaryValue value{.output_name = aggregation.output_name, .op = aggregation.op, .count = running.count};
    const double sum = running.sum + running.compensation;
    const auto count = static_cast<double>(running.count);
    switch (aggregation.op) {
      case AggregationOperator::kSum:
        value.has_value = true;
        value.value = sum;
        break;
      case AggregationOperator::kCount:
        value.has_value = true;
        value.value = count;
        break;
      case AggregationOperator::kMean:
        value.has_value = running.count > 0;
        value.value = value.has_value ? sum / count : 0;
        break;
      case AggregationOperator::kMin:
      case AggregationOperator::kMax:
        value.has_value = running.count > 0;
        value.value = running.extreme;
        break;
    }
    if (!std::isfinite(value.value)) {
      outcome.summary.clear();
      outcome.summary_error = absl::StrCat("output '", aggregation.output_name, "' does not add up to a finite number");
      return;
    }
    outcome.summary.push_back(std::move(value));
  }
}

}  // namespace millrace::execution
