// Aggregations over the outputs of a chunk, taken from the Lua values before they become JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lua.hpp"
#include "server/execution/lua_program.h"
#include "storage/model/chunk.h"

namespace millrace::execution {

/// Adds up one chunk. Records that failed are not added.
class Summary {
 public:
  /// Aggregations over what is no output of `program` make the summary fail.
  Summary(const model::SummarySpec& spec, const Program& program);

  /// Adds a record whose value number n is at stack index `first_value` + n.
  void AddRecord(lua_State* state, int first_value, int32_t record);

  /// Writes the values, or why there are none, into `outcome`, whose failures are complete.
  void Finish(model::ChunkOutcome& outcome) const;

 private:
  struct Running {
    int value = 0;
    int64_t count = 0;
    // Neumaier's sum: what `sum` lost to rounding is in `compensation`.
    double sum = 0;
    double compensation = 0;
    double extreme = 0;
  };

  static void Add(model::AggregationOperator op, double number, Running& running);

  const model::SummarySpec& spec_;
  // One for each aggregation.
  std::vector<Running> running_;
  std::string error_;
};

}  // namespace millrace::execution
