#include "server/execution/runner_cache.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"

namespace millrace::execution {

absl::StatusOr<core::ServiceRunner*> RunnerCache::Get(const model::Job& job) {
  for (auto it = runners_.begin(); it != runners_.end(); ++it) {
    if (it->version_id != job.version_id) continue;
    runners_.splice(runners_.begin(), runners_, it);
    return it->runner.get();
  }
  try {
    return Make(job);
  } catch (const std::exception& error) {
    return model::MakeError(model::Reason::kInternalError, absl::StrCat("cannot make a sandbox: ", error.what()));
  }
}

absl::StatusOr<core::ServiceRunner*> RunnerCache::Make(const model::Job& job) {
  const absl::StatusOr<model::ServiceVersion> version =
      store_.GetServiceVersion(job.tenant, {.service = {}, .version = {}, .version_id = job.version_id});
  if (!version.ok()) return version.status();
  const absl::StatusOr<core::ServiceDefinition> plan = core::PlanStored(compiler_, *version);
  if (!plan.ok()) return plan.status();
  absl::StatusOr<std::unique_ptr<core::ServiceRunner>> runner = compiler_.MakeRunner(*plan);
  if (!runner.ok()) return runner.status();
  if (runners_.size() == kRunnersKeptMax) runners_.pop_back();
  runners_.push_front({job.version_id, *std::move(runner)});
  return runners_.front().runner.get();
}

void RunnerCache::Drop(const model::Job& job) {
  runners_.remove_if([&job](const Entry& entry) { return entry.version_id == job.version_id; });
}

}  // namespace millrace::execution
