#include "storage/records/input_window.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace millrace::records {
namespace {

constexpr size_t kBlockBytes = 256 * 1024;
constexpr int kPollMillis = 200;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class FileSource final : public ByteSource {
 public:
  FileSource(std::string path, int fd, std::stop_token stop)
      : path_(std::move(path)), fd_(fd), stop_(std::move(stop)) {}
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  ~FileSource() override {
    if (fd_ != STDIN_FILENO) ::close(fd_);
  }

  absl::StatusOr<size_t> Read(char* data, size_t capacity) override {
    for (;;) {
      if (stop_.stop_requested()) return absl::CancelledError("interrupted");
      // Looks up now and then, so that a stop is seen while nothing comes. A regular file is always ready.
      pollfd ready = {.fd = fd_, .events = POLLIN, .revents = 0};
      if (stop_.stop_possible() && ::poll(&ready, 1, kPollMillis) == 0) continue;
      const ssize_t count = ::read(fd_, data, capacity);
      if (count >= 0) return static_cast<size_t>(count);
      if (errno != EINTR) return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path_));
    }
  }

  absl::Status SeekTo(int64_t offset) override {
    if (::lseek(fd_, offset, SEEK_SET) == offset) return absl::OkStatus();
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot go to byte ", offset, " of ", path_));
  }

  std::optional<int64_t> Size() const override {
    struct stat info = {};
    if (::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
    return info.st_size;
  }

 private:
  const std::string path_;
  const int fd_;
  const std::stop_token stop_;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}

  absl::StatusOr<size_t> Read(char* data, size_t capacity) override {
    const size_t count = std::min(capacity, bytes_.size() - at_);
    std::memcpy(data, bytes_.data() + at_, count);
    at_ += count;
    return count;
  }

  absl::Status SeekTo(int64_t offset) override {
    at_ = std::min(bytes_.size(), static_cast<size_t>(offset));
    return absl::OkStatus();
  }

  std::optional<int64_t> Size() const override { return static_cast<int64_t>(bytes_.size()); }

 private:
  const std::string bytes_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ByteSource>> OpenInput(const std::string& path, std::stop_token stop) {
  if (path == "-") return std::make_unique<FileSource>("the standard input", STDIN_FILENO, std::move(stop));
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  auto source = std::make_unique<FileSource>(path, fd, std::move(stop));
  struct stat info = {};
  if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", path, ": it is a folder"));
  }
  return source;
}

std::unique_ptr<ByteSource> SourceOfFile(std::string name, int fd) {
  return std::make_unique<FileSource>(std::move(name), fd, std::stop_token());
}

std::unique_ptr<ByteSource> SourceOf(std::string bytes) { return std::make_unique<MemorySource>(std::move(bytes)); }

absl::StatusOr<std::string> ReadWholeFile(const std::string& path, size_t bytes_max, std::stop_token stop) {
  auto source = OpenInput(path, std::move(stop));
  if (!source.ok()) return source.status();
  InputWindow window(*std::move(source));
  for (;;) {
    const auto more = window.Extend();
    if (!more.ok()) return more.status();
    if (!*more) return std::string(window.bytes());
    if (window.bytes().size() > bytes_max) {
      return absl::InvalidArgumentError(absl::StrCat(path, " is larger than ", bytes_max, " bytes"));
    }
  }
}

absl::StatusOr<bool> InputWindow::Extend() {
  if (at_end_) return false;
  buffer_.erase(0, begin_);
  begin_ = 0;
  // At least doubles the window, so that a reader that starts over with each extension stays linear.
  const size_t kept = buffer_.size();
  const size_t capacity = std::max(kBlockBytes, kept);
  buffer_.resize(kept + capacity);
  const auto count = source_->Read(buffer_.data() + kept, capacity);
  buffer_.resize(kept + (count.ok() ? *count : 0));
  if (!count.ok()) return count.status();
  read_ += static_cast<int64_t>(*count);
  at_end_ = *count == 0;
  return !at_end_;
}

absl::Status InputWindow::SeekTo(int64_t offset) {
  if (absl::Status moved = source_->SeekTo(offset); !moved.ok()) return moved;
  buffer_.clear();
  begin_ = 0;
  read_ = offset;
  at_end_ = false;
  return absl::OkStatus();
}

absl::Status InputWindow::SkipByteOrderMark() {
  while (bytes().size() < kByteOrderMark.size() && !at_end_) {
    if (const auto more = Extend(); !more.ok()) return more.status();
  }
  if (bytes().substr(0, kByteOrderMark.size()) == kByteOrderMark) Consume(kByteOrderMark.size());
  return absl::OkStatus();
}

}  // namespace millrace::records
