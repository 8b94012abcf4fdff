// Bytes of an input file, read in blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace millrace::records {

/// Where bytes come from. Not thread-safe.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  /// Reads what is there, at least one byte and at most `capacity`, into `data`. 0 only at the end.
  virtual absl::StatusOr<size_t> Read(char* data, size_t capacity) = 0;

  /// Goes on at byte `offset`. The error of a source that only moves forward, such as a pipe.
  virtual absl::Status SeekTo(int64_t offset) = 0;

  /// How many bytes there are in all, where that is known.
  virtual std::optional<int64_t> Size() const { return std::nullopt; }
};

/// Opens a file, or the standard input for `-`. The error names the path and the reason. `stop` ends a Read that waits,
/// for a pipe or a person, with CANCELLED.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenInput(const std::string& path, std::stop_token stop = {});

/// The bytes of an open file, which `fd` stands for and the source closes. `name` stands for it in errors.
std::unique_ptr<ByteSource> SourceOfFile(std::string name, int fd);

/// Bytes in memory.
std::unique_ptr<ByteSource> SourceOf(std::string bytes);

/// Reads all of a file, or of the standard input for `-`, up to `bytes_max`. `stop` ends it as it ends OpenInput.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path, size_t bytes_max, std::stop_token stop = {});

/// A window over a source that moves forward: what was read and is not consumed yet, in one piece.
class InputWindow {
 public:
  explicit InputWindow(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  /// The bytes in the window. Valid until the next call of Extend.
  std::string_view bytes() const { return std::string_view(buffer_).substr(begin_); }

  /// Reads more bytes behind those in the window. False at the end of the source.
  absl::StatusOr<bool> Extend();

  /// Drops the first `count` bytes of the window.
  void Consume(size_t count) { begin_ += count; }

  /// Moves the window to byte `offset` of the source.
  absl::Status SeekTo(int64_t offset);

  /// Consumes the UTF-8 byte order mark if the source begins with one. Call it first.
  absl::Status SkipByteOrderMark();

  /// True when the end of the source is in the window.
  bool at_end() const { return at_end_; }

  /// The byte of the source at which the window begins.
  int64_t offset() const { return read_ - static_cast<int64_t>(bytes().size()); }

  std::optional<int64_t> Size() const { return source_->Size(); }

 private:
  std::unique_ptr<ByteSource> source_;
  std::string buffer_;
  size_t begin_ = 0;
  int64_t read_ = 0;
  bool at_end_ = false;
};

}  // namespace millrace::records
