#include "storage/model/run_statistics.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "storage/model/limits.h"

namespace millrace::model {
namespace {

bool IsSlower(const SlowRecord& a, const SlowRecord& b) {
  return std::tie(b.process_nanos, a.place) < std::tie(a.process_nanos, b.place);
}

/// The worker that the commits of `name` count for.
WorkerStatistics& WorkerOf(std::map<std::string, WorkerStatistics>& workers, const std::string& name) {
  if (const auto found = workers.find(name); found != workers.end()) return found->second;
  const bool has_other = workers.contains(std::string(kOtherName));
  if (workers.size() < kWorkersPerJobKept + (has_other ? 1 : 0)) return workers[name];
  return workers[std::string(kOtherName)];
}

void MergeSlowest(std::vector<SlowRecord>& job, const std::vector<SlowRecord>& chunk) {
  // Of most chunks nothing is slow enough.
  if (chunk.empty() || (job.size() == kSlowestRecordsKept && !IsSlower(chunk.front(), job.back()))) return;
  std::vector<SlowRecord> both;
  both.reserve(job.size() + chunk.size());
  std::merge(std::make_move_iterator(job.begin()), std::make_move_iterator(job.end()), chunk.begin(), chunk.end(),
             std::back_inserter(both), IsSlower);
  both.resize(std::min(both.size(), kSlowestRecordsKept));
  job = std::move(both);
}

/// Of a record: how long it took, and its index in the chunk.
struct Taken {
  int64_t nanos = 0;
  int32_t index = 0;
};

/// The records of a chunk that took longest, slowest first, then by index.
std::vector<Taken> SlowestOf(const std::vector<int64_t>& process_nanos) {
  const auto slower = [](const Taken& a, const Taken& b) {
    return std::tie(b.nanos, a.index) < std::tie(a.nanos, b.index);
  };
  std::vector<Taken> slowest;
  slowest.reserve(kSlowestRecordsKept + 1);
  for (size_t index = 0; index < process_nanos.size(); ++index) {
    const Taken taken{process_nanos[index], static_cast<int32_t>(index)};
    const bool is_full = slowest.size() == kSlowestRecordsKept;
    if (taken.nanos <= 0 || (is_full && taken.nanos <= slowest.back().nanos)) continue;
    slowest.insert(std::upper_bound(slowest.begin(), slowest.end(), taken, slower), taken);
    if (is_full) slowest.pop_back();
  }
  return slowest;
}

/// Fills in what came of the record.
void Describe(SlowRecord& record, const ChunkOutcome& outcome) {
  const int32_t index = record.place.index;
  const auto failure = std::lower_bound(outcome.failures.begin(), outcome.failures.end(), index,
                                        [](const RecordFailure& at, int32_t wanted) { return at.index < wanted; });
  if (failure != outcome.failures.end() && failure->index == index) record.code = failure->code;
  auto label = std::lower_bound(outcome.labels.begin(), outcome.labels.end(), index,
                                [](const RecordLabel& at, int32_t wanted) { return at.index < wanted; });
  for (; label != outcome.labels.end() && label->index == index; ++label) record.labels[label->label] += label->count;
}

}  // namespace

void CountLabel(LabelCounts& counts, std::string_view label, int64_t count) {
  std::string name(label);
  if (const auto found = counts.find(name); found != counts.end()) {
    found->second += count;
    return;
  }
  const bool has_other = counts.contains(std::string(kOtherName));
  const bool is_full = counts.size() >= kLabelsPerJobMax + (has_other ? 1 : 0);
  counts[is_full ? std::string(kOtherName) : std::move(name)] += count;
}

void WorkerStatistics::Merge(const WorkerStatistics& other) {
  chunks += other.chunks;
  records += other.records;
  records_failed += other.records_failed;
  compute_nanos += other.compute_nanos;
  const bool is_first = first_commit_time == absl::InfinitePast();
  first_commit_time = is_first ? other.first_commit_time : std::min(first_commit_time, other.first_commit_time);
  last_commit_time = std::max(last_commit_time, other.last_commit_time);
}

void RunStatistics::Merge(const RunStatistics& other) {
  for (const auto& [node, statistics] : other.nodes) nodes[node].Merge(statistics);
  for (const auto& [label, count] : other.labels) CountLabel(labels, label, count);
  MergeSlowest(slowest, other.slowest);
  for (const auto& [name, statistics] : other.workers) WorkerOf(workers, name).Merge(statistics);
}

RunStatistics StatisticsOf(const Chunk& chunk, ChunkCommit& commit, absl::Time now) {
  RunStatistics statistics;
  statistics.nodes = std::move(commit.outcome.nodes);
  const ChunkOutcome& outcome = commit.outcome;
  for (const RecordLabel& label : outcome.labels) CountLabel(statistics.labels, label.label, label.count);
  const std::vector<Taken> slowest = SlowestOf(outcome.process_time_ns);
  statistics.slowest.reserve(slowest.size());
  for (const Taken& taken : slowest) {
    SlowRecord& record = statistics.slowest.emplace_back();
    record.place = {chunk.sequence, taken.index};
    record.chunk_id = chunk.id;
    record.process_nanos = taken.nanos;
    record.worker = commit.worker;
    Describe(record, outcome);
  }
  if (commit.worker.empty()) return statistics;
  statistics.workers.emplace(commit.worker,
                             WorkerStatistics{.chunks = 1,
                                              .records = chunk.record_count,
                                              .records_failed = static_cast<int64_t>(outcome.failures.size()),
                                              .compute_nanos = outcome.compute_nanos,
                                              .first_commit_time = now,
                                              .last_commit_time = now});
  return statistics;
}

}  // namespace millrace::model
