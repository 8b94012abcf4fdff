// How the log is written: to stderr, one line an event, for people or for programs.
#pragma once

#include <memory>
#include <string>

#include "spdlog/formatter.h"

namespace millrace::app {

enum class LogFormat {
  /// `2024-05-01T12:00:03.123Z warn  slow call request_id=… job_id=…`
  kText,
  /// One JSON object a line: time, level, message, and each field of the line as a text.
  kJson,
};

/// Makes the default logger write lines of `level` (debug, info, warn, error) and above to stderr.
void SetUpLog(const std::string& level, LogFormat format);

/// What SetUpLog uses. Neither format lets a text of a caller begin a line of its own.
std::unique_ptr<spdlog::formatter> MakeLogFormatter(LogFormat format);

}  // namespace millrace::app
