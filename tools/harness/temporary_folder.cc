#include "tools/harness/temporary_folder.h"

#include <cstdlib>
#include <string>
#include <system_error>

namespace millrace::harness {

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "millrace-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) std::abort();  // No folder, no test.
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  if (kept_) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace millrace::harness
