#include "tools/millrace/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::cli {
namespace {

constexpr size_t kBufferBytes = 256 * 1024;

std::string PartialPath(const std::string& path) { return path + ".partial"; }

}  // namespace

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Create(const std::string& path) {
  if (path == "-") return std::unique_ptr<OutputFile>(new OutputFile(path, STDOUT_FILENO));
  const int fd = ::open(PartialPath(path).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", PartialPath(path)));
  return std::unique_ptr<OutputFile>(new OutputFile(path, fd));
}

OutputFile::OutputFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

OutputFile::~OutputFile() {
  if (fd_ < 0) return;
  // What is left of a file that was given up is a help for people, not a promise.
  Flush().IgnoreError();
  if (fd_ == STDOUT_FILENO) return;
  if (::lseek(fd_, 0, SEEK_CUR) == 0) ::unlink(PartialPath(path_).c_str());
  ::close(fd_);
}

absl::Status OutputFile::Append(std::string_view bytes) {
  buffer_.append(bytes);
  return buffer_.size() < kBufferBytes ? absl::OkStatus() : Flush();
}

absl::Status OutputFile::Commit() {
  if (auto status = Flush(); !status.ok()) return status;
  const int fd = std::exchange(fd_, -1);
  if (fd == STDOUT_FILENO) return absl::OkStatus();
  const bool synced = ::fsync(fd) == 0;
  const absl::Status sync_status = synced ? absl::OkStatus() : Error("write");
  if (::close(fd) != 0 && synced) return Error("write");
  if (!sync_status.ok()) return sync_status;
  if (std::rename(PartialPath(path_).c_str(), path_.c_str()) != 0) return Error("rename");
  return absl::OkStatus();
}

absl::Status OutputFile::Flush() {
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t count = ::write(fd_, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Error("write");
    rest.remove_prefix(static_cast<size_t>(count));
  }
  buffer_.clear();
  return absl::OkStatus();
}

absl::Status OutputFile::Error(std::string_view verb) const {
  const std::string file = path_ == "-" ? "the standard output" : PartialPath(path_);
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", std::string(verb), " ", file));
}

}  // namespace millrace::cli
