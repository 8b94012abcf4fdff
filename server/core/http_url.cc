#include "server/core/http_url.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "storage/model/limits.h"

namespace millrace::core {
namespace {

constexpr int kPortMax = 65'535;

absl::Status Wrong(std::string_view what) { return absl::InvalidArgumentError(std::string(what)); }

bool IsHost(std::string_view host) {
  const bool in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  return !host.empty() && std::all_of(host.begin(), host.end(), [in_brackets](char c) {
    return in_brackets ? absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == ':' || c == '.'
                       : absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.';
  });
}

/// Whether a segment of the path leads somewhere else than into the folder before it. Programs are known that take off what
/// follows a `;` before they look.
bool HasDotSegment(std::string_view path) {
  const std::string plain = absl::StrReplaceAll(absl::AsciiStrToLower(std::string(path)),
                                                {{"%2e", "."}, {"%2f", "/"}, {"%5c", "/"}, {"%3b", ";"}});
  const std::vector<std::string> segments = absl::StrSplit(plain, '/');
  return std::any_of(segments.begin(), segments.end(), [](const std::string& segment) {
    const std::string_view name = std::string_view(segment).substr(0, segment.find(';'));
    return name == "." || name == "..";
  });
}

/// Takes `:port` off the end of `authority`; without one it is `port`. False: it is no port.
bool TakePort(std::string_view& authority, int& port) {
  const size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || authority.find(']', colon) != std::string_view::npos) return true;
  const std::string digits(authority.substr(colon + 1));
  authority.remove_suffix(authority.size() - colon);
  return !digits.empty() && absl::ascii_isdigit(static_cast<unsigned char>(digits.front())) &&
         absl::SimpleAtoi(digits, &port) && port > 0 && port <= kPortMax;
}

}  // namespace

absl::StatusOr<HttpUrl> ReadHttpUrl(std::string_view text) {
  if (text.size() > model::kWebhookUrlBytesMax) {
    return Wrong(absl::StrCat("a URL has at most ", model::kWebhookUrlBytesMax, " bytes"));
  }
  const bool is_plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f' && c != '\\'; });
  if (!is_plain) return Wrong("a URL has printable ASCII alone, and no backslash; write other characters as %XX");
  const size_t scheme_end = text.find("://");
  const std::string scheme = absl::AsciiStrToLower(std::string(text.substr(0, std::min(scheme_end, text.size()))));
  if (scheme_end == std::string_view::npos || (scheme != "http" && scheme != "https")) {
    return Wrong("expected a URL that begins with http:// or https://");
  }
  text.remove_prefix(scheme_end + 3);
  const size_t path_begin = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, path_begin);
  const std::string_view path = text.substr(path_begin);
  const std::string_view folders = path.substr(0, path.find('?'));
  if (path.find('#') != std::string_view::npos) return Wrong("a URL that is called has no fragment (#)");
  if (authority.find('@') != std::string_view::npos) return Wrong("a URL names no user here; use a secret");
  int port = scheme == "https" ? 443 : 80;
  if (!TakePort(authority, port) || !IsHost(authority))
    return Wrong("expected a host, and a port from 1 to 65535 if any");
  if (HasDotSegment(folders)) return Wrong("the path of a URL has no segments . and .. here");
  // Whoever unescapes twice would find there what was not looked at.
  if (folders.find("%25") != std::string_view::npos) return Wrong("the path of a URL has no escaped % (%25) here");
  HttpUrl url;
  url.origin = absl::StrCat(scheme, "://", absl::AsciiStrToLower(std::string(authority)), ":", port);
  url.path = absl::StrCat(path.empty() || path.front() == '?' ? "/" : "", std::string(path));
  return url;
}

bool IsBelow(const HttpUrl& url, const HttpUrl& prefix) {
  if (url.origin != prefix.origin || !absl::StartsWith(url.path, prefix.path)) return false;
  if (url.path.size() == prefix.path.size() || prefix.path.back() == '/') return true;
  const char next = url.path[prefix.path.size()];
  return next == '/' || next == '?';
}

}  // namespace millrace::core
