// Fields of a job that a new job and an update of one share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "storage/model/service_version.h"

namespace millrace::handlers {

/// FIELD_INVALID where there are too many, or one is too long.
absl::StatusOr<std::vector<std::string>> ReadTags(std::string_view field,
                                                  const google::protobuf::RepeatedPtrField<std::string>& tags);

/// FIELD_INVALID, with the names that there are, where the version lacks one of the outputs.
absl::Status CheckSelectedOutputs(std::string_view field,
                                  const google::protobuf::RepeatedPtrField<std::string>& selected_outputs,
                                  const model::ServiceVersion& version);

}  // namespace millrace::handlers
