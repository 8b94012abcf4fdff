// Puts the summaries of chunks together to one of the whole run.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "millrace/v1/records.pb.h"

namespace millrace::cli {

/// Merges aggregations. The order of the chunks does not matter but for the last digits of sums. Not thread-safe.
class SummaryMerger {
 public:
  /// Takes the summary of one chunk.
  void Add(const v1::ChunkResult& result);

  /// The aggregations over all chunks, in the order in which they were first seen.
  std::vector<v1::SummaryValue> Values() const;

  /// How many chunks had no summary though one was asked for, and the reason of the first.
  int64_t missing() const { return missing_; }
  const std::string& missing_reason() const { return missing_reason_; }

 private:
  /// A sum that keeps what rounding takes away (Neumaier).
  struct Sum {
    double total = 0;
    double compensation = 0;
    void Add(double value);
  };

  struct Merged {
    v1::SummaryValue value;
    Sum sum;
  };

  std::vector<Merged> merged_;
  std::map<std::pair<std::string, int>, size_t> index_;
  int64_t missing_ = 0;
  std::string missing_reason_;
};

}  // namespace millrace::cli
