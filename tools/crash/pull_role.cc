#include <algorithm>
#include <map>
#include <optional>
#include <random>

#include "absl/strings/str_cat.h"
#include "client/cpp/client.h"
#include "tools/crash/client_roles.h"
#include "tools/crash/connect.h"
#include "tools/crash/ledger.h"
#include "tools/crash/workload.h"

namespace millrace::crash {
namespace {

constexpr int kResultsPerPageMax = 20;
constexpr int64_t kReadAgainMax = 5;

/// The results that one client has had, across its lives.
class Reader {
 public:
  Reader(const ClientOptions& options, Ledger ledger, client::Client client)
      : options_(options), ledger_(ledger), client_(std::move(client)), random_(options.seed) {
    for (const std::vector<Fact> facts = ReadLedger(options.ledger); const Fact& fact : facts) {
      if (fact.what == "result") hashes_.emplace(fact.numbers[0], fact.numbers[2]);
      if (fact.what == "acknowledged") acknowledged_ = static_cast<int64_t>(fact.numbers[0]);
    }
    last_ = hashes_.empty() ? 0 : hashes_.rbegin()->first;
  }

  absl::Status Run() {
    std::optional<int64_t> after = FirstAfter();
    for (;;) {
      absl::StatusOr<v1::PullResponse> page = Pull(after);
      if (!page.ok()) return page.status();
      if (after.value_or(0) > acknowledged_) Acknowledged(*after);
      if (!after.has_value()) CheckStart(*page);
      for (const v1::ChunkResult& result : page->results()) Take(result);
      if (page->drained() && options_.finish) return Acknowledge(page->cursor());
      after = page->cursor();
      if (random_() % 4 == 0) {
        if (absl::Status status = Acknowledge(*after); !status.ok()) return status;
      }
    }
  }

 private:
  /// Where a new life begins: at the last result, before it, or where the server says.
  std::optional<int64_t> FirstAfter() {
    switch (random_() % 3) {
      case 0:
        return std::nullopt;
      case 1:
        return std::max<int64_t>(0, last_ - static_cast<int64_t>(random_() % kReadAgainMax));
      default:
        return last_;
    }
  }

  absl::StatusOr<v1::PullResponse> Pull(std::optional<int64_t> after) {
    v1::PullRequest request;
    request.set_pipeline_id(options_.pipeline);
    request.set_max_chunks(static_cast<int32_t>(1 + random_() % kResultsPerPageMax));
    if (after.has_value()) request.set_after(*after);
    request.mutable_wait()->set_seconds(5);
    return client_.Pull(request);
  }

  absl::Status Acknowledge(int64_t cursor) {
    v1::AcknowledgeRequest request;
    request.set_pipeline_id(options_.pipeline);
    request.set_cursor(cursor);
    const absl::StatusOr<v1::AcknowledgeResponse> response = client_.Acknowledge(request);
    if (response.ok()) Acknowledged(cursor);
    return response.status();
  }

  void Acknowledged(int64_t cursor) {
    acknowledged_ = std::max(acknowledged_, cursor);
    ledger_.Add(absl::StrCat("acknowledged ", acknowledged_));
  }

  /// A reply to a call that left the start to the server.
  void CheckStart(const v1::PullResponse& page) {
    if (page.results().empty()) return;
    const int64_t first = page.results(0).number();
    if (first <= acknowledged_) {
      ledger_.Add(absl::StrCat("broken result ", first, " came again after ", acknowledged_, " was acknowledged"));
    }
    if (first > last_ + 1)
      ledger_.Add(absl::StrCat("broken results from ", last_ + 1, " to ", first, " were left out"));
    expected_ = first;
  }

  void Take(const v1::ChunkResult& result) {
    const int64_t number = result.number();
    if (expected_.has_value() && number != *expected_) {
      ledger_.Add(absl::StrCat("broken result ", number, " came where ", *expected_, " follows"));
    }
    expected_ = number + 1;
    const uint64_t hash = HashOf(result);
    const auto [known, is_new] = hashes_.emplace(number, hash);
    if (!is_new && known->second != hash) ledger_.Add(absl::StrCat("broken result ", number, " has other content now"));
    if (is_new) ledger_.Add(absl::StrCat("result ", number, " ", IndexOf(result.chunk_id()).value_or(0), " ", hash));
    last_ = std::max(last_, number);
  }

  const ClientOptions options_;
  const Ledger ledger_;
  const client::Client client_;
  std::mt19937_64 random_;

  std::map<int64_t, uint64_t> hashes_;
  int64_t last_ = 0;
  int64_t acknowledged_ = 0;
  std::optional<int64_t> expected_;
};

}  // namespace

absl::Status RunPull(const ClientOptions& options) {
  const absl::StatusOr<Ledger> ledger = Ledger::Open(options.ledger, options.progress_fd);
  if (!ledger.ok()) return ledger.status();
  absl::StatusOr<client::Client> client = Connect(options.server);
  if (!client.ok()) return client.status();
  return Reader(options, *ledger, *std::move(client)).Run();
}

}  // namespace millrace::crash
