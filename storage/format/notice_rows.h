// The row of a notice as bytes, under the rules of rows.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "storage/model/notice.h"

namespace millrace::format {

std::string EncodeNotice(const model::Notice& notice);
/// The number of the event is in the key.
absl::StatusOr<model::Notice> DecodeNotice(int64_t number, std::string_view row);

}  // namespace millrace::format
