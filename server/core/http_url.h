// URLs that the server may be told to call: taken apart strictly, so that what is compared is what is called.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace::core {

/// A URL of `http` or `https` without user and fragment.
struct HttpUrl {
  /// `https://host:port`: in small letters, with its port.
  std::string origin;
  /// `/path?query` as it was given, at least `/`.
  std::string path;
};

/// INVALID_ARGUMENT, without a field, says what is wrong. Refused is also what a program along the way could read in
/// another way: segments `.` and `..`, also escaped or with parameters (`..;a`), `%25` in the path, backslashes, and
/// everything but printable ASCII.
absl::StatusOr<HttpUrl> ReadHttpUrl(std::string_view text);

/// Whether `url` is `prefix` or lies below it: the same origin, and a path that goes on behind it with `/` or `?` where the
/// prefix does not end with `/`.
bool IsBelow(const HttpUrl& url, const HttpUrl& prefix);

}  // namespace millrace::core
