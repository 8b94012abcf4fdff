#include "tools/crash/check.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/crash/client_roles.h"
#include "tools/crash/each_second.h"
#include "tools/crash/ledger.h"
#include "tools/crash/results.h"
#include "tools/crash/workload.h"

namespace millrace::crash {
namespace {

/// Checks one job against what is known of it. The steps are in the order of Run.
class JobCheck {
 public:
  JobCheck(const client::Client& client, std::string id, const PipelinePlan& plan, Verdict& verdict)
      : client_(client), id_(std::move(id)), cancelled_(plan.cancelled), ordered_(plan.ordered), verdict_(verdict) {}

  absl::Status Load() {
    v1::GetJobRequest request;
    request.set_job_id(id_);
    absl::StatusOr<v1::Job> job = client_.GetJob(request);
    if (!job.ok()) return job.status();
    job_ = *std::move(job);
    absl::StatusOr<std::vector<v1::ChunkResult>> results = ReadAllResults(client_, id_);
    if (!results.ok()) return results.status();
    results_ = *std::move(results);
    return absl::OkStatus();
  }

  /// Each result on its own: numbered without a gap, one a chunk, with the right content, in push order where the job
  /// asks for it.
  void CheckResults() {
    for (const v1::ChunkResult& result : results_) {
      if (result.number() != ++last_number_) Fault("has result ", result.number(), " in place ", last_number_);
      if (const std::string fault = FaultOf(result); !fault.empty()) {
        Fault("result ", result.number(), " of chunk ", result.chunk_id(), " ", fault);
      }
      if (ordered_ && result.sequence() <= last_sequence_) {
        Fault("result ", result.number(), " of sequence ", result.sequence(), " comes behind ", last_sequence_);
      }
      last_sequence_ = result.sequence();
      by_number_.emplace(result.number(), &result);
      const int64_t index = IndexOf(result.chunk_id()).value_or(-1);
      if (!by_index_.emplace(index, &result).second) {
        verdict_.doubled += result.record_count();
        Fault("chunk ", result.chunk_id(), " has two results");
      }
      records_failed_ += result.failed_count();
      records_ += result.record_count();
      for (const v1::RecordError& error : result.errors()) failed_.emplace(index, error.index());
    }
  }

  /// The job's counters are the sums of its results.
  void CheckCounters() {
    const v1::JobSummary& summary = job_.summary();
    Expect("state", job_.state(), cancelled_ ? v1::JOB_STATE_CANCELLED : v1::JOB_STATE_COMPLETED);
    Expect("chunks_completed", summary.chunks_completed(), static_cast<int64_t>(results_.size()));
    Expect("records_completed", summary.records_completed(), records_ - records_failed_);
    Expect("records_failed", summary.records_failed(), records_failed_);
    Expect("completed, failed and skipped records",
           summary.records_completed() + summary.records_failed() + summary.records_skipped(),
           summary.records_submitted());
    Expect("completed and skipped chunks", summary.chunks_completed() + summary.chunks_skipped(),
           summary.chunks_submitted());
    if (!cancelled_) Expect("chunks_skipped", summary.chunks_skipped(), 0);
  }

