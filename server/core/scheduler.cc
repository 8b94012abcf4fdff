#include "server/core/scheduler.h"

#include <utility>

#include "storage/model/job_rules.h"
#include "storage/model/limits.h"

namespace millrace::core {
namespace {

/// Outcomes of one job that may wait for the commit lane: enough to fill a group commit, few enough to bound memory.
constexpr size_t kCommitsWaitingMax = 64;

}  // namespace

bool Scheduler::CanRun(const Entry& entry) {
  const model::Job& job = *entry.job;
  if (!model::MayDispatch(job.state)) return false;
  if (job.output_buffer_used_bytes >= job.options.output_buffer_bytes) return false;
  // In order means that a chunk starts when the one before it is committed.
  if (job.options.max_workers == 1 && (!entry.flights.empty() || !entry.backing_off.empty())) return false;
  if (entry.running >= job.options.max_workers) return false;
  // A chunk that was handed back is never held up by outcomes that wait: with ordered results they may wait for it.
  if (!entry.returned.empty()) return true;
  if (entry.flights.size() - static_cast<size_t>(entry.running) >= kCommitsWaitingMax) return false;
  return entry.cursor < job.last_sequence && entry.cursor < job.watermark + model::kDispatchWindowChunks;
}

void Scheduler::UpdateRound(Entry& entry) {
  const bool can_run = CanRun(entry);
  if (can_run && !entry.in_round) {
    entry.place = round_.insert(round_.end(), &entry);
  } else if (!can_run && entry.in_round) {
    round_.erase(entry.place);
  }
  entry.in_round = can_run;
}

void Scheduler::OnJobChanged(const model::JobPtr& job) {
  const model::JobKey key = job->key();
  auto it = entries_.find(key);
  if (it == entries_.end()) {
    if (model::IsFinal(job->state)) return;
    it = entries_.emplace(key, std::make_unique<Entry>()).first;
    it->second->cursor = job->watermark;
  }
  it->second->job = job;
  UpdateRound(*it->second);
  ForgetIfOver(key);
}

void Scheduler::SetAlarm(Entry& entry) {
  const absl::Time first = entry.backing_off.empty() ? absl::InfiniteFuture() : entry.backing_off.begin()->first.first;
  if (first == entry.alarm) return;
  if (entry.alarm != absl::InfiniteFuture()) alarms_.erase({entry.alarm, entry.job->key()});
  if (first != absl::InfiniteFuture()) alarms_.emplace(first, entry.job->key());
  entry.alarm = first;
}

void Scheduler::EndBackoffs(absl::Time now) {
  while (!alarms_.empty() && alarms_.begin()->first <= now) {
    Entry& entry = *entries_.at(alarms_.begin()->second);
    for (auto it = entry.backing_off.begin(); it != entry.backing_off.end() && it->first.first <= now;) {
      entry.returned.emplace(it->first.second, it->second);
      it = entry.backing_off.erase(it);
    }
    SetAlarm(entry);
    UpdateRound(entry);
  }
}

absl::Time Scheduler::NextWake() const { return alarms_.empty() ? absl::InfiniteFuture() : alarms_.begin()->first; }

std::optional<Grant> Scheduler::Next(absl::Time now) {
  EndBackoffs(now);
  if (round_.empty()) return std::nullopt;
  Entry& entry = *round_.front();
  // To the end of the round: every other job that can run comes before it does again.
  round_.splice(round_.end(), round_, round_.begin());

  Grant grant{.job = entry.job};
  if (!entry.returned.empty()) {
    const auto [sequence, attempt] = *entry.returned.begin();
    entry.returned.erase(entry.returned.begin());
    grant.sequence = sequence;
    grant.attempt = attempt + 1;
  } else {
    grant.sequence = ++entry.cursor;
  }
  entry.flights[grant.sequence] = {.attempt = grant.attempt};
  ++entry.running;
  ++running_;
  ++in_flight_;
  UpdateRound(entry);
  return grant;
}

void Scheduler::OnRan(const model::JobKey& job, int64_t sequence) {
  const auto it = entries_.find(job);
  if (it == entries_.end()) return;
  const auto flight = it->second->flights.find(sequence);
  if (flight == it->second->flights.end() || flight->second.ran) return;
  flight->second.ran = true;
  --it->second->running;
  --running_;
  UpdateRound(*it->second);
}

void Scheduler::Land(Entry& entry, int64_t sequence) {
  const auto flight = entry.flights.find(sequence);
  if (flight == entry.flights.end()) return;
  if (!flight->second.ran) {
    --entry.running;
    --running_;
  }
  entry.flights.erase(flight);
  --in_flight_;
}

void Scheduler::OnDone(const model::JobKey& job, int64_t sequence) {
  const auto it = entries_.find(job);
  if (it == entries_.end()) return;
  Land(*it->second, sequence);
  UpdateRound(*it->second);
  ForgetIfOver(job);
}

void Scheduler::OnReturned(const model::JobKey& job, int64_t sequence, absl::Time ready) {
  const auto it = entries_.find(job);
  if (it == entries_.end()) return;
  Entry& entry = *it->second;
  const auto flight = entry.flights.find(sequence);
  if (flight == entry.flights.end()) return;
  entry.backing_off.emplace(std::pair(ready, sequence), flight->second.attempt);
  Land(entry, sequence);
  SetAlarm(entry);
  UpdateRound(entry);
  ForgetIfOver(job);
}

void Scheduler::ForgetIfOver(const model::JobKey& key) {
  const auto it = entries_.find(key);
  if (it == entries_.end()) return;
  Entry& entry = *it->second;
  if (!model::IsFinal(entry.job->state) || !entry.flights.empty()) return;
  if (entry.in_round) round_.erase(entry.place);
  entry.backing_off.clear();
  SetAlarm(entry);
  entries_.erase(it);
}

int32_t Scheduler::running(const model::JobKey& job) const {
  const auto it = entries_.find(job);
  return it == entries_.end() ? 0 : it->second->running;
}

int64_t Scheduler::in_flight(const model::JobKey& job) const {
  const auto it = entries_.find(job);
  return it == entries_.end() ? 0 : static_cast<int64_t>(it->second->flights.size());
}

}  // namespace millrace::core
