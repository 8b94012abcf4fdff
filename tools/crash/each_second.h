// A schedule that submits a small job each second, beside all else, and what must be left of it.
#pragma once

#include "absl/status/status.h"
#include "client/cpp/client.h"
#include "tools/crash/check.h"

namespace millrace::crash {

absl::Status StartEachSecond(const client::Client& client);

/// Pauses it, and waits until its last run is over.
absl::Status EndEachSecond(const client::Client& client);

/// Each second has one run, or is told as missed by one; each run one job, which read its source once; and there is no job
/// without a run. Fails only when the server does not answer.
absl::Status CheckEachSecond(const client::Client& client, Verdict& verdict);

}  // namespace millrace::crash
