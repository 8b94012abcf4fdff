#include "storage/model/service_version.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "storage/model/errors.h"
#include "storage/model/ids.h"
#include "storage/model/limits.h"

namespace millrace::model {
namespace {

bool IsDigit(char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }
bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

bool IsNumeric(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), IsDigit); }

absl::Status VersionError(std::string_view text, std::string_view why) {
  return MakeError(Reason::kFieldInvalid,
                   absl::StrCat("'", std::string(text.substr(0, kIdBytesMax)), "' is not a version: ", std::string(why),
                                "; expected MAJOR.MINOR.PATCH or MAJOR.MINOR.PATCH-PRERELEASE, as in 1.2.0 or "
                                "1.3.0-rc.1"));
}

bool ReadNumber(std::string_view text, int64_t& number) {
  const bool leading_zero = text.size() > 1 && text.front() == '0';
  return IsNumeric(text) && !leading_zero && absl::SimpleAtoi(std::string(text), &number);
}

bool IsPrereleaseIdentifier(std::string_view text) {
  if (IsNumeric(text)) return text.size() == 1 || text.front() != '0';
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return IsAlnum(c) || c == '-'; });
}

// Numbers by value, texts by their bytes, and every number before every text. Numbers may have any length.
bool PrecedesAsIdentifier(const std::string& a, const std::string& b) {
  const bool a_numeric = IsNumeric(a);
  const bool b_numeric = IsNumeric(b);
  if (a_numeric != b_numeric) return a_numeric;
  if (a_numeric && a.size() != b.size()) return a.size() < b.size();
  return a < b;
}

bool IsNamePart(std::string_view part) {
  if (part.empty() || part.size() > kServiceNamePartBytesMax || !IsAlnum(part.front())) return false;
  return std::all_of(part.begin(), part.end(), [](char c) { return IsAlnum(c) || c == '.' || c == '_' || c == '-'; });
}

}  // namespace

bool operator<(const SemanticVersion& a, const SemanticVersion& b) {
  const auto a_numbers = std::tie(a.major, a.minor, a.patch);
  const auto b_numbers = std::tie(b.major, b.minor, b.patch);
  if (a_numbers != b_numbers) return a_numbers < b_numbers;
  if (a.prerelease.empty() || b.prerelease.empty()) return !a.prerelease.empty() && b.prerelease.empty();
  return std::lexicographical_compare(a.prerelease.begin(), a.prerelease.end(), b.prerelease.begin(),
                                      b.prerelease.end(), PrecedesAsIdentifier);
}

absl::StatusOr<SemanticVersion> ParseSemanticVersion(std::string_view text) {
  if (text.empty()) return VersionError(text, "it is empty");
  if (text.size() > kIdBytesMax) return VersionError(text, absl::StrCat("it is longer than ", kIdBytesMax, " bytes"));
  if (text.find('+') != text.npos) return VersionError(text, "build metadata (+) is not allowed");

  const size_t dash = text.find('-');
  const std::vector<std::string> numbers = absl::StrSplit(std::string(text.substr(0, dash)), '.');
  SemanticVersion version;
  if (numbers.size() != 3) return VersionError(text, "it needs three numbers with dots between them");
  if (!ReadNumber(numbers[0], version.major) || !ReadNumber(numbers[1], version.minor) ||
      !ReadNumber(numbers[2], version.patch)) {
    return VersionError(text, "MAJOR, MINOR and PATCH must be whole numbers below 2^63 without leading zeros");
  }
  if (dash == text.npos) return version;
  version.prerelease = absl::StrSplit(std::string(text.substr(dash + 1)), '.');
  if (!std::all_of(version.prerelease.begin(), version.prerelease.end(), IsPrereleaseIdentifier)) {
    return VersionError(text, "each part of PRERELEASE must be a number without leading zeros or of A-Z a-z 0-9 -");
  }
  return version;
}

bool IsBetterLatest(const SemanticVersion& candidate, const SemanticVersion& best) {
  const bool candidate_release = candidate.prerelease.empty();
  const bool best_release = best.prerelease.empty();
  if (candidate_release != best_release) return candidate_release;
  return best < candidate;
}

absl::StatusOr<ServiceReference> ParseServiceReference(std::string_view text) {
  ServiceReference reference;
  if (text.find('/') == text.npos && text.find('[') == text.npos) {
    if (!ValidateId("", text).ok()) {
      return MakeError(Reason::kFieldInvalid, "expected folder/name, folder/name[version] or a version id");
    }
    reference.version_id = std::string(text);
    return reference;
  }

  const size_t bracket = text.find('[');
  reference.service = std::string(text.substr(0, bracket));
  if (absl::Status name = ValidateServiceName(reference.service); !name.ok()) return name;
  if (bracket == text.npos) return reference;
  if (text.back() != ']') {
    return MakeError(Reason::kFieldInvalid, "expected folder/name[version], but the closing ] is missing");
  }
  reference.version = std::string(text.substr(bracket + 1, text.size() - bracket - 2));
  if (absl::StatusOr<SemanticVersion> version = ParseSemanticVersion(reference.version); !version.ok()) {
    return version.status();
  }
  return reference;
}

std::string ServiceUri(std::string_view service, std::string_view version) {
  return absl::StrCat(std::string(service), "[", std::string(version), "]");
}

absl::Status ValidateServiceName(std::string_view name) {
  const size_t slash = name.find('/');
  if (slash != name.npos && IsNamePart(name.substr(0, slash)) && IsNamePart(name.substr(slash + 1))) {
    return absl::OkStatus();
  }
  return MakeError(Reason::kFieldInvalid,
                   absl::StrCat("expected folder/name, each 1 to ", kServiceNamePartBytesMax,
                                " of the characters a-z A-Z 0-9 . _ - beginning with a letter or digit"));
}

}  // namespace millrace::model
