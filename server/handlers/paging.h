// Pages over lists that the store returns whole because they are short.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace::handlers {

/// The elements `begin` up to but without `end` of a list, and the token of what follows.
struct PageSlice {
  size_t begin = 0;
  size_t end = 0;
  std::string next_page_token;
};

/// FIELD_INVALID for a bad page size, PAGE_TOKEN_INVALID for a token of another list.
absl::StatusOr<PageSlice> SliceOf(std::string_view list, size_t size, int32_t page_size, std::string_view page_token);

}  // namespace millrace::handlers
