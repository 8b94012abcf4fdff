// Whether a caller names a group of exceptions that is there.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "server/handlers/call.h"
#include "storage/model/job.h"

namespace millrace::handlers {

/// FIELD_INVALID of `field` where no exception of the job is in this group: it would stand for 0 records, and more likely it is
/// misspelt. OK for an empty fingerprint, which stands for all groups.
absl::Status CheckGroup(std::string_view field, const std::string& fingerprint, const model::JobKey& job,
                        const Deps& deps);

}  // namespace millrace::handlers
