#include "storage/store/rocks_job_table.h"

#include <utility>

#include "storage/model/job_rules.h"

namespace millrace::store {

JobTable::JobTable(const std::vector<model::JobPtr>& unfinished, EndedSumsMap ended) : ended_(std::move(ended)) {
  absl::MutexLock lock(&mutex_);
  for (const model::JobPtr& job : unfinished) {
    Add(job->key(), job);
    published_.emplace(job->key(), job);
  }
}

model::JobPtr JobTable::FindActive(const model::JobKey& key) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto found = published_.find(key);
  return found == published_.end() ? nullptr : found->second;
}

std::vector<model::JobPtr> JobTable::Active() const {
  absl::ReaderMutexLock lock(&mutex_);
  std::vector<model::JobPtr> active;
  active.reserve(published_.size());
  for (const auto& [key, job] : published_) active.push_back(job);
  return active;
}

model::ServiceSums JobTable::Sums(const std::string& tenant) const {
  std::vector<model::JobPtr> active;
  model::ServiceSums sums;
  {
    // The lane waits for it, so what takes long is done behind it.
    absl::ReaderMutexLock lock(&mutex_);
    active.reserve(published_.size());
    for (const auto& [key, job] : published_) {
      if (key.tenant == tenant) active.push_back(job);
    }
    for (auto at = ended_.lower_bound({tenant, ""}); at != ended_.end() && at->first.tenant == tenant; ++at) {
      sums.emplace(at->first.service, at->second);
    }
  }
  for (const model::JobPtr& job : active) model::AddJob(sums[job->service], *job);
  return sums;
}

model::JobSums JobTable::EndedSums(const format::TenantService& service) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto found = ended_.find(service);
  return found == ended_.end() ? model::JobSums() : found->second;
}

LaneJob* JobTable::Find(const model::JobKey& key) {
  const auto found = jobs_.find(key);
  return found == jobs_.end() ? nullptr : found->second.get();
}

LaneJob* JobTable::Add(const model::JobKey& key, model::JobPtr durable) {
  auto job = std::make_unique<LaneJob>();
  job->job = durable;
  job->durable = std::move(durable);
  return jobs_.emplace(key, std::move(job)).first->second.get();
}

void JobTable::Settle(const std::vector<LaneJob*>& jobs, const EndedSumsMap& ended) {
  absl::MutexLock lock(&mutex_);
  for (const auto& [service, sums] : ended) {
    if (model::JobCount(sums) > 0) {
      ended_.insert_or_assign(service, sums);
    } else {
      ended_.erase(service);
    }
  }
  for (LaneJob* job : jobs) {
    job->durable = job->job;
    job->touched = false;
    job->new_results.clear();
    job->definition_changed = false;
    job->statistics_changed = false;
    job->changed_groups.clear();
    const model::JobKey key = job->durable->key();
    if (model::IsFinal(job->durable->state)) {
      published_.erase(key);
      jobs_.erase(key);
    } else {
      published_.insert_or_assign(key, job->durable);
    }
  }
}

void JobTable::Revert(const std::vector<LaneJob*>& jobs) {
  for (LaneJob* job : jobs) {
    if (job->durable == nullptr || model::IsFinal(job->durable->state)) {
      jobs_.erase(job->job->key());
      continue;
    }
    const model::JobPtr durable = job->durable;
    *job = LaneJob{};
    job->durable = durable;
    job->job = durable;
  }
}

std::vector<model::JobPtr> JobTable::Unfinished() const {
  std::vector<model::JobPtr> unfinished;
  for (const auto& [key, job] : jobs_) {
    if (!model::IsFinal(job->job->state)) unfinished.push_back(job->job);
  }
  return unfinished;
}

}  // namespace millrace::store
