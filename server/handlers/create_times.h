// The bounds on create times that requests about many jobs have.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/core/convert.h"
#include "storage/model/errors.h"
#include "storage/store/job_store.h"

namespace millrace::handlers {

/// Reads `create_time_from` and `create_time_before` of a request. FIELD_INVALID.
template <typename Request>
absl::Status ReadCreateTimes(const Request& request, store::ListJobsQuery& query) {
  if (request.has_create_time_from()) {
    const absl::StatusOr<absl::Time> from = core::FromProto(request.create_time_from());
    if (!from.ok()) return model::FieldError("create_time_from", std::string(from.status().message()));
    query.created_from = *from;
  }
  if (request.has_create_time_before()) {
    const absl::StatusOr<absl::Time> before = core::FromProto(request.create_time_before());
    if (!before.ok()) return model::FieldError("create_time_before", std::string(before.status().message()));
    query.created_before = *before;
  }
  if (query.created_from <= query.created_before) return absl::OkStatus();
  return model::FieldError("create_time_before", "expected a time that is not before create_time_from");
}

}  // namespace millrace::handlers
