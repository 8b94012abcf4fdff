#include "tools/millrace/summary_merger.h"

#include <algorithm>
#include <cmath>

namespace millrace::cli {

void SummaryMerger::Sum::Add(double value) {
  const double sum = total + value;
  compensation += std::abs(total) >= std::abs(value) ? (total - sum) + value : (value - sum) + total;
  total = sum;
}

void SummaryMerger::Add(const v1::ChunkResult& result) {
  if (!result.summary_error().empty()) {
    if (missing_++ == 0) missing_reason_ = result.summary_error();
    return;
  }
  for (const v1::SummaryValue& value : result.summary()) {
    const auto [place, is_new] = index_.try_emplace({value.output_name(), value.operator_()}, merged_.size());
    if (is_new) {
      merged_.emplace_back();
      merged_.back().value.set_output_name(value.output_name());
      merged_.back().value.set_operator_(value.operator_());
    }
    Merged& merged = merged_[place->second];
    const bool had_value = merged.value.has_value();
    merged.value.set_count(merged.value.count() + value.count());
    if (!value.has_value()) continue;
    switch (value.operator_()) {
      case v1::MIN:
        merged.value.set_value(had_value ? std::min(merged.value.value(), value.value()) : value.value());
        break;
      case v1::MAX:
        merged.value.set_value(had_value ? std::max(merged.value.value(), value.value()) : value.value());
        break;
      case v1::MEAN:
        merged.sum.Add(value.value() * static_cast<double>(value.count()));
        break;
      default:  // SUM and COUNT add up
        merged.sum.Add(value.value());
        merged.value.set_value(merged.sum.total + merged.sum.compensation);
    }
  }
}

std::vector<v1::SummaryValue> SummaryMerger::Values() const {
  std::vector<v1::SummaryValue> values;
  for (const Merged& merged : merged_) {
    v1::SummaryValue value = merged.value;
    if (value.operator_() == v1::MEAN && value.count() > 0) {
      value.set_value((merged.sum.total + merged.sum.compensation) / static_cast<double>(value.count()));
    }
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace millrace::cli
