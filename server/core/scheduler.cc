#include "server/core/scheduler.h"

#include <algorithm>
#include <utility>

#include "storage/model/job_rules.h"

namespace millrace::core {
namespace {

/// What a chunk is expected to run before any did. It matters only until the first one is through.
constexpr int64_t kFirstGuessNanos = 1'000'000;
/// The cost of a record where the clock did not see it run, and the least cost of a chunk: nothing is for free, or a
/// job of empty chunks would never lose its turn.
constexpr int64_t kRecordNanosMin = 1'000;

/// Moves an average towards a new value. The weight of what was fades by an eighth each time.
void Learn(int64_t& average, int64_t value) { average = average == 0 ? value : average + (value - average) / 8; }

int64_t ByWeight(int64_t nanos, const model::Job& job) { return std::max<int64_t>(1, nanos / job.options.weight); }

}  // namespace

Scheduler::Entry* Scheduler::Find(const model::JobKey& key) const {
  const auto it = entries_.find(key);
  return it == entries_.end() ? nullptr : it->second.get();
}

Scheduler::Entry& Scheduler::Admit(const model::JobKey& key, const model::JobPtr& job) {
  std::unique_ptr<Tenant>& tenant = tenants_[key.tenant];
  if (tenant == nullptr) {
    tenant = std::make_unique<Tenant>();
    tenant->name = key.tenant;
  }
  ++tenant->jobs;
  Entry& entry = *entries_.emplace(key, std::make_unique<Entry>()).first->second;
  entry.tenant = tenant.get();
  entry.number = ++jobs_seen_;
  entry.dispatch.job = job;
  entry.dispatch.cursor = job->watermark;
  entry.dispatch.kept_back = kept_back_.contains(key);
  return entry;
}

void Scheduler::KeepBack(const model::JobKey& job, absl::Time now) {
  if (++kept_back_[job] > 1) return;
  Entry* const entry = Find(job);
  if (entry == nullptr) return;
  entry->dispatch.kept_back = true;
  Update(*entry, now);
}

void Scheduler::LetGo(const model::JobKey& job, absl::Time now) {
  const auto kept = kept_back_.find(job);
  if (--kept->second > 0) return;
  kept_back_.erase(kept);
  Entry* const entry = Find(job);
  if (entry == nullptr) return;
  entry->dispatch.kept_back = false;
  Update(*entry, now);
}

void Scheduler::SetPlace(Entry& entry, bool waits) {
  Tenant& tenant = *entry.tenant;
  const int32_t priority = entry.dispatch.job->options.priority;
  if (entry.waits && (!waits || priority != entry.priority)) {
    tenant.levels[entry.priority].Leave(entry);
    --tenant.waiting;
  }
  if (priority != entry.priority) {
    // Another level counts another time.
    entry.tag = 0;
    ++entry.returns;
    entry.priority = priority;
  }
  if (waits && !entry.waits) {
    tenant.levels[priority].Join(entry);
    ++tenant.waiting;
  }
  if (tenant.waiting > 0) {
    waiting_tenants_.Join(tenant);
  } else {
    waiting_tenants_.Leave(tenant);
  }
}

void Scheduler::SetAlarm(Entry& entry, absl::Time moment) {
  if (moment == entry.alarm) return;
  if (entry.alarm != absl::InfiniteFuture()) alarms_.erase({entry.alarm, entry.number});
  if (moment != absl::InfiniteFuture()) alarms_.emplace(std::pair(moment, entry.number), &entry);
  entry.alarm = moment;
}

void Scheduler::Update(Entry& entry, absl::Time now) {
  const Verdict verdict = Decide(entry.dispatch, worker_labels_, now);
  SetPlace(entry, verdict.may_start());
  SetAlarm(entry, verdict.until);
}

void Scheduler::WakeDue(absl::Time now) {
  // Decide never names a moment that has come, so each round of this ends one alarm.
  while (!alarms_.empty() && alarms_.begin()->first.first <= now) Update(*alarms_.begin()->second, now);
}

absl::Time Scheduler::NextWake() const {
  return alarms_.empty() ? absl::InfiniteFuture() : alarms_.begin()->first.first;
}

void Scheduler::OnJobChanged(const model::JobPtr& job, absl::Time now) {
  const model::JobKey key = job->key();
  Entry* entry = Find(key);
  if (entry == nullptr) {
    if (model::IsFinal(job->state)) return;
    entry = &Admit(key, job);
  }
  TakeSnapshot(entry->dispatch, job, now);
  Update(*entry, now);
  ForgetIfOver(key);
}

Scheduler::Entry* Scheduler::Front() const {
  const auto* tenant = static_cast<const Tenant*>(waiting_tenants_.Front());
  if (tenant == nullptr) return nullptr;
  for (const auto& [priority, level] : tenant->levels) {
    if (!level.empty()) return static_cast<Entry*>(level.Front());
  }
  return nullptr;
}

int64_t Scheduler::Expected(const Entry& entry) const {
  if (entry.expected_nanos > 0) return entry.expected_nanos;
  return expected_nanos_ > 0 ? expected_nanos_ : kFirstGuessNanos;
}

std::optional<Grant> Scheduler::Next(absl::Time now) {
  WakeDue(now);
  Entry* const front = Front();
  if (front == nullptr) return std::nullopt;
  Entry& entry = *front;
  JobDispatch& dispatch = entry.dispatch;
  const model::JobOptions& options = dispatch.job->options;

  while (!dispatch.backing_off.empty() && dispatch.backing_off.begin()->first.first <= now) {
    const auto& [place, attempt] = *dispatch.backing_off.begin();
    dispatch.returned.emplace(place.second, attempt);
    dispatch.backing_off.erase(dispatch.backing_off.begin());
  }
  Grant grant{.job = dispatch.job, .sequence = Decide(dispatch, worker_labels_, now).sequence};
  grant.needs_keys = HasKeyOrder(options) && !dispatch.order.Knows(grant.sequence);
  if (grant.needs_keys) dispatch.unread = grant.sequence;
  if (const auto again = dispatch.returned.find(grant.sequence); again != dispatch.returned.end()) {
    grant.attempt = again->second + 1;
    dispatch.returned.erase(again);
  } else {
    dispatch.cursor = grant.sequence;
  }

  const int64_t expected = Expected(entry);
  dispatch.flights[grant.sequence] = {
      .attempt = grant.attempt,
      .start = now,
      .next_start_before = dispatch.next_start,
      .job_charge = entry.tenant->levels[entry.priority].Serve(entry, ByWeight(expected, *dispatch.job)),
      .tenant_charge = waiting_tenants_.Serve(*entry.tenant, expected)};
  ++dispatch.running;
  ++dispatch.unsized;
  dispatch.first_grant = std::min(dispatch.first_grant, now);
  dispatch.next_start = std::max(dispatch.next_start, now + options.throttle.delay_between_chunks);
  ++running_;
  ++in_flight_;
  Update(entry, now);
  return grant;
}

bool Scheduler::OnKeys(const model::JobKey& job, int64_t sequence, std::vector<uint64_t> keys, absl::Time now) {
  Entry* const entry = Find(job);
  if (entry == nullptr || entry->dispatch.unread != sequence) return true;
  JobDispatch& dispatch = entry->dispatch;
  dispatch.order.Enter(sequence, std::move(keys));
  dispatch.unread = 0;
  const bool may_run = dispatch.order.Blocker(sequence) == 0;
  // It did not start after all. No other one could since.
  if (!may_run) dispatch.next_start = dispatch.flights.at(sequence).next_start_before;
  Update(*entry, now);
  return may_run;
}

void Scheduler::OnParked(const model::JobKey& job, int64_t sequence, absl::Time now) {
  Entry* const entry = Find(job);
  if (entry == nullptr) return;
  JobDispatch& dispatch = entry->dispatch;
  const auto flight = dispatch.flights.find(sequence);
  if (flight == dispatch.flights.end()) return;
  const int32_t attempt = flight->second.attempt;
  TakeBack(*entry, flight, now);
  dispatch.parked.emplace(sequence, attempt);
  if (dispatch.order.Blocker(sequence) == 0) Unpark(dispatch, sequence);
  Update(*entry, now);
  ForgetIfOver(job);
}

void Scheduler::Unpark(JobDispatch& dispatch, int64_t sequence) {
  const auto parked = dispatch.parked.find(sequence);
  if (parked == dispatch.parked.end()) return;
  // What is handed out again is in the attempt behind the one it had.
  dispatch.returned.emplace(sequence, parked->second - 1);
  dispatch.parked.erase(parked);
}

void Scheduler::OnSized(const model::JobKey& job, int64_t sequence, int64_t records, absl::Time now) {
  Entry* const entry = Find(job);
  if (entry == nullptr) return;
  JobDispatch& dispatch = entry->dispatch;
  const auto it = dispatch.flights.find(sequence);
  if (it == dispatch.flights.end() || it->second.sized) return;
  Flight& flight = it->second;
  flight.sized = true;
  flight.records = records;
  --dispatch.unsized;
  const double rate = dispatch.job->options.throttle.records_per_second;
  if (rate > 0) {
    const absl::Duration pause = absl::Seconds(static_cast<double>(records) / rate);
    dispatch.next_start = std::max(dispatch.next_start, flight.start + pause);
  }
  Update(*entry, now);
}

void Scheduler::FreeWorker(Entry& entry, Flight& flight, absl::Time now) {
  if (flight.ran) return;
  flight.ran = true;
  --entry.dispatch.running;
  --running_;
  if (!flight.sized) --entry.dispatch.unsized;
  flight.sized = true;
  // A worker was busy for so long, whatever came of it.
  const int64_t nanos =
      std::max({absl::ToInt64Nanoseconds(now - flight.start), flight.records * kRecordNanosMin, kRecordNanosMin});
  Learn(entry.expected_nanos, nanos);
  Learn(expected_nanos_, nanos);
  entry.tenant->levels[entry.priority].Settle(entry, flight.job_charge, ByWeight(nanos, *entry.dispatch.job));
  waiting_tenants_.Settle(*entry.tenant, flight.tenant_charge, nanos);
}

void Scheduler::OnRan(const model::JobKey& job, int64_t sequence, absl::Time now) {
  Entry* const entry = Find(job);
  if (entry == nullptr) return;
  const auto flight = entry->dispatch.flights.find(sequence);
  if (flight == entry->dispatch.flights.end()) return;
  FreeWorker(*entry, flight->second, now);
  Update(*entry, now);
}

void Scheduler::TakeBack(Entry& entry, absl::flat_hash_map<int64_t, Flight>::iterator flight, absl::Time now) {
  FreeWorker(entry, flight->second, now);
  entry.dispatch.flights.erase(flight);
  --in_flight_;
}

void Scheduler::OnDone(const model::JobKey& job, int64_t sequence, absl::Time now) {
  Entry* const entry = Find(job);
  if (entry == nullptr) return;
  JobDispatch& dispatch = entry->dispatch;
  const auto flight = dispatch.flights.find(sequence);
  if (flight == dispatch.flights.end()) return;
  TakeBack(*entry, flight, now);
  if (dispatch.unread == sequence) dispatch.unread = 0;
  const std::vector<int64_t> ready = dispatch.order.Leave(sequence);
  for (const int64_t follower : ready) Unpark(dispatch, follower);
  Update(*entry, now);
  ForgetIfOver(job);
}

void Scheduler::OnReturned(const model::JobKey& job, int64_t sequence, absl::Time ready, absl::Time now) {
  Entry* const entry = Find(job);
  if (entry == nullptr) return;
  const auto flight = entry->dispatch.flights.find(sequence);
  if (flight == entry->dispatch.flights.end()) return;
  entry->dispatch.backing_off.emplace(std::pair(ready, sequence), flight->second.attempt);
  TakeBack(*entry, flight, now);
  Update(*entry, now);
  ForgetIfOver(job);
}

void Scheduler::ForgetIfOver(const model::JobKey& key) {
  Entry* const entry = Find(key);
  if (entry == nullptr || !model::IsFinal(entry->dispatch.job->state) || !entry->dispatch.flights.empty()) return;
  // A job in a final state may not start a chunk, so it waits nowhere.
  Tenant& tenant = *entry->tenant;
  entries_.erase(key);
  if (--tenant.jobs == 0) tenants_.erase(std::string(tenant.name));
}

void Scheduler::SetPosition(const Entry& entry, Standing& standing) {
  if (!entry.waits) return;
  for (const auto& [priority, level] : entry.tenant->levels) {
    if (priority == entry.priority) {
      standing.position = standing.of_higher_priority + level.Ahead(entry) + 1;
      return;
    }
    standing.of_higher_priority += level.size();
  }
}

Standing Scheduler::Explain(const model::JobPtr& job, int64_t sequence, bool committed, absl::Time now) const {
  const Entry* const entry = Find(job->key());
  JobDispatch unknown;
  unknown.job = job;
  unknown.cursor = model::IsFinal(job->state) ? job->last_sequence : job->watermark;
  const JobDispatch& dispatch = entry == nullptr ? unknown : entry->dispatch;

  Standing standing{.job = dispatch.job, .running = dispatch.running, .workers_busy = running_};
  standing.verdict = sequence == 0 ? Decide(dispatch, worker_labels_, now)
                                   : DecideAbout(dispatch, worker_labels_, sequence, committed, now);
  const bool is_over = standing.verdict.hold == Hold::kDone || standing.verdict.hold == Hold::kSkipped;
  if (is_over) return {.job = dispatch.job, .verdict = standing.verdict, .workers_busy = running_};
  if (standing.verdict.hold == Hold::kNoMatchingWorker) standing.worker_labels = worker_labels_;
  if (standing.verdict.until != absl::InfiniteFuture()) standing.wait = standing.verdict.until - now;
  standing.committing = static_cast<int64_t>(dispatch.flights.size()) - dispatch.running;
  standing.chunks_ahead = ChunksAhead(dispatch, sequence);
  const int64_t meant = sequence == 0 ? standing.verdict.sequence : sequence;
  if (const auto flight = dispatch.flights.find(meant); flight != dispatch.flights.end()) {
    standing.attempt = flight->second.attempt;
  }
  if (const auto back = dispatch.returned.find(meant); back != dispatch.returned.end()) standing.attempt = back->second;
  if (const auto parked = dispatch.parked.find(meant); parked != dispatch.parked.end()) {
    standing.attempt = parked->second - 1;
  }
  for (const auto& [place, attempt] : dispatch.backing_off) {
    if (place.second == meant) standing.attempt = attempt;
  }
  if (entry != nullptr) SetPosition(*entry, standing);
  for (const auto& [key, other] : entries_) {
    const bool runs = other->dispatch.running > 0;
    standing.jobs_sharing += other->waits || runs ? 1 : 0;
    // It waits nowhere because it runs as much as it may, and takes each worker that it gives back.
    const bool comes_back = runs && !other->waits && other->dispatch.cursor < other->dispatch.job->last_sequence;
    const bool goes_first = entry != nullptr && entry->waits && other->tenant == entry->tenant &&
                            other->dispatch.job->options.priority > entry->priority;
    standing.of_higher_priority += comes_back && goes_first ? 1 : 0;
  }
  return standing;
}

int32_t Scheduler::running(const model::JobKey& job) const {
  const Entry* const entry = Find(job);
  return entry == nullptr ? 0 : entry->dispatch.running;
}

int64_t Scheduler::in_flight(const model::JobKey& job) const {
  const Entry* const entry = Find(job);
  return entry == nullptr ? 0 : static_cast<int64_t>(entry->dispatch.flights.size());
}

}  // namespace millrace::core
