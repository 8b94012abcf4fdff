// All results of a pipeline, from the first.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cpp/client.h"
#include "millrace/v1/records.pb.h"

namespace millrace::crash {

/// Waits until the pipeline is drained, so it must be closed or cancelled. Acknowledges what it reads.
absl::StatusOr<std::vector<v1::ChunkResult>> ReadAllResults(const client::Client& client, const std::string& pipeline);

}  // namespace millrace::crash
