// The data folder that is kept for each format version: written once, read by every later server.
#pragma once

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace::golden {

/// Writes a folder with something of everything: jobs in each state and with every option set, chunks that wait and
/// chunks that are committed, results, exceptions in several groups, statistics, services. The same bytes of content
/// each time: its clock is a made-up one. `folder` must not exist.
absl::Status WriteGoldenFolder(const std::filesystem::path& folder);

/// Opens a folder with the present code and tells everything that can be seen in it. Raises its epoch, so hand it a
/// copy.
absl::StatusOr<std::string> DescribeFolder(const std::filesystem::path& folder);

}  // namespace millrace::golden
