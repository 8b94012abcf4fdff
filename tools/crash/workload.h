// What the clients push, and what must come back: both follow from the index of a chunk alone, so that whoever
// checks needs no memory of what was pushed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "millrace/v1/pipeline_service.pb.h"
#include "millrace/v1/records.pb.h"

namespace millrace::crash {

/// The service: doubles `n`, fails every eleventh record, and fails some in a way that may pass but never does.
extern const char kService[];
inline constexpr std::string_view kServiceName = "crash/double";

/// A pipeline that lives as long as the run.
struct PipelinePlan {
  std::string_view id;
  /// 0: as many as the server has.
  int32_t max_workers;
  /// 0: the server's default.
  int64_t input_buffer_bytes;
  int64_t output_buffer_bytes;
  /// True: is cancelled at the end, with chunks waiting. False: is closed and drains.
  bool cancelled;
  /// JobOptions.order_results.
  bool ordered;
};

inline constexpr PipelinePlan kPipelines[] = {
    {"wide", 0, 0, 0, false, false},
    {"narrow", 1, 40'000, 40'000, false, false},
    {"ordered", 3, 40'000, 40'000, false, true},
    {"cancelled", 2, 40'000, 20'000, true, false},
};

/// The request that creates the pipeline of a plan, safe to repeat.
v1::CreatePipelineRequest MakeRequest(const PipelinePlan& plan);

/// Chunk `index` of any pipeline, from 0.
v1::Chunk MakeChunk(int64_t index);
/// The index in the id of a chunk, or nothing.
std::optional<int64_t> IndexOf(std::string_view chunk_id);

int32_t RecordCount(int64_t index);
/// Record `place` of a chunk, as it is pushed, without a line end.
std::string RecordText(int64_t index, int32_t place);
/// The output of a record; nothing where it fails.
std::optional<double> ExpectedOutput(int64_t index, int32_t place);

/// Empty when the result is what must become of its chunk, otherwise what is wrong with it.
std::string FaultOf(const v1::ChunkResult& result);

/// A stable hash of everything in a result.
uint64_t HashOf(const v1::ChunkResult& result);

}  // namespace millrace::crash
