// Lines of the log that are about one thing: a call, a job, a chunk. What the line is about travels beside the message,
// so that a program that reads the log need not take sentences apart.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spdlog/common.h"

namespace millrace::core {

/// One fact of a line. Names in use: request_id, job_id, chunk, method, code, reason, duration_ms, peer.
struct LogField {
  std::string_view name;
  std::string value;
};

/// Writes a line to the default logger. Fields without a value are left out.
void Log(spdlog::level::level_enum level, std::string_view message, std::initializer_list<LogField> fields);

/// A line as the logger carries it, taken apart again.
struct LogLine {
  std::string message;
  std::vector<std::pair<std::string, std::string>> fields;
};

/// For formatters: the message and the fields of a payload, whether Log wrote it or spdlog's own functions did. All of
/// it is UTF-8: where a text is not, its bytes beyond ASCII are replaced by `?`.
LogLine ReadLogLine(std::string_view payload);

}  // namespace millrace::core
