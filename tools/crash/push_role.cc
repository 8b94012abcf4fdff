#include <algorithm>
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "client/cpp/pipeline.h"
#include "tools/crash/client_roles.h"
#include "tools/crash/connect.h"
#include "tools/crash/ledger.h"
#include "tools/crash/workload.h"

namespace millrace::crash {
namespace {

// So many acknowledged chunks are pushed again after a restart: they must be duplicates.
constexpr int64_t kPushedAgain = 4;

struct Pushed {
  /// Indices below this may be on their way or stored.
  int64_t sent = 0;
  /// Sequence of each acknowledged chunk, by index.
  std::map<int64_t, int64_t> stored;
};

Pushed Recall(const std::filesystem::path& file) {
  Pushed pushed;
  for (const std::vector<Fact> facts = ReadLedger(file); const Fact& fact : facts) {
    if (fact.what == "sent") pushed.sent = std::max(pushed.sent, static_cast<int64_t>(fact.numbers[0]) + 1);
    if (fact.what == "stored") pushed.stored.emplace(fact.numbers[0], fact.numbers[1]);
  }
  return pushed;
}

}  // namespace

absl::Status RunPush(const ClientOptions& options) {
  const Pushed before = Recall(options.ledger);
  const absl::StatusOr<Ledger> ledger = Ledger::Open(options.ledger, options.progress_fd);
  if (!ledger.ok()) return ledger.status();
  const absl::StatusOr<client::Client> client = Connect(options.server);
  if (!client.ok()) return client.status();
  absl::StatusOr<client::Pipeline> pipeline = client::Pipeline::Attach(*client, options.pipeline);
  if (!pipeline.ok()) return pipeline.status();

  client::PusherOptions how;
  how.max_calls_in_flight = 4;
  how.max_bytes_per_call = 4'096;
  how.max_bytes_in_flight = 24'576;
  how.on_stored = [&](const v1::PushedChunk& chunk) {
    const int64_t index = IndexOf(chunk.id()).value_or(-1);
    const auto known = before.stored.find(index);
    if (known == before.stored.end()) {
      ledger->Add(absl::StrCat("stored ", index, " ", chunk.sequence()));
    } else if (!chunk.duplicate() || chunk.sequence() != known->second) {
      ledger->Add(absl::StrCat("broken chunk ", index, " was stored as ", known->second, " and is stored as ",
                               chunk.sequence(), chunk.duplicate() ? "" : " anew"));
    }
  };
  absl::StatusOr<std::unique_ptr<client::Pusher>> pusher = pipeline->NewPusher(std::move(how));
  if (!pusher.ok()) return pusher.status();

  // Acknowledgements come in the order of pushes, so what is stored has no gap.
  const int64_t first = std::max<int64_t>(0, static_cast<int64_t>(before.stored.size()) - kPushedAgain);
  for (int64_t index = first; !options.finish || index < before.sent; ++index) {
    if (index >= before.sent) ledger->Add(absl::StrCat("sent ", index));
    if (const auto id = (*pusher)->Push(MakeChunk(index)); !id.ok()) return id.status();
  }
  return (*pusher)->Flush();
}

}  // namespace millrace::crash
