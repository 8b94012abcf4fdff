// Whether thousands of clients that do nothing are in the way of one that works.
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

/// The median microseconds of a chunk through a pipeline of its own.
absl::StatusOr<double> MicrosOfAChunk(Stand& stand, const BenchOptions& options,
                                      const std::vector<std::string>& chunks) {
  std::vector<double> micros;
  const int64_t count = options.records / 3 / kChunkRecords;
  for (int i = 0; i < options.repetitions; ++i) {
    absl::StatusOr<client::Pipeline> pipeline = stand.CreatePipeline(kServiceA);
    if (!pipeline.ok()) return pipeline.status();
    const absl::StatusOr<TransferReport> done = Transfer(stand, *pipeline, chunks, {.count = count});
    if (!done.ok()) return done.status();
    micros.push_back(done->seconds * 1e6 / static_cast<double>(count));
  }
  return Percentile(micros, 0.5);
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
  const absl::StatusOr<std::unique_ptr<Stand>> stand = Stand::Start(options);
  if (!stand.ok()) return stand.status();
  if (absl::Status status = (*stand)->CreateService(kFormulaA); !status.ok()) return status;
  const std::vector<std::string> chunks = MakeChunks(kDistinctChunks);
  const absl::StatusOr<double> alone = MicrosOfAChunk(**stand, options, chunks);
  if (!alone.ok()) return alone.status();

  const auto before = static_cast<double>((*stand)->resident_bytes());
  harness::SilentClients clients((*stand)->port());
  const double begin = Seconds();
  if (absl::Status status = clients.Connect(kConnections); !status.ok()) return status;
  if (!clients.NewestIsServed()) return absl::ResourceExhaustedError("the server refused a connection; see its log");
  const double seconds = Seconds() - begin;
  const double bytes = (static_cast<double>((*stand)->resident_bytes()) - before) / kConnections;
  const absl::StatusOr<double> beside = MicrosOfAChunk(**stand, options, chunks);
  if (!beside.ok()) return beside.status();
  return Report{"connections",
                {{absl::StrCat(kConnections, " connections made"), kConnections / seconds, "a second", {}},
                 {"memory of an idle one", bytes, "bytes", Aim{Aim::Kind::kAtMost, kConnectionBytesAim}},
                 {"a chunk without them", *alone, "us", {}},
                 {"a chunk beside them", *beside, "us", {}},
                 {"a chunk beside them to one without", *beside / *alone, "ratio", Aim{Aim::Kind::kAtMost, kFlatAim}}}};
}

}  // namespace millrace::bench
