// millrace-db: looks at a data folder that no server has open, saves it and brings it back.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "storage/model/clock.h"

namespace millrace::db {

/// The world around the process, which tests make up.
struct Environment {
  std::ostream& out;
  std::ostream& err;
  const model::Clock& clock;
  /// Makes the names of drafts differ.
  uint64_t random_seed = 0;
};

/// Exit codes, which scripts may rely on.
enum ExitCode : int {
  kOk = 0,
  /// The folder or backup was read, and something is wrong with it.
  kUnsound = 1,
  kUsage = 2,
  /// It could not be read or written; stderr says why.
  kFailed = 3,
};

/// Runs one command line, without the name of the program.
int RunDb(std::vector<std::string> arguments, const Environment& environment);

}  // namespace millrace::db
