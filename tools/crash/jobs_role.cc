#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/client.h"
#include "tools/crash/client_roles.h"
#include "tools/crash/connect.h"
#include "tools/crash/ledger.h"
#include "tools/crash/results.h"
#include "tools/crash/workload.h"

namespace millrace::crash {
namespace {

absl::Status Create(const client::Client& client, const std::string& id) {
  PipelinePlan plan{};
  plan.id = id;
  return client.CreatePipeline(MakeRequest(plan)).status();
}

/// Some chunks of a job in one call, all or none.
absl::Status Push(const client::Client& client, const std::string& id, int64_t begin, int64_t end) {
  v1::PushRequest request;
  request.set_pipeline_id(id);
  for (int64_t index = begin; index < end; ++index) *request.add_chunks() = MakeChunk(index);
  return client.Push(request).status();
}

absl::Status Close(const client::Client& client, const std::string& id) {
  v1::ClosePipelineRequest request;
  request.set_pipeline_id(id);
  return client.ClosePipeline(request).status();
}

/// Carries a round out from its first step, whichever were done before: each is safe to repeat.
absl::Status RunRound(const client::Client& client, const Ledger& ledger, uint64_t round) {
  const std::string id = ShortJobId(round);
  const int64_t middle = static_cast<int64_t>(round) % kChunksOfShortJob;
  absl::Status status = Create(client, id);
  if (status.ok() && middle > 0) status = Push(client, id, 0, middle);
  if (status.ok()) status = Push(client, id, middle, kChunksOfShortJob);
  if (status.ok()) status = Close(client, id);
  if (!status.ok()) return status;
  const absl::StatusOr<std::vector<v1::ChunkResult>> results = ReadAllResults(client, id);
  if (!results.ok()) return results.status();
  uint64_t hash = 0;
  for (const v1::ChunkResult& result : *results) hash = hash * 31 + HashOf(result);
  ledger.Add(absl::StrCat("done ", round, " ", hash));
  return absl::OkStatus();
}

}  // namespace

std::string ShortJobId(uint64_t round) { return absl::StrCat("short-", round); }

absl::Status RunJobs(const ClientOptions& options) {
  const absl::StatusOr<Ledger> ledger = Ledger::Open(options.ledger, options.progress_fd);
  if (!ledger.ok()) return ledger.status();
  const absl::StatusOr<client::Client> client = Connect(options.server);
  if (!client.ok()) return client.status();
  // One fact a round.
  uint64_t round = ReadLedger(options.ledger).size();
  do {
    if (absl::Status status = RunRound(*client, *ledger, round++); !status.ok()) return status;
  } while (!options.finish);
  return absl::OkStatus();
}

}  // namespace millrace::crash
