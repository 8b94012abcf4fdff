#include "tests/simulation/world/fairness.h"

namespace millrace::simulation {

void Fairness::SetWaiting(const std::set<model::JobKey>& jobs) {
  std::erase_if(overtaken_, [&jobs](const auto& entry) { return !jobs.contains(entry.first); });
  for (const model::JobKey& job : jobs) overtaken_.try_emplace(job);
}

std::string Fairness::OnGrant(const model::JobKey& job, int64_t overtaking_max) {
  std::string victim;
  for (auto& [waiting, by] : overtaken_) {
    if (waiting == job) {
      by.clear();
    } else if (++by[job] > overtaking_max) {
      victim = waiting.job_id;
    }
  }
  return victim;
}

}  // namespace millrace::simulation
