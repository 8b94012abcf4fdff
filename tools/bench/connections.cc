// Whether thousands of clients that do nothing are in the way of one that works.
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/bench/records.h"
#include "tools/bench/scenarios.h"
#include "tools/bench/transfer.h"
#include "tools/harness/silent_clients.h"

namespace millrace::bench {
namespace {

constexpr int kConnections = 10'000;
// What the server and this program have open besides.
constexpr int kOtherFiles = 200;
constexpr double kConnectionBytesAim = 32 * 1024;
constexpr double kFlatAim = 1.15;

absl::StatusOr<std::unique_ptr<Stand>> StartStand(const BenchOptions& options) {
  absl::StatusOr<std::unique_ptr<Stand>> stand = Stand::Start(options);
  if (!stand.ok()) return stand;
  if (absl::Status status = (*stand)->CreateService(kFormulaA); !status.ok()) return status;
  return stand;
}

}  // namespace

absl::StatusOr<Report> RunConnections(const BenchOptions& options) {
  // The server inherits the limit, and keeps a quarter of it for its store.
  const int64_t needed = (kConnections + kOtherFiles) * 4 / 3;
  if (const int64_t limit = harness::RaiseFileLimit(); limit < needed) {
    return absl::FailedPreconditionError(absl::StrCat(kConnections, " connections take ", needed,
                                                      " open files, and the limit here is ", limit,
                                                      ": raise it with ulimit -n"));
  }
  const absl::StatusOr<std::unique_ptr<Stand>> quiet = StartStand(options);
  if (!quiet.ok()) return quiet.status();
  const absl::StatusOr<std::unique_ptr<Stand>> stand = StartStand(options);
  if (!stand.ok()) return stand.status();
  const std::vector<std::string> chunks = MakeChunks(kDistinctChunks);

  const auto before = static_cast<double>((*stand)->resident_bytes());
  harness::SilentClients clients((*stand)->port());
  const double begin = Seconds();
  if (absl::Status status = clients.Connect(kConnections); !status.ok()) return status;
  if (!clients.NewestIsServed()) return absl::ResourceExhaustedError("the server refused a connection; see its log");
  const double seconds = Seconds() - begin;
  const double bytes = (static_cast<double>((*stand)->resident_bytes()) - before) / kConnections;

  std::vector<double> alone;
  std::vector<double> beside;
  // In turn: see MedianRatio.
  for (int i = 0; i < options.repetitions; ++i) {
    const absl::StatusOr<double> without = MicrosOfAChunk(**quiet, chunks, options.records / 3);
    if (!without.ok()) return without.status();
    alone.push_back(*without);
    const absl::StatusOr<double> with = MicrosOfAChunk(**stand, chunks, options.records / 3);
    if (!with.ok()) return with.status();
    beside.push_back(*with);
  }
  const double ratio = MedianRatio(beside, alone);
  return Report{"connections",
                {{absl::StrCat(kConnections, " connections made"), kConnections / seconds, "a second", {}},
                 {"memory of an idle one", bytes, "bytes", Aim{Aim::Kind::kAtMost, kConnectionBytesAim}},
                 {"a chunk without them", Percentile(alone, 0.5), "us", {}},
                 {"a chunk beside them", Percentile(beside, 0.5), "us", {}},
                 {"a chunk beside them to one without", ratio, "ratio", Aim{Aim::Kind::kAtMost, kFlatAim}}}};
}

}  // namespace millrace::bench
