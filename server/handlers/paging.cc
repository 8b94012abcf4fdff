#include "server/handlers/paging.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/core/page_token.h"
#include "server/handlers/validate.h"

namespace millrace::handlers {

absl::StatusOr<PageSlice> SliceOf(std::string_view list, size_t size, int32_t page_size, std::string_view page_token) {
  const absl::StatusOr<int32_t> limit = PageSize(page_size);
  if (!limit.ok()) return limit.status();
  const absl::StatusOr<std::string> token = core::OpenPageToken(list, page_token);
  if (!token.ok()) return token.status();
  PageSlice slice;
  // A sealed token is one that this function made: a number.
  if (!token->empty() && !absl::SimpleAtoi(*token, &slice.begin)) slice.begin = size;
  // The list may have become shorter since.
  slice.begin = std::min(slice.begin, size);
  slice.end = std::min(size, slice.begin + static_cast<size_t>(*limit));
  if (slice.end < size) slice.next_page_token = core::SealPageToken(list, absl::StrCat(slice.end));
  return slice;
}

}  // namespace millrace::handlers
