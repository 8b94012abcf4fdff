#include "storage/store/rocks_page_token.h"

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "storage/model/digest.h"
#include "storage/store/store_errors.h"

namespace millrace::store {

std::string MakePageToken(std::string_view list, std::string_view place) {
  return absl::WebSafeBase64Escape(model::Digest64({list, place}).append(place));
}

absl::StatusOr<std::string> ReadPageToken(std::string_view list, std::string_view token) {
  std::string sealed;
  const size_t digest_bytes = model::Digest64({}).size();
  if (!absl::WebSafeBase64Unescape(absl::string_view(token.data(), token.size()), &sealed) ||
      sealed.size() < digest_bytes) {
    return PageTokenInvalid();
  }
  std::string place = sealed.substr(digest_bytes);
  if (model::Digest64({list, place}) != sealed.substr(0, digest_bytes)) return PageTokenInvalid();
  return place;
}

}  // namespace millrace::store
