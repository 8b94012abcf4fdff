#include "server/core/page_token.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/model/errors.h"
#include "storage/model/exception.h"

namespace millrace::core {
namespace {

constexpr size_t kSealBytes = 16;

/// Ties token and list together. Guards against mix-ups, not against forgery: a token holds nothing secret.
std::string Seal(std::string_view list, std::string_view store_token) {
  return model::Fingerprint("page-token", list, store_token, "");
}

}  // namespace

std::string SealPageToken(std::string_view list, std::string_view store_token) {
  if (store_token.empty()) return "";
  return absl::WebSafeBase64Escape(absl::StrCat(Seal(list, store_token), std::string(store_token)));
}

absl::StatusOr<std::string> OpenPageToken(std::string_view list, std::string_view page_token) {
  if (page_token.empty()) return "";
  std::string plain;
  if (absl::WebSafeBase64Unescape(std::string(page_token), &plain) && plain.size() > kSealBytes) {
    const std::string token = plain.substr(kSealBytes);
    if (plain.compare(0, kSealBytes, Seal(list, token)) == 0) return token;
  }
  return model::WithField(
      model::MakeError(
          model::Reason::kPageTokenInvalid,
          "page_token: expected the next_page_token of a call with the same filters; begin again without it"),
      "page_token");
}

}  // namespace millrace::core
