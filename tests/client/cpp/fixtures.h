// Requests and replies that tests of the SDK share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cpp/errors.h"
#include "client/cpp/pipeline.h"
#include "millrace/v1/pipeline_service.pb.h"

namespace millrace::client {

inline constexpr std::string_view kPipelineId = "pipeline-1";

inline v1::Job OpenJob() {
  v1::Job job;
  job.set_id(std::string(kPipelineId));
  job.set_state(v1::JOB_STATE_IN_PROGRESS);
  job.set_pipeline_state(v1::PIPELINE_STATE_OPEN);
  return job;
}

inline v1::Chunk MakeChunk(std::string id, std::string json_lines = "{\"a\":1}\n") {
  v1::Chunk chunk;
  chunk.set_id(std::move(id));
  chunk.mutable_data()->mutable_inputs()->set_json_lines(std::move(json_lines));
  return chunk;
}

inline const std::string& LinesOf(const v1::Chunk& chunk) { return chunk.data().inputs().json_lines(); }

/// What a server answers to a push that it stores: one receipt of one record a chunk.
inline v1::PushResponse Stored(const v1::PushRequest& request) {
  v1::PushResponse response;
  for (const v1::Chunk& chunk : request.chunks()) {
    v1::PushedChunk& pushed = *response.add_chunks();
    pushed.set_id(chunk.id());
    pushed.set_record_count(1);
  }
  response.mutable_status()->set_pipeline_state(v1::PIPELINE_STATE_OPEN);
  return response;
}

/// A reply with the results numbered `first` to `last`, none when `last` is smaller.
inline v1::PullResponse PageOf(int64_t first, int64_t last, bool drained = false) {
  v1::PullResponse response;
  for (int64_t number = first; number <= last; ++number) response.add_results()->set_number(number);
  response.set_cursor(last);
  response.set_drained(drained);
  return response;
}

inline absl::Status Unavailable() {
  return MakeServerError(absl::StatusCode::kUnavailable, "starting", {.reason = v1::SERVER_NOT_READY});
}

inline absl::Status Full(absl::Duration retry_delay, v1::ErrorReason reason = v1::INPUT_BUFFER_FULL) {
  return MakeServerError(absl::StatusCode::kResourceExhausted, "full", {.reason = reason, .retry_delay = retry_delay});
}

inline absl::Status Refusal(absl::StatusCode code, v1::ErrorReason reason) {
  return MakeServerError(code, "refused", {.reason = reason});
}

}  // namespace millrace::client
