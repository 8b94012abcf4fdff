#include "server/core/log.h"

#include <algorithm>

#include "simdjson.h"
#include "spdlog/spdlog.h"

namespace millrace::core {
namespace {

// A payload with fields begins with kMark; then message and fields, each ended by kEnd. No text holds either.
constexpr char kMark = '\x1e';
constexpr char kEnd = '\x1f';

void Append(std::string& payload, std::string_view text) {
  const size_t begin = payload.size();
  payload.append(text);
  std::replace_if(
      payload.begin() + static_cast<std::ptrdiff_t>(begin), payload.end(),
      [](char c) { return c == kMark || c == kEnd; }, ' ');
  payload.push_back(kEnd);
}

std::string Take(std::string_view& rest) {
  const size_t end = std::min(rest.find(kEnd), rest.size());
  std::string text(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return text;
}

/// Bytes that are no UTF-8 would break whoever reads the log.
std::string Clean(std::string_view text) {
  std::string clean(text);
  if (simdjson::validate_utf8(text.data(), text.size())) return clean;
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return clean;
}

}  // namespace

void Log(spdlog::level::level_enum level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!spdlog::should_log(level)) return;
  std::string payload(1, kMark);
  Append(payload, message);
  for (const LogField& field : fields) {
    if (field.value.empty()) continue;
    Append(payload, field.name);
    Append(payload, field.value);
  }
  spdlog::log(level, "{}", payload);
}

LogLine ReadLogLine(std::string_view payload) {
  if (payload.empty() || payload.front() != kMark) return {.message = Clean(payload), .fields = {}};
  payload.remove_prefix(1);
  LogLine line;
  line.message = Clean(Take(payload));
  while (!payload.empty()) {
    std::string name = Take(payload);
    line.fields.emplace_back(std::move(name), Clean(Take(payload)));
  }
  return line;
}

}  // namespace millrace::core
