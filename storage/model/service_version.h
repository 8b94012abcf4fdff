// A stored version of a service, and how versions and references to them are read and ordered.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace millrace::model {

/// One version of a service as the store keeps it. The store does not look into the definition.
struct ServiceVersion {
  std::string tenant;
  /// `folder/name`.
  std::string service;
  std::string version;
  std::string service_id;
  std::string version_id;
  /// As it was given.
  std::string definition;
  std::string config_hash;
  std::string description;
  std::string created_by;
  absl::Time create_time = absl::InfinitePast();
};

/// A service in a list.
struct ServiceSummary {
  std::string service;
  std::string service_id;
  std::string latest_version;
  int32_t version_count = 0;
  std::string description;
};

/// A semantic version, https://semver.org: MAJOR.MINOR.PATCH[-PRERELEASE]. Build metadata is not allowed.
struct SemanticVersion {
  int64_t major = 0;
  int64_t minor = 0;
  int64_t patch = 0;
  std::vector<std::string> prerelease;

  /// Precedence by section 11 of the specification.
  friend bool operator<(const SemanticVersion& a, const SemanticVersion& b);
};

/// Reads `1.2.0` or `1.3.0-rc.1`. The error says what was expected, without naming a field.
absl::StatusOr<SemanticVersion> ParseSemanticVersion(std::string_view text);

/// Which of two versions `folder/name` resolves to: releases before pre-releases, then the higher one.
bool IsBetterLatest(const SemanticVersion& candidate, const SemanticVersion& best);

/// How a caller names a service: exactly `name`, `name` and `version`, or `version_id`.
struct ServiceReference {
  std::string service;
  std::string version;
  std::string version_id;
};

/// Reads `folder/name`, `folder/name[version]` or a version id (which holds no slash). The error names no field.
absl::StatusOr<ServiceReference> ParseServiceReference(std::string_view text);

/// `folder/name[version]`.
std::string ServiceUri(std::string_view service, std::string_view version);

/// OK for `folder/name`: two parts of 1 to 64 characters a-z A-Z 0-9 . _ -, each beginning with a letter or digit.
absl::Status ValidateServiceName(std::string_view name);

}  // namespace millrace::model
