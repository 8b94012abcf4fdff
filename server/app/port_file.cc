#include "server/app/port_file.h"

#include <fstream>
#include <system_error>

namespace millrace::app {

bool WritePortFile(const std::filesystem::path& path, int port) {
  if (path.empty()) return true;
  std::error_code none;
  if (std::filesystem::is_fifo(path, none)) {
    std::ofstream pipe(path);
    pipe << port << '\n';
    pipe.close();
    return !pipe.fail();
  }
  const std::filesystem::path draft = path.string() + ".partial";
  std::error_code error;
  std::ofstream file(draft);
  file << port << '\n';
  file.close();
  if (file) std::filesystem::rename(draft, path, error);
  return file && !error;
}

}  // namespace millrace::app
