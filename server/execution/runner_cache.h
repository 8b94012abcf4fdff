// The runners that one worker thread keeps ready.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/core/service_runner.h"
#include "storage/model/job.h"
#include "storage/store/job_store.h"

namespace millrace::execution {

/// Runners by service version, the last used first. Used by one thread.
class RunnerCache {
 public:
  /// Both must outlive the cache.
  RunnerCache(const store::JobStore& store, const core::ServiceCompiler& compiler)
      : store_(store), compiler_(compiler) {}

  /// A runner for the version of the job; it stays until another version needs its place. Errors of GetServiceVersion and
  /// PlanStored; INTERNAL_ERROR where there is no memory for one.
  absl::StatusOr<core::ServiceRunner*> Get(const model::Job& job);

  /// Throws away the runner for the version of the job: it broke.
  void Drop(const model::Job& job);

  /// Each holds a sandbox of a few hundred KB.
  static constexpr size_t kRunnersKeptMax = 16;

 private:
  struct Entry {
    std::string version_id;
    std::unique_ptr<core::ServiceRunner> runner;
  };

  absl::StatusOr<core::ServiceRunner*> Make(const model::Job& job);

  const store::JobStore& store_;
  const core::ServiceCompiler& compiler_;
  std::list<Entry> runners_;
};

}  // namespace millrace::execution
