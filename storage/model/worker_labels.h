// Worker labels: what a worker says about itself (site=paris, node=n7), and what a job asks for by its worker_selector.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace::model {

/// Values by label.
using WorkerLabels = std::map<std::string, std::string>;

/// True where a worker with these labels may run a job with this selector: it has every label that is asked for, with the
/// value that is asked for. An empty selector asks for nothing.
bool Matches(const WorkerLabels& selector, const WorkerLabels& labels);

/// OK for two ids (see ValidateId), otherwise INVALID_ARGUMENT naming `field`.
absl::Status ValidateWorkerLabel(std::string_view field, std::string_view label, std::string_view value);

/// Reads labels as people write them, `site=paris` each, at most kWorkerLabelsMax. A label may stand there once.
/// INVALID_ARGUMENT naming `field` and the text that is wrong.
absl::StatusOr<WorkerLabels> ParseWorkerLabels(std::string_view field, const std::vector<std::string>& texts);

/// `node=n7, site=paris`, as messages show them; "none" where there are none.
std::string WorkerLabelsText(const WorkerLabels& labels);

}  // namespace millrace::model
