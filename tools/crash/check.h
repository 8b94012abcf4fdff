// Holds the ledgers of all clients against what the server has at the end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/cpp/client.h"

namespace millrace::crash {

/// What a whole run came to.
struct Verdict {
  /// Records that were acknowledged to a client.
  int64_t records = 0;
  /// Of these: records that are in none of result, exception and skipped; and records of results that a client had and
  /// the server has no more.
  int64_t lost = 0;
  /// Records that are there more than once, or came back with other content.
  int64_t doubled = 0;
  /// Everything that is wrong, in words.
  std::vector<std::string> faults;

  bool good() const { return lost == 0 && doubled == 0 && faults.empty(); }
};

/// The ledger of a client, in the folder of the run.
std::filesystem::path LedgerFile(const std::filesystem::path& folder, const std::string& client);

/// Checks every pipeline of kPipelines, every short job and the schedule; all of them have ended and were read to the end. Fails only
/// when the server does not answer.
absl::Status CheckEverything(const client::Client& client, const std::filesystem::path& folder, Verdict& verdict);

}  // namespace millrace::crash
