#include "storage/store/first_exception.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace millrace::store {

std::string FirstExceptionDetail(int64_t sequence, const std::vector<model::RecordFailure>& failures) {
  const auto first = std::ranges::min_element(failures, {}, &model::RecordFailure::index);
  if (first == failures.end()) return {};
  return absl::StrCat(sequence, "-", first->index, ": ", first->code, first->node.empty() ? "" : " in ", first->node,
                      ": ", first->message);
}

}  // namespace millrace::store
