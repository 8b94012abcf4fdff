#include "server/handlers/exception_group.h"

#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/model/exception.h"

namespace millrace::handlers {

absl::Status CheckGroup(std::string_view field, const std::string& fingerprint, const model::JobKey& job,
                        const Deps& deps) {
  if (fingerprint.empty()) return absl::OkStatus();
  const absl::StatusOr<std::vector<model::ExceptionGroup>> groups = deps.store.ListExceptionGroups(job);
  if (!groups.ok()) return groups.status();
  if (std::ranges::find(*groups, fingerprint, &model::ExceptionGroup::fingerprint) != groups->end()) {
    return absl::OkStatus();
  }
  return model::FieldError(field, absl::StrCat("job ", job.job_id, " has no group '", fingerprint,
                                               "'; ListExceptionGroups has those there are"));
}

}  // namespace millrace::handlers
