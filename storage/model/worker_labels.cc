#include "storage/model/worker_labels.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/model/errors.h"
#include "storage/model/ids.h"
#include "storage/model/limits.h"

namespace millrace::model {

bool Matches(const WorkerLabels& selector, const WorkerLabels& labels) {
  // Both are in the order of their labels.
  return std::includes(labels.begin(), labels.end(), selector.begin(), selector.end());
}

absl::Status ValidateWorkerLabel(std::string_view field, std::string_view label, std::string_view value) {
  if (absl::Status status = ValidateId(field, label); !status.ok()) return status;
  return ValidateId(field, value);
}

absl::StatusOr<WorkerLabels> ParseWorkerLabels(std::string_view field, const std::vector<std::string>& texts) {
  WorkerLabels labels;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      return FieldError(field, absl::StrCat("expected LABEL=VALUE such as site=paris, got '", text, "'"));
    }
    std::string label = text.substr(0, equals);
    std::string value = text.substr(equals + 1);
    if (absl::Status status = ValidateWorkerLabel(absl::StrCat(std::string(field), " ", text), label, value);
        !status.ok()) {
      return status;
    }
    const auto [place, is_new] = labels.emplace(std::move(label), std::move(value));
    if (!is_new) return FieldError(field, absl::StrCat("has the label ", place->first, " twice"));
  }
  if (labels.size() > static_cast<size_t>(kWorkerLabelsMax)) {
    return FieldError(field, absl::StrCat("expected at most ", kWorkerLabelsMax, " labels, got ", labels.size()));
  }
  return labels;
}

std::string WorkerLabelsText(const WorkerLabels& labels) {
  return labels.empty() ? "none" : absl::StrJoin(labels, ", ", absl::PairFormatter("="));
}

}  // namespace millrace::model
