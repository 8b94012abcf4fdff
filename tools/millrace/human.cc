#include "tools/millrace/human.h"

#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace millrace::cli {
namespace {

/// Puts commas between the digits before the decimal point.
std::string Grouped(std::string digits) {
  const size_t first = digits.starts_with('-') ? 1 : 0;
  size_t point = digits.find('.');
  if (point == std::string::npos) point = digits.size();
  while (point > first + 3) {
    point -= 3;
    digits.insert(point, ",");
  }
  return digits;
}

/// Three significant digits without an exponent.
std::string ThreeDigits(double value) {
  if (value >= 100) return absl::StrFormat("%.0f", value);
  std::string text = value >= 10 ? absl::StrFormat("%.1f", value) : absl::StrFormat("%.2f", value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

std::string HumanCount(int64_t count) { return Grouped(absl::StrCat(count)); }

std::string HumanCount(int64_t count, const char* noun) {
  return absl::StrCat(HumanCount(count), " ", noun, count == 1 ? "" : "s");
}

std::string HumanNumber(double value) {
  std::string text = absl::StrFormat("%.12g", value);
  const bool plain = text.find_first_not_of("-0123456789.") == std::string::npos;
  return plain ? Grouped(std::move(text)) : text;
}

std::string HumanBytes(int64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return absl::StrCat(ThreeDigits(value), " ", kUnits[unit]);
}

std::string HumanDuration(absl::Duration duration) {
  const double seconds = absl::ToDoubleSeconds(duration);
  if (seconds < 0.0009995) return absl::StrCat(ThreeDigits(seconds * 1e6), " us");
  if (seconds < 0.9995) return absl::StrCat(ThreeDigits(seconds * 1e3), " ms");
  if (seconds < 59.95) return absl::StrCat(ThreeDigits(seconds), " s");
  const int64_t whole = std::llround(seconds);
  const int64_t minutes = whole / 60;
  const int64_t hours = minutes / 60;
  if (hours == 0) return absl::StrFormat("%dm %02ds", minutes, whole % 60);
  if (hours < 24) return absl::StrFormat("%dh %02dm", hours, minutes % 60);
  return absl::StrFormat("%dd %02dh", hours / 24, hours % 24);
}

std::string HumanTime(absl::Time time, absl::TimeZone zone) {
  return time == absl::InfinitePast() ? "-" : absl::FormatTime("%Y-%m-%d %H:%M:%S", time, zone);
}

std::string HumanRate(int64_t count, absl::Duration duration) {
  const double seconds = absl::ToDoubleSeconds(duration);
  if (seconds <= 0) return "-";
  const double rate = static_cast<double>(count) / seconds;
  return absl::StrCat(rate < 10 ? ThreeDigits(rate) : HumanCount(std::llround(rate)), "/s");
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

}  // namespace millrace::cli
