// What a client was told, in a file that survives the client's own sudden death.
//
// One line a fact, appended with one write before the client does anything that rests on it:
//
//   sent INDEX              the chunk may be on its way
//   stored INDEX SEQUENCE   the server acknowledged the chunk
//   result NUMBER INDEX HASH  the server handed out a result
//   acknowledged NUMBER     the server confirmed an acknowledgement
//   done ROUND HASH         a short job was completed and read
//   broken TEXT             the client itself saw a promise broken
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace millrace::crash {

/// One line of a ledger.
struct Fact {
  std::string what;
  std::vector<uint64_t> numbers;
  /// Of `broken` only.
  std::string text;
};

/// All facts of a ledger, in order; none when there is no file. A last line without an end was torn by a kill and
/// does not count.
std::vector<Fact> ReadLedger(const std::filesystem::path& file);

/// Thread-safe: a line is one write to a file that is opened for appending.
class Ledger {
 public:
  /// Opens the file, made when it is missing, and cuts off a torn line. For each fact a byte is written to
  /// `progress_fd` unless nobody reads there.
  static absl::StatusOr<Ledger> Open(const std::filesystem::path& file, int progress_fd);

  /// Ends the process when the line cannot be written: a client without a memory is of no use.
  void Add(const std::string& line) const;

 private:
  Ledger(int fd, int progress_fd) : fd_(fd), progress_fd_(progress_fd) {}

  // Open to the end of the process.
  int fd_;
  int progress_fd_;
};

}  // namespace millrace::crash
