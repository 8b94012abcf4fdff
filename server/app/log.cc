#include "server/app/log.h"

#include <string_view>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "server/core/json_struct.h"
#include "server/core/log.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace millrace::app {
namespace {

/// The names of `--log-level`.
std::string_view LevelName(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warn";
    default:
      return "error";
  }
}

/// Control characters as C writes them, so that a line stays one line and a terminal stays as it is.
void AppendVisible(std::string_view text, std::string& line) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      absl::StrAppendFormat(&line, "\\x%02x", byte);
    } else {
      line.push_back(c);
    }
  }
}

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(LogFormat format) : format_(format) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const core::LogLine line = core::ReadLogLine({message.payload.data(), message.payload.size()});
    const std::string time =
        absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromChrono(message.time), absl::UTCTimeZone());
    std::string text;
    if (format_ == LogFormat::kJson) {
      Json(time, LevelName(message.level), line, text);
    } else {
      Text(time, LevelName(message.level), line, text);
    }
    text.push_back('\n');
    out.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<LineFormatter>(format_); }

 private:
  static void Text(const std::string& time, std::string_view level, const core::LogLine& line, std::string& text) {
    text += time + " ";
    text += level;
    text.append(level.size() < 6 ? 6 - level.size() : 1, ' ');
    AppendVisible(line.message, text);
    for (const auto& [name, value] : line.fields) {
      text += " " + name + "=";
      AppendVisible(value, text);
    }
  }

  static void Json(const std::string& time, std::string_view level, const core::LogLine& line, std::string& text) {
    const auto append = [&text](std::string_view name, std::string_view value) {
      text += text.empty() ? "{" : ",";
      core::AppendJsonString(name, text);
      text += ":";
      core::AppendJsonString(value, text);
    };
    append("time", time);
    append("level", level);
    append("message", line.message);
    for (const auto& [name, value] : line.fields) append(name, value);
    text += "}";
  }

  const LogFormat format_;
};

}  // namespace

std::unique_ptr<spdlog::formatter> MakeLogFormatter(LogFormat format) {
  return std::make_unique<LineFormatter>(format);
}

void SetUpLog(const std::string& level, LogFormat format) {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("millraced"));
  spdlog::set_level(spdlog::level::from_str(level));
  spdlog::set_formatter(MakeLogFormatter(format));
}

}  // namespace millrace::app
