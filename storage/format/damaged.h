// What a row that was read must be, and what is said of one that is not.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"

namespace millrace::format {

/// STORAGE_CORRUPT: a stored row of `what` (`a job`) cannot be read.
inline absl::Status Corrupt(std::string_view what) {
  return model::MakeError(model::Reason::kStorageCorrupt, absl::StrCat("a stored row of ", std::string(what),
                                                                       " is damaged; check the disk and restore "
                                                                       "from a backup"));
}

/// Whether a number that was read is one of an enum's, from `first` to `last`.
template <class E>
bool Within(E value, E first, E last) {
  return value >= first && value <= last;
}

}  // namespace millrace::format
