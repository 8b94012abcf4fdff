// Tells the world the port that the server serves on.
#pragma once

#include <filesystem>

namespace millrace::app {

/// Writes `port` and a line end to `path`; an empty path is nowhere. A file is written under another name first, so that
/// a reader never sees half a port. A pipe (`/dev/fd/9`, mkfifo) is written as it is: who reads from it waits for the
/// server without polling. False when it cannot be written.
bool WritePortFile(const std::filesystem::path& path, int port);

}  // namespace millrace::app
