#include "server/core/job_totals.h"

#include <algorithm>
#include <array>

#include "storage/model/job_rules.h"

namespace millrace::core {
namespace {

using model::Job;

constexpr char kOther[] = "other";

/// In seconds: from a chunk that found a worker free to one that was held for a day.
constexpr std::array kWaitBounds = {0.001, 0.005, 0.025, 0.1,     0.5,     1.0,     5.0,
                                    15.0,  60.0,  300.0, 1'800.0, 7'200.0, 86'400.0};

/// Adds what happened between two snapshots. Sums only grow, whatever the snapshots say.
void AddGrowth(TenantTotals& totals, const Job& before, const Job& now) {
  const auto grow = [](int64_t& sum, int64_t from, int64_t to) { sum += std::max<int64_t>(0, to - from); };
  const model::JobCounters& a = before.counters;
  const model::JobCounters& b = now.counters;
  grow(totals.records_submitted, a.records_submitted, b.records_submitted);
  grow(totals.records_completed, a.records_completed, b.records_completed);
  grow(totals.records_failed, a.records_failed - a.records_held, b.records_failed - b.records_held);
  grow(totals.records_held, a.records_held, b.records_held);
  grow(totals.records_skipped, model::RecordsSkipped(before), model::RecordsSkipped(now));
  grow(totals.records_retried, a.records_retried, b.records_retried);
  grow(totals.chunks_submitted, before.last_sequence, now.last_sequence);
  grow(totals.chunks_completed, a.chunks_completed - a.chunks_failed, b.chunks_completed - b.chunks_failed);
  grow(totals.chunks_failed, a.chunks_failed, b.chunks_failed);
  grow(totals.chunks_skipped, model::ChunksSkipped(before), model::ChunksSkipped(now));
  grow(totals.chunks_retried, a.chunks_retried, b.chunks_retried);
  if (!model::IsFinal(before.state) && model::IsFinal(now.state)) totals.jobs_ended[now.state] += 1;
}

/// Adds (`sign` 1) or takes away (-1) what a job holds at this moment.
void AddPresent(TenantTotals& totals, const Job& job, int64_t sign) {
  if (model::IsFinal(job.state)) return;
  totals.jobs[job.state] += sign;
  totals.chunks_pending += sign * model::ChunksPending(job);
  totals.records_pending += sign * model::RecordsPending(job);
  totals.input_buffer_bytes += sign * job.input_buffer_used_bytes;
  totals.output_buffer_bytes += sign * job.output_buffer_used_bytes;
  totals.input_buffer_allocated_bytes += sign * job.options.input_buffer_bytes;
  totals.output_buffer_allocated_bytes += sign * job.options.output_buffer_bytes;
}

}  // namespace

void JobTotals::OnJobChanged(const model::JobPtr& job) {
  absl::MutexLock lock(&mutex_);
  const auto [it, is_new] = entries_.try_emplace(job->key());
  Entry& entry = it->second;
  const bool was_final = !is_new && model::IsFinal(entry.job->state);
  int64_t pushed_before = 0;
  if (is_new) {
    if (model::IsFinal(job->state)) {
      entries_.erase(it);
      return;
    }
    entry.tenant = &FindTenant(job->tenant);
  } else {
    AddGrowth(entry.tenant->totals, *entry.job, *job);
    AddPresent(entry.tenant->totals, *entry.job, -1);
    pushed_before = entry.job->last_sequence;
  }
  AddPresent(entry.tenant->totals, *job, 1);
  entry.job = job;
  UpdateMarks(entry, pushed_before);
  if (!was_final && model::IsFinal(job->state)) {
    ended_.push_back(job->key());
    ForgetOldest();
  }
}

void JobTotals::UpdateMarks(Entry& entry, int64_t pushed_before) {
  const Job& job = *entry.job;
  if (model::IsFinal(job.state)) entry.marks.clear();
  if (!model::IsFinal(job.state) && job.last_sequence > std::max(pushed_before, job.watermark)) {
    entry.marks.push_back({job.last_sequence, std::max<int64_t>(1, clock_->SteadyNanos())});
  }
  while (!entry.marks.empty() && entry.marks.front().sequence <= job.watermark) entry.marks.erase(entry.marks.begin());
  if (entry.marks.size() > kMarksMax) {
    // Of two neighbours the earlier time stands for both: a wait may seem longer than it is, never shorter.
    std::vector<Mark> fewer;
    for (size_t i = 0; i < entry.marks.size(); i += 2) {
      const size_t last = std::min(i + 1, entry.marks.size() - 1);
      fewer.push_back({entry.marks[last].sequence, entry.marks[i].nanos});
    }
    entry.marks = std::move(fewer);
  }
  const int64_t waits_since = entry.marks.empty() ? 0 : entry.marks.front().nanos;
  if (waits_since == entry.waits_since) return;
  if (entry.waits_since != 0) entry.tenant->waiting.erase({entry.waits_since, job.key()});
  if (waits_since != 0) entry.tenant->waiting.emplace(waits_since, job.key());
  entry.waits_since = waits_since;
}

void JobTotals::OnChunkStarted(const model::Job& job, absl::Time push_time) {
  const absl::Duration wait = std::max(clock_->Now() - push_time, absl::ZeroDuration());
  absl::ReaderMutexLock lock(&mutex_);
  auto tenant = tenants_.find(job.tenant);
  if (tenant == tenants_.end()) tenant = tenants_.find(kOther);
  if (tenant != tenants_.end()) tenant->second.chunk_waits->Add(absl::ToDoubleSeconds(wait));
}

void JobTotals::ForgetOldest() {
  while (ended_.size() > kEndedKept) {
    const auto found = entries_.find(ended_.front());
    // It may run again meanwhile.
    if (found != entries_.end() && model::IsFinal(found->second.job->state)) entries_.erase(found);
    ended_.pop_front();
  }
}

JobTotals::Tenant& JobTotals::FindTenant(const std::string& name) {
  const bool full = tenants_.size() >= kTenantsMax && !tenants_.contains(name);
  Tenant& tenant = tenants_[full ? kOther : name];
  tenant.totals.tenant = full ? kOther : name;
  if (tenant.chunk_waits == nullptr) tenant.chunk_waits = std::make_unique<model::Histogram>(kWaitBounds);
  return tenant;
}

std::vector<TenantTotals> JobTotals::Read() const {
  const int64_t now = clock_->SteadyNanos();
  absl::MutexLock lock(&mutex_);
  std::vector<TenantTotals> all;
  all.reserve(tenants_.size());
  for (const auto& [name, tenant] : tenants_) {
    TenantTotals& totals = all.emplace_back(tenant.totals);
    totals.chunk_waits = tenant.chunk_waits->Read();
    if (!tenant.waiting.empty()) totals.oldest_wait = absl::Nanoseconds(now - tenant.waiting.begin()->first);
  }
  return all;
}

}  // namespace millrace::core
