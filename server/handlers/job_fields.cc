#include "server/handlers/job_fields.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "server/core/service_definition.h"
#include "server/handlers/validate.h"
#include "storage/model/errors.h"
#include "storage/model/limits.h"

namespace millrace::handlers {

absl::StatusOr<std::vector<std::string>> ReadTags(std::string_view field,
                                                  const google::protobuf::RepeatedPtrField<std::string>& tags) {
  if (static_cast<size_t>(tags.size()) > model::kTagsMax) {
    return model::FieldError(field, absl::StrCat("expected at most ", model::kTagsMax, ", got ", tags.size()));
  }
  for (int i = 0; i < tags.size(); ++i) {
    const std::string path = absl::StrCat(std::string(field), "[", i, "]");
    if (absl::Status status = ValidateText(path, tags[i], model::kMetadataBytesMax); !status.ok()) return status;
  }
  return std::vector<std::string>(tags.begin(), tags.end());
}

absl::Status CheckSelectedOutputs(std::string_view field,
                                  const google::protobuf::RepeatedPtrField<std::string>& selected_outputs,
                                  const model::ServiceVersion& version) {
  if (selected_outputs.empty()) return absl::OkStatus();
  const absl::StatusOr<core::ServiceDefinition> definition = core::ParseServiceDefinition(version.definition);
  if (!definition.ok()) return definition.status();
  const std::vector<std::string>& outputs = definition->outputs;
  for (int i = 0; i < selected_outputs.size(); ++i) {
    const std::string& output = selected_outputs[i];
    if (std::find(outputs.begin(), outputs.end(), output) != outputs.end()) continue;
    return model::FieldError(absl::StrCat(std::string(field), "[", i, "]"),
                             absl::StrCat("service ", version.service, " has no output '", output, "'; it has ",
                                          absl::StrJoin(outputs, ", ")));
  }
  return absl::OkStatus();
}

}  // namespace millrace::handlers
