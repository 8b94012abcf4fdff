// Every field of a model value as text, one a line: for comparing two of them with a readable difference.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "storage/model/chunk.h"
#include "storage/model/exception.h"
#include "storage/model/job.h"
#include "storage/model/job_event.h"
#include "storage/model/run_statistics.h"
#include "storage/model/service_version.h"

namespace millrace::testing {

std::string Describe(const model::Job& job);
std::string Describe(const model::Chunk& chunk);
std::string Describe(const model::ChunkInput& input);
std::string Describe(const model::ChunkResult& result);
std::string Describe(const model::RunStatistics& statistics);
std::string Describe(const model::RecordException& exception);
std::string Describe(const model::ExceptionGroup& group);
std::string Describe(const model::JobEvent& event);
std::string Describe(const model::ServiceVersion& version);
std::string Describe(const model::ServiceSummary& service);
/// Code, message, reason and all that is attached.
std::string Describe(const absl::Status& status);
inline std::string Describe(const model::JobPtr& job) { return Describe(*job); }

/// All elements, one after the other.
template <typename T>
std::string Describe(const std::vector<T>& elements) {
  std::string text;
  for (const T& element : elements) text += Describe(element) + "--\n";
  return text;
}

/// The value, or the error.
template <typename T>
std::string Describe(const absl::StatusOr<T>& result) {
  return result.ok() ? Describe(*result) : Describe(result.status());
}

}  // namespace millrace::testing
