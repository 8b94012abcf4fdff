#include "storage/store/rocks_rows.h"

#include <optional>
#include <string>
#include <utility>

#include "storage/format/rows.h"
#include "storage/model/errors.h"
#include "storage/store/store_errors.h"

namespace millrace::store {

absl::StatusOr<model::JobPtr> LoadJob(const engine::Engine& engine, const model::JobKey& key) {
  const auto definition = engine.Get(At(format::Family::kJobs), format::JobDefinitionKey(key));
  if (!definition.ok()) return definition.status();
  if (!definition->has_value()) return PipelineNotFound(key);
  const auto progress = engine.Get(At(format::Family::kJobs), format::JobProgressKey(key));
  if (!progress.ok()) return progress.status();
  absl::StatusOr<model::Job> job = format::DecodeJob(**definition, progress->value_or(""));
  if (!job.ok()) return job.status();
  return std::make_shared<const model::Job>(*std::move(job));
}

absl::Status CorruptKey() {
  return model::MakeError(model::Reason::kStorageCorrupt,
                          "a stored key is damaged; check the disk and restore from a backup");
}

}  // namespace millrace::store
