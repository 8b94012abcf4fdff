// An empty folder for the life of an object.
#pragma once

#include <filesystem>

namespace millrace::harness {

/// Made under the system's folder for temporary files, removed with all it holds by the destructor unless it
/// is kept.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// Leaves the folder behind: what failed in it is to be looked at.
  void Keep() { kept_ = true; }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

}  // namespace millrace::harness