  /// There is one exception for each failed record, with its input, and groups count them.
  absl::Status CheckExceptions() {
    std::set<std::pair<int64_t, int32_t>> kept;
    v1::ListExceptionsRequest request;
    request.set_job_id(id_);
    request.set_page_size(1'000);
    auto exceptions = client_.AllExceptions(request);
    for (const absl::StatusOr<v1::RecordException>& exception : exceptions) {
      if (!exception.ok()) return exception.status();
      const int64_t index = IndexOf(exception->chunk_id()).value_or(-1);
      if (!kept.emplace(index, exception->index()).second) {
        ++verdict_.doubled;
        Fault("has two exceptions for record ", exception->index(), " of ", exception->chunk_id());
      }
      if (exception->input() != RecordText(index, exception->index())) Fault("keeps as input: ", exception->input());
    }
    if (kept != failed_) Fault("has ", kept.size(), " exceptions for ", failed_.size(), " failed records");
    v1::ListExceptionGroupsRequest of_groups;
    of_groups.set_job_id(id_);
    int64_t counted = 0;
    auto groups = client_.AllExceptionGroups(of_groups);
    for (const absl::StatusOr<v1::ExceptionGroup>& group : groups) {
      if (!group.ok()) return group.status();
      counted += group->count();
    }
    Expect("exceptions by groups", counted, records_failed_);
    return absl::OkStatus();
  }

  /// What was acknowledged to the client that pushed is there, under the sequence that it was told.
  absl::Status CheckPushed(const std::vector<Fact>& facts) {
    std::set<uint64_t> sequences;
    for (const Fact& fact : facts) {
      if (fact.what != "stored") continue;
      const auto index = static_cast<int64_t>(fact.numbers[0]);
      verdict_.records += RecordCount(index);
      if (!sequences.insert(fact.numbers[1]).second) Fault("gave the sequence ", fact.numbers[1], " to two chunks");
      if (absl::Status status = CheckStored(index, fact.numbers[1]); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  /// What the client that pulled was given is what is there, and it was given everything.
  void CheckPulled(const std::vector<Fact>& facts) {
    std::set<uint64_t> numbers;
    for (const Fact& fact : facts) {
      if (fact.what != "result") continue;
      const auto number = static_cast<int64_t>(fact.numbers[0]);
      const int32_t records = RecordCount(static_cast<int64_t>(fact.numbers[1]));
      numbers.insert(fact.numbers[0]);
      const auto found = by_number_.find(number);
      if (found == by_number_.end()) {
        verdict_.lost += records;
        Fault("has no result ", number, " any more");
      } else if (HashOf(*found->second) != fact.numbers[2]) {
        verdict_.doubled += records;
        Fault("result ", number, " has other content than when it was pulled");
      }
    }
    Expect("pulled results", static_cast<int64_t>(numbers.size()), static_cast<int64_t>(results_.size()));
  }

  void CheckDone(uint64_t hash_when_read) {
    uint64_t hash = 0;
    for (const v1::ChunkResult& result : results_) hash = hash * 31 + HashOf(result);
    if (hash != hash_when_read) Fault("has other results than when it was read");
    for (int64_t index = 0; index < kChunksOfShortJob; ++index) {
      verdict_.records += RecordCount(index);
      if (!by_index_.contains(index)) Lost(index);
    }
    Expect("results", static_cast<int64_t>(results_.size()), kChunksOfShortJob);
  }

  void CheckBroken(const std::vector<Fact>& facts) {
    for (const Fact& fact : facts) {
      if (fact.what == "broken") Fault(fact.text);
    }
  }

 private:
  template <typename... Parts>
  void Fault(const Parts&... parts) {
    verdict_.faults.push_back(absl::StrCat("pipeline ", id_, ": ", parts...));
  }

  void Expect(const char* what, int64_t actual, int64_t expected) {
    if (actual != expected) Fault(what, ": ", actual, " where ", expected, " follows from the results");
  }

  void Lost(int64_t index) {
    verdict_.lost += RecordCount(index);
    Fault("chunk ", index, " was acknowledged and is gone");
  }

  absl::Status CheckStored(int64_t index, uint64_t sequence) {
    const auto result = by_index_.find(index);
    if (result != by_index_.end()) {
      if (static_cast<uint64_t>(result->second->sequence()) != sequence)
        Fault("chunk ", index, " changed its sequence");
      return absl::OkStatus();
    }
    if (!cancelled_) {
      Lost(index);
      return absl::OkStatus();
    }
    // Skipped, then; its id is still known, or it would be taken for a new chunk and refused.
    v1::PushRequest request;
    request.set_pipeline_id(id_);
    *request.add_chunks() = MakeChunk(index);
    const absl::StatusOr<v1::PushResponse> again = client_.Push(request);
    if (absl::IsUnavailable(again.status())) return again.status();
    const bool known =
        again.ok() && again->chunks(0).duplicate() && static_cast<uint64_t>(again->chunks(0).sequence()) == sequence;
    if (!known) Lost(index);
    return absl::OkStatus();
  }

  const client::Client& client_;
  const std::string id_;
  const bool cancelled_;
  const bool ordered_;
  Verdict& verdict_;

  v1::Job job_;
  std::vector<v1::ChunkResult> results_;
  std::map<int64_t, const v1::ChunkResult*> by_index_;
  std::map<int64_t, const v1::ChunkResult*> by_number_;
  /// Index of the chunk and place in it.
  std::set<std::pair<int64_t, int32_t>> failed_;
  int64_t last_number_ = 0;
  int64_t last_sequence_ = 0;
  int64_t records_ = 0;
  int64_t records_failed_ = 0;
};

constexpr PipelinePlan kShortJob = {};

absl::Status CheckPipeline(const client::Client& client, const std::filesystem::path& folder, const PipelinePlan& plan,
                           Verdict& verdict) {
  const std::string id(plan.id);
  const std::vector<Fact> pushed = ReadLedger(LedgerFile(folder, absl::StrCat("push-", id)));
  const std::vector<Fact> pulled = ReadLedger(LedgerFile(folder, absl::StrCat("pull-", id)));
  JobCheck check(client, id, plan, verdict);
  if (absl::Status status = check.Load(); !status.ok()) return status;
  check.CheckResults();
  check.CheckCounters();
  if (absl::Status status = check.CheckExceptions(); !status.ok()) return status;
  if (absl::Status status = check.CheckPushed(pushed); !status.ok()) return status;
  check.CheckPulled(pulled);
  check.CheckBroken(pushed);
  check.CheckBroken(pulled);
  return absl::OkStatus();
}

absl::Status CheckShortJob(const client::Client& client, const Fact& done, Verdict& verdict) {
  JobCheck check(client, ShortJobId(done.numbers[0]), kShortJob, verdict);
  if (absl::Status status = check.Load(); !status.ok()) return status;
  check.CheckResults();
  check.CheckCounters();
  if (absl::Status status = check.CheckExceptions(); !status.ok()) return status;
  check.CheckDone(done.numbers[1]);
  return absl::OkStatus();
}

}  // namespace

std::filesystem::path LedgerFile(const std::filesystem::path& folder, const std::string& client) {
  return folder / absl::StrCat(client, ".ledger");
}

absl::Status CheckEverything(const client::Client& client, const std::filesystem::path& folder, Verdict& verdict) {
  for (const PipelinePlan& plan : kPipelines) {
    if (absl::Status status = CheckPipeline(client, folder, plan, verdict); !status.ok()) return status;
  }
  const std::vector<Fact> jobs = ReadLedger(LedgerFile(folder, "jobs"));
  for (const Fact& done : jobs) {
    if (absl::Status status = CheckShortJob(client, done, verdict); !status.ok()) return status;
  }
  return CheckEachSecond(client, verdict);
}

}  // namespace millrace::crash
