#include "server/core/source_job.h"

#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/model/retention_rules.h"

namespace millrace::core {

absl::StatusOr<model::JobPtr> FindSourceJob(const store::JobStore& store, const std::string& tenant,
                                            const model::JobSource& source) {
  absl::StatusOr<model::JobPtr> job = store.GetJob({tenant, source.job_id});
  const bool is_gone = job.ok() ? (*job)->create_time != source.job_create_time
                                : model::HasReason(job.status(), model::Reason::kPipelineNotFound);
  if (!is_gone && job.ok()) {
    if (absl::Status held = model::CheckNotDropped(**job); !held.ok()) return held;
  }
  if (!is_gone) return job;
  return model::MakeError(model::Reason::kPipelineNotFound, absl::StrCat("job ", source.job_id, " was deleted"),
                          {{"pipeline_id", source.job_id}});
}

}  // namespace millrace::core
