// Keys for people: their parts by name. The one place that takes any key apart, for tools that look at a folder.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/format/keys.h"

namespace millrace::format {

/// A key taken apart.
struct KeyText {
  /// What the row is: `chunk`, `job definition`, `request id` … `unknown` for a kind that this version does not know,
  /// which a newer one may have written; it has no parts then but the tenant and the job.
  std::string kind;
  /// Empty where the key belongs to a whole tenant, or to the whole store.
  model::JobKey job;
  /// What else the key says, in the order of its bytes, by name.
  std::vector<std::pair<std::string, std::string>> parts;
};

/// STORAGE_CORRUPT for what no version can have written: a part that is cut off, or bytes behind the last part.
absl::StatusOr<KeyText> ReadKey(Family family, std::string_view key);

/// On one line: `chunk default/job-1 sequence=12`. What cannot be printed is written as `\x1f`.
std::string ToString(const KeyText& key);

}  // namespace millrace::format
